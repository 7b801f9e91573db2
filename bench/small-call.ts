/**
 * Benchmark `small-call`: what one small `tools/call` over Streamable HTTP costs Patchbay as it runs in production, against
 * the byte proxy and against a gateway on SDK classes. All are sent the same requests, access token included.
 */
import { comparison } from './benchmark.ts';
import { productionConfig, startIssuer } from './production.ts';
import { startByteProxy, startPatchbay, startSdkGateway, startUpstream } from './targets.ts';

export const PROXY = 'byte proxy';
export const DIRECT = 'direct to the upstream';
const SDK = 'SDK gateway, bare';
const SDK_SIGNED_IN = 'SDK gateway, signed in';
const OPEN = 'Patchbay, open to all';
export const PRODUCTION = 'Patchbay, everything on';

export const smallCall = comparison({
  name: 'small-call',
  load: { seconds: 1, warmup: 0.3, connections: 16, inFlight: 32, bytes: 200 },
  async contenders(stack, cli) {
    const { url } = stack.use(await startUpstream());
    const issuer = stack.use(await startIssuer());
    const load = { token: issuer.token };
    const config = productionConfig(issuer);
    return [
      { name: DIRECT, start: () => startUpstream(), load },
      { name: PROXY, start: () => startByteProxy(url), load },
      { name: SDK, start: () => startSdkGateway(url), load },
      { name: SDK_SIGNED_IN, start: () => startSdkGateway(url, issuer), load },
      { name: OPEN, start: () => startPatchbay({ url }, { cli }), load },
      { name: PRODUCTION, start: () => startPatchbay({ url }, { cli, config }), load },
    ];
  },
  ratios: [
    [PRODUCTION, PROXY, { atMost: 1.3 }],
    [SDK_SIGNED_IN, PRODUCTION, { atLeast: 8 }],
    [SDK, PRODUCTION],
    [OPEN, PROXY],
  ],
});
