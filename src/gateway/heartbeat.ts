/** One timer for all open replies and streams, so that proxies and clients see life on idle ones. */

export interface Beating {
  /** Called at every beat. `now` is `Date.now()`. */
  beat(now: number): void;
  /** Its place in the one heartbeat that it is in, which alone sets it. */
  place?: number | undefined;
}

export class Heartbeat {
  /** Milliseconds between beats; 0 is no beat at all. */
  readonly interval: number;
  readonly #members: Beating[] = [];
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(interval: number) {
    this.interval = interval;
    if (interval === 0) return;
    this.#timer = setInterval(() => {
      const now = Date.now();
      // backwards, since one that leaves is replaced by the last, which has been there already
      for (let i = this.#members.length - 1; i >= 0; i--) this.#members[i]?.beat(now);
    }, interval).unref();
  }

  get size(): number {
    return this.#members.length;
  }

  add(member: Beating): void {
    if (member.place !== undefined) return;
    member.place = this.#members.push(member) - 1;
  }

  delete(member: Beating): void {
    const { place } = member;
    if (place === undefined) return;
    member.place = undefined;
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[place] = last;
    last.place = place;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
