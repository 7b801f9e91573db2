/**
 * How often something is done in a time: requests of each principal, as they arrive at the front door, and uses of each item
 * that has a limit, where calls are routed. Counted at once, in windows that begin with the first use.
 */
import type { Rate } from '../config/units.ts';
import type { Tallies } from '../storage/tallies.ts';

interface Window {
  used: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** Windows that are kept; the ones that began first make room. */
const MOST = 20_000;

export class Rates {
  readonly #now: () => number;
  readonly #most: number;
  readonly #windows = new Map<string, Window>();
  readonly #tell: ((key: string, per: number) => void) | undefined;

  /**
   * @param kind what is counted
   * @param tallies brings the counts of several workers together
   */
  constructor(kind: string, tallies?: Tallies, now: () => number = Date.now, most = MOST) {
    this.#tell = tallies && ((key, per) => tallies.add(kind, `${per} ${key}`));
    tallies?.on(kind, (told, times) => {
      const at = told.indexOf(' ');
      this.#window(told.slice(at + 1), Number(told.slice(0, at))).used += times;
    });
    this.#now = now;
    this.#most = most;
  }

  get size(): number {
    return this.#windows.size;
  }

  /**
   * Counts one use.
   * @param key whose use of what
   * @returns 0, or the milliseconds until it may be used again, when it was used as often as it may
   */
  take(key: string, { times, per }: Rate): number {
    const window = this.#window(key, per);
    if (window.used >= times) return window.until - this.#now();
    window.used++;
    this.#tell?.(key, per);
    return 0;
  }

  #window(key: string, per: number): Window {
    const now = this.#now();
    const found = this.#windows.get(key);
    if (found && found.until > now) return found;
    this.#windows.delete(key);
    if (this.#windows.size >= this.#most) this.#makeRoom(now);
    const made = { used: 0, until: now + per };
    this.#windows.set(key, made);
    return made;
  }

  #makeRoom(now: number): void {
    for (const [key, { until }] of this.#windows) if (until <= now) this.#windows.delete(key);
    for (const key of this.#windows.keys()) {
      if (this.#windows.size < this.#most) return;
      this.#windows.delete(key);
    }
  }
}
