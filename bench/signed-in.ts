/**
 * Benchmark `signed-in`: what an access token adds to one small `tools/call`, against Patchbay that lets everyone in.
 */
import { comparison } from './benchmark.ts';
import { startIssuer } from './production.ts';
import { startPatchbay, startUpstream } from './targets.ts';

const OPEN = 'Patchbay, open to all';
const SIGNED = 'Patchbay, with tokens';

export const signedIn = comparison({
  name: 'signed-in',
  load: { seconds: 1, warmup: 0.3, connections: 16, inFlight: 32, bytes: 200 },
  rounds: 12,
  async contenders(stack, cli) {
    const { url } = stack.use(await startUpstream());
    const { auth, token } = stack.use(await startIssuer());
    return [
      { name: OPEN, start: () => startPatchbay({ url }, { cli }) },
      { name: SIGNED, start: () => startPatchbay({ url }, { cli, config: { auth } }), load: { token } },
    ];
  },
  ratios: [[SIGNED, OPEN]],
  added: [SIGNED, OPEN],
});
