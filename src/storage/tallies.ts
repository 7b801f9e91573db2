/**
 * What processes that serve one port tell each other of what each of them has counted or learned. Nobody waits for it: what
 * happens within the time that telling takes, each knows for itself alone.
 */

/** How long what is to be told waits for more, milliseconds: counts, and what somebody may use at once. */
const USUAL = 100;
export const SOON = 5;

/** What was counted, under which key, and how often. */
export type Tally = readonly [kind: string, key: string, times: number];

export class Tallies {
  readonly #tell: (tallies: readonly Tally[]) => void;
  readonly #pending = new Map<string, Map<string, number>>();
  readonly #heard = new Map<string, (key: string, times: number) => void>();
  #timer: NodeJS.Timeout | undefined;
  /** When it is told, milliseconds of `performance.now()`. */
  #due = 0;

  /** @param tell brings it to the other processes */
  constructor(tell: (tallies: readonly Tally[]) => void) {
    this.#tell = tell;
  }

  /** Something was counted here. @param within how soon it is told, milliseconds */
  add(kind: string, key: string, within = USUAL): void {
    const counts = this.#pending.get(kind) ?? new Map<string, number>();
    this.#pending.set(kind, counts.set(key, (counts.get(key) ?? 0) + 1));
    if (this.#timer && (within === USUAL || this.#due <= performance.now() + within)) return;
    clearTimeout(this.#timer);
    this.#due = performance.now() + within;
    this.#timer = setTimeout(() => this.#flush(), within).unref();
  }

  /** Sets who is told of what others have counted; it takes the place of whoever was before. */
  on(kind: string, heard: (key: string, times: number) => void): void {
    this.#heard.set(kind, heard);
  }

  /** Others have counted this. */
  hear(tallies: readonly Tally[]): void {
    for (const [kind, key, times] of tallies) this.#heard.get(kind)?.(key, times);
  }

  #flush(): void {
    this.#timer = undefined;
    const tallies = [...this.#pending].flatMap(([kind, counts]) =>
      [...counts].map(([key, times]): Tally => [kind, key, times]),
    );
    this.#pending.clear();
    this.#tell(tallies);
  }
}
