/**
 * Benchmark `workers`: how much more two workers can do than one process. The load generator, the upstream and whatever else
 * runs take their share of the cores of a machine, so that calls a second say little. What counts is how many calls there are
 * for each second that the busiest process of the gateway spends on a CPU: with a core for each, that is what limits them. It
 * counts what passing requests on costs, and load that is not spread evenly.
 *
 * All processes of the gateway run on one core and everything else on another: they have always something to do then, as under
 * full load. A process that waits again and again takes half as much CPU for a call more.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { compare } from './compare.ts';
import { figures } from './figures.ts';
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
    const cores = allowed();
    if (cores.length < 2) throw new Error('there is one core only, which the gateway needs for itself');
    using _ = new Pinned(process.pid, cores.slice(0, 1), cores);
    await using upstream = await startUpstream();
    await using issuer = await startIssuer();
    const own = productionConfig(issuer);
    const start = (count: number) => async (): Promise<Target> => {
      const target = await startPatchbay(
        { url: upstream.url, maxLinks: MANY, maxLinksPerPrincipal: MANY },
        { cli, config: { ...own, server: { ...(own as { server?: object }).server, workers: count } } },
      );
      for (const pid of [target.pid, ...target.workers]) pin(pid, cores.slice(1, 2));
      return target;
    };
    const load: Load = {
      ...{ seconds, warmup: 0.5, connections: sessions, inFlight: sessions, bytes: 200, token: issuer.token },
    };
    const measured: Figure[] = [];
    for (const { name, load: way, goal } of WAYS) {
      const contenders = [1, 2].map((count) => ({
        name: `${name}: ${count}`,
        start: start(count),
        load: way,
      }));
      const [one = [], two = []] = await compare(contenders, load, { sets, rounds, settle: 3 });
      const gain = median(two.map((window, i) => inASecond(window) / inASecond(one[i]!)));
      measured.push(
        { name: `${name}: one process`, unit: 'calls/CPU s', value: median(one.map(inASecond)) },
        { name: `${name}: two workers`, unit: 'calls/CPU s', value: median(two.map(inASecond)) },
        { name: `${name}: two over one`, unit: '×', value: gain, ...(goal && { least: GOAL }) },
      );
    }
    return measured;
  },
});

/** The cores that this process may run on. */
function allowed(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Lets a process and all its threads run on some cores alone; what it starts later does, too. */
function pin(pid: number, cores: readonly number[]): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores.join(','), String(pid)], { stdio: 'ignore' });
}

/** For as long as something is measured. */
class Pinned {
  readonly #pid: number;
  readonly #after: readonly number[];

  constructor(pid: number, cores: readonly number[], after: readonly number[]) {
    this.#pid = pid;
    this.#after = after;
    pin(pid, cores);
  }

  [Symbol.dispose](): void {
    pin(this.#pid, this.#after);
  }
}
