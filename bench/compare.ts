/**
 * Contenders beside each other that take turns in short windows: what a machine does beside that comes and goes slower than
 * they do, so that windows next to each other can be compared. Each set is of processes of its own, since the same code may
 * be compiled more or less well.
 */
import { median } from './report.ts';
import type { Target } from './targets.ts';
import { type Load, measureWindow, type Window } from './windows.ts';

export interface Contender {
  readonly name: string;
  readonly start: () => Promise<Target>;
  /** What is different in its load. */
  readonly load?: Partial<Load>;
}

export interface Turns {
  /** How often all of it is done with new processes. */
  readonly sets: number;
  /** Windows of each contender in a set. */
  readonly rounds: number;
  /** How long each process runs before it is measured, so that what is hot is compiled; seconds. */
  readonly settle: number;
  /** In a hurry: prints nothing, and lets all of them settle at once. */
  readonly brief?: boolean;
}

/**
 * Prints a line for each set, so that a long run shows where it is.
 * @returns the windows of each contender, in order; those with the same index lie next to each other
 * @throws {Error} when one does not start or answers wrongly
 */
export async function compare(contenders: readonly Contender[], load: Load, turns: Turns): Promise<Window[][]> {
  const all = contenders.map((): Window[] => []);
  for (let set = 1; set <= turns.sets; set += 1) {
    await using stack = new AsyncDisposableStack();
    const running: { target: Target; load: Load; windows: Window[] }[] = [];
    for (const [i, contender] of contenders.entries()) {
      const target = stack.use(await contender.start());
      running.push({ target, load: { ...load, ...contender.load }, windows: all[i]! });
    }
    const settle = ({ target, load: own }: (typeof running)[number]) =>
      measureWindow(target, { ...own, seconds: turns.settle, warmup: 0 });
    if (turns.brief) await Promise.all(running.map(settle));
    else for (const one of running) await settle(one);
    for (let round = 0; round < turns.rounds; round += 1) {
      const order = round % 2 === 0 ? running : running.toReversed();
      for (const { target, load: own, windows } of order) windows.push(await measureWindow(target, own));
    }
    if (turns.brief) continue;
    const figures = all.map((windows, i) => {
      const middle = median(windows.slice(-turns.rounds).map(({ target }) => target.cpuUsPerCall));
      return `${contenders[i]!.name} ${middle.toFixed(1)}`;
    });
    console.log(`set ${set}, µs/call: ${figures.join(', ')}`);
  }
  return all;
}
