/** Benchmarks of many calls at once that take their time, and of latency at half of the rate that is possible. */
import { comparison } from './benchmark.ts';
import { compare } from './compare.ts';
import { figures } from './figures.ts';
import { Cores } from './pin.ts';
import { productionConfig, startIssuer } from './production.ts';
import { type Figure, median } from './report.ts';
import { DIRECT, PRODUCTION, PROXY } from './small-call.ts';
import { startByteProxy, startPatchbay, startUpstream } from './targets.ts';
import { type Load, measureWindow, type Window } from './windows.ts';

const MANY = 5_000;

/** A thousand calls in progress, each of which takes two seconds. */
export const manySlow = comparison({
  name: 'slow-calls',
  load: { seconds: 4, warmup: 2, connections: 1_000, inFlight: 1_000, bytes: 200, tool: 'wait', ms: 2_000 },
  sets: 1,
  rounds: 6,
  async contenders(stack, cli) {
    const { url } = stack.use(await startUpstream());
    const issuer = stack.use(await startIssuer());
    const config = { ...productionConfig(issuer), sessions: { maxPerPrincipal: MANY } };
    const upstream = { url, maxLinks: MANY, maxLinksPerPrincipal: MANY };
    const load = { token: issuer.token };
    return [
      { name: PROXY, start: () => startByteProxy(url), load },
      { name: PRODUCTION, start: () => startPatchbay(upstream, { cli, config }), load },
    ];
  },
  ratios: [[PRODUCTION, PROXY]],
});

/** A connection for each call in progress, so that none waits for another in the load generator. */
const LOAD = { connections: 64, inFlight: 64, bytes: 200 };

export const latency = figures({
  name: 'latency',
  flags: { rounds: 10, seconds: 3 },
  quick: { rounds: 2, seconds: 1 },
  async measure({ rounds, seconds }, cli) {
    // whatever stands between them, load generator and upstream share a core: what they wait for each other is in all figures
    using cores = new Cores();
    await using upstream = await startUpstream();
    const { url } = upstream;
    await using issuer = await startIssuer();
    const { token } = issuer;
    const config = productionConfig(issuer);
    const startOwn = async () => cores.onOthers(await startPatchbay({ url }, { cli, config }));
    const most = await saturation(startOwn, { ...LOAD, seconds: 2, warmup: 2, token });
    const rate = Math.round(most / 2);
    const contenders = [
      { name: DIRECT, start: () => startUpstream() },
      { name: PROXY, start: async () => cores.onOthers(await startByteProxy(url)), load: { token } },
      { name: PRODUCTION, start: startOwn, load: { token } },
    ];
    const load: Load = { ...LOAD, seconds, warmup: 0.5, rate };
    const [direct = [], proxy = [], own = []] = await compare(contenders, load, { sets: 1, rounds, settle: 4 });
    return [
      { name: 'calls that are possible (closed loop)', unit: '1/s', value: most },
      { name: 'calls that are made', unit: '1/s', value: median(own.map((window) => window.callsPerSecond)) },
      ...ofPercentile('p50Us', 'p50', direct, proxy, own),
      ...ofPercentile('p99Us', 'p99', direct, proxy, own, 2),
    ];
  },
});

async function saturation(start: () => ReturnType<typeof startPatchbay>, load: Load): Promise<number> {
  await using target = await start();
  const rates: number[] = [];
  for (let i = 0; i < 3; i += 1) rates.push((await measureWindow(target, load)).callsPerSecond);
  return median(rates);
}

function ofPercentile(
  key: 'p50Us' | 'p99Us',
  name: string,
  direct: readonly Window[],
  proxy: readonly Window[],
  own: readonly Window[],
  limit?: number,
): Figure[] {
  const added = (windows: readonly Window[]) => median(windows.map((one, i) => one[key] - direct[i]![key])) / 1_000;
  return [
    { name: `${name} of the upstream itself`, unit: 'ms', value: median(direct.map((one) => one[key])) / 1_000 },
    { name: `added by the byte proxy`, unit: 'ms', value: added(proxy) },
    { name: `added by Patchbay`, unit: 'ms', value: added(own), ...(limit !== undefined && { limit }) },
  ];
}
