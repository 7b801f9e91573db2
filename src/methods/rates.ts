/**
 * How often something is done in a time: requests of each principal, as they arrive at the front door, and uses of each item
 * that has a limit, where calls are routed. Counted at once, in windows that begin with the first use.
 */
import type { Rate } from '../config/units.ts';

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

  constructor(now: () => number = Date.now, most = MOST) {
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
    const now = this.#now();
    const window = this.#windows.get(key);
    if (window && window.until > now) {
      if (window.used >= times) return window.until - now;
      window.used++;
      return 0;
    }
    this.#windows.delete(key);
    if (this.#windows.size >= this.#most) this.#makeRoom(now);
    this.#windows.set(key, { used: 1, until: now + per });
    return 0;
  }

  #makeRoom(now: number): void {
    for (const [key, { until }] of this.#windows) if (until <= now) this.#windows.delete(key);
    for (const key of this.#windows.keys()) {
      if (this.#windows.size < this.#most) return;
      this.#windows.delete(key);
    }
  }
}
