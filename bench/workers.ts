/**
 * Benchmark `workers`: how much more two workers can do than one process. The load generator, the upstream and whatever else
 * runs take their share of the cores of a machine, so that calls a second say little. What counts is how many calls there are
 * for each second that the busiest process of the gateway spends on a CPU: with a core for each, that is what limits them. It
 * counts what passing requests on costs, and load that is not spread evenly.
 *
 * All processes of the gateway run on one core and everything else on another: they have always something to do then, as under
 * full load. A process that waits again and again takes half as much CPU for a call more. On the other hand two busy processes
 * on one core take its caches from each other, which they would not do with a core for each. So what two workers can do is
 * compared with what one of two separate gateways can do that share the core and the load in the same way, but do not know of
 * each other. What a process does that has the core for itself is told beside it.
 */
import { compare } from './compare.ts';
import { figures } from './figures.ts';
import { Cores } from './pin.ts';
import { productionConfig, startIssuer } from './production.ts';
import { type Figure, median } from './report.ts';
import { startPatchbay, startUpstream, type Target } from './targets.ts';
import type { Load, Window } from './windows.ts';

const GOAL = 1.7;
const MANY = 5_000;

/** How clients come: what is different in the load, and whether it is what two workers are for. */
const WAYS: readonly { readonly name: string; readonly load: Partial<Load>; readonly goal: boolean }[] = [
  { name: 'sessions, each with connections of its own', load: { apart: 1 }, goal: true },
  { name: 'clients without sessions (2026-07-28)', load: { era: 'modern' }, goal: true },
  { name: 'sessions that share connections, as behind a proxy', load: {}, goal: false },
];

const inASecond = ({ target }: Window): number => 1e6 / target.busiestUsPerCall;

export const workers = figures({
  name: 'workers',
  flags: { sets: 2, rounds: 6, seconds: 1, sessions: 128 },
  quick: { sets: 1, rounds: 2 },
  async measure({ sets, rounds, seconds, sessions }, cli) {
    using cores = new Cores();
    await using upstream = await startUpstream();
    await using issuer = await startIssuer();
    const own = productionConfig(issuer);
    const start = async (count: number): Promise<Target> => {
      const target = await startPatchbay(
        { url: upstream.url, maxLinks: MANY, maxLinksPerPrincipal: MANY },
        { cli, config: { ...own, server: { ...(own as { server?: object }).server, workers: count } } },
      );
      return cores.onOne(target);
    };
    const load: Load = {
      ...{ seconds, warmup: 0.5, connections: sessions, inFlight: sessions, bytes: 200, token: issuer.token },
    };
    const measured: Figure[] = [];
    for (const { name, load: way, goal } of WAYS) {
      const contenders = [
        { name: `${name}: one`, start: () => start(1), load: way },
        { name: 'one of two that are apart', start: () => twoApart(() => start(1)), load: way },
        { name: 'two workers', start: () => start(2), load: way },
      ];
      const windows = await compare(contenders, load, { sets, rounds, settle: 3 });
      const [alone = [], both = [], two = []] = windows.map((of) => of.map(inASecond));
      const apart = both.map((rate) => rate / 2);
      const gain = (over: readonly number[]): number => median(two.map((rate, i) => rate / over[i]!));
      measured.push(
        { name: `${name}: one process`, unit: 'calls/CPU s', value: median(alone) },
        { name: `${name}: one of two that are apart`, unit: 'calls/CPU s', value: median(apart) },
        { name: `${name}: two workers`, unit: 'calls/CPU s', value: median(two) },
        { name: `${name}: two workers over one process`, unit: '×', value: gain(alone) },
        { name: `${name}: over one of two apart`, unit: '×', value: gain(apart), ...(goal && { least: GOAL }) },
      );
    }
    return measured;
  },
});

/** Two gateways that do not know of each other, and share what comes. */
async function twoApart(start: () => Promise<Target>): Promise<Target> {
  const [one, other] = [await start(), await start()];
  return {
    ...one,
    workers: [other.pid],
    also: [other.url],
    [Symbol.asyncDispose]: async () => {
      await Promise.all([one, other].map((target) => target[Symbol.asyncDispose]()));
    },
  };
}
