/**
 * Benchmarks of the two eras and the bridges between them: a small call, and a call during which the person is asked, for
 * each combination of client and upstream; and a small call to an upstream over stdio. Patchbay runs as in production.
 */
import { type Comparison, comparison } from './benchmark.ts';
import { productionConfig, startIssuer } from './production.ts';
import type { Era } from './session.ts';
import { PROXY } from './small-call.ts';
import { startByteProxy, startPatchbay, startUpstream, UPSTREAM } from './targets.ts';
import type { Load } from './windows.ts';

const ERAS = ['legacy', 'modern'] as const;
const PAIRS = ERAS.flatMap((client) => ERAS.map((upstream) => ({ client, upstream })));
const nameOf = ({ client, upstream }: { client: Era; upstream: Era }): string =>
  `${client} client, ${upstream} upstream`;

const SMALL: Load = { seconds: 1, warmup: 0.3, connections: 16, inFlight: 32, bytes: 200 };

const combinations = (name: string, load: Load, baseline: boolean): Comparison => ({
  name,
  load,
  sets: 1,
  async contenders(stack, cli) {
    const legacy = stack.use(await startUpstream());
    const modern = stack.use(await startUpstream({ era: 'modern' }));
    const issuer = stack.use(await startIssuer());
    const { token } = issuer;
    const config = productionConfig(issuer);
    const proxy = { name: PROXY, start: () => startByteProxy(legacy.url), load: { token } };
    const pairs = PAIRS.map((pair) => ({
      name: nameOf(pair),
      start: () => startPatchbay({ url: (pair.upstream === 'modern' ? modern : legacy).url }, { cli, config }),
      load: { era: pair.client, token },
    }));
    return baseline ? [proxy, ...pairs] : pairs;
  },
  ratios: baseline
    ? PAIRS.map((pair) => [nameOf(pair), PROXY] as const)
    : PAIRS.slice(1).map((pair) => [nameOf(pair), nameOf(PAIRS[0]!)] as const),
});

export const eras = comparison(combinations('eras', SMALL, true));
export const elicitation = comparison(
  combinations('elicitation', { ...SMALL, tool: 'ask', connections: 8, inFlight: 8 }, false),
);

const STDIO = 'Patchbay, stdio upstream';

export const stdioCall = comparison({
  name: 'stdio-call',
  load: SMALL,
  sets: 1,
  async contenders(stack, cli) {
    const { url } = stack.use(await startUpstream());
    const issuer = stack.use(await startIssuer());
    const load = { token: issuer.token };
    const config = productionConfig(issuer);
    const upstream = { command: process.execPath, args: [UPSTREAM, '--transport', 'stdio'], sharing: 'shared' };
    return [
      { name: PROXY, start: () => startByteProxy(url), load },
      { name: STDIO, start: () => startPatchbay(upstream, { cli, config }), load },
    ];
  },
  ratios: [[STDIO, PROXY]],
});
