/** Counts what the client of one stream misses, so that the log tells of it once and not per message. */
import type { Kind } from './retention.ts';

/** How much was left out of each kind. */
export type LossCounts = Readonly<Partial<Record<Kind, number>>>;

/** How long what is lost is counted before it is told, milliseconds. */
const COUNTED = 1_000;

export class Losses {
  readonly #tell: (counts: LossCounts) => void;
  #counts: Partial<Record<Kind, number>> = {};
  #timer: NodeJS.Timeout | undefined;
  #told = false;
  /** Whether anything was left out since the client last kept up. */
  #incident = false;

  /** @param tell called soon after an incident has begun, and at its end when more was lost since */
  constructor(tell: (counts: LossCounts) => void) {
    this.#tell = tell;
  }

  /** A message was left out. Reports of progress count, but alone they are no incident. */
  add(kind: Kind): void {
    this.#incident = true;
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    if (kind === 'progress' || this.#told) return;
    this.#timer ??= setTimeout(() => this.#report(), COUNTED).unref();
  }

  /** The client has caught up, or is gone for good. */
  over(): void {
    if (!this.#incident) return;
    this.#report();
    this.#told = false;
    this.#incident = false;
  }

  #report(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counts = this.#counts;
    this.#counts = {};
    if (Object.keys(counts).every((kind) => kind === 'progress')) return;
    this.#told = true;
    this.#tell(counts);
  }
}
