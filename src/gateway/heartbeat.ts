/** One timer for all open replies and streams, so that proxies and clients see life on idle ones. */

export interface Beating {
  /** Called at every beat. `now` is `Date.now()`. */
  beat(now: number): void;
}

export class Heartbeat {
  /** Milliseconds between beats; 0 is no beat at all. */
  readonly interval: number;
  readonly #members = new Set<Beating>();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(interval: number) {
    this.interval = interval;
    if (interval === 0) return;
    this.#timer = setInterval(() => {
      const now = Date.now();
      for (const member of this.#members) member.beat(now);
    }, interval).unref();
  }

  get size(): number {
    return this.#members.size;
  }

  add(member: Beating): void {
    this.#members.add(member);
  }

  delete(member: Beating): void {
    this.#members.delete(member);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
