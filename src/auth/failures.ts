/** Counts refused credentials by address, so that who tries many is told to wait before any more are looked at. */
import { Fault } from '../errors.ts';
import type { Tallies } from '../storage/tallies.ts';
import { addressKey } from './address-key.ts';

/** Milliseconds. */
const WINDOW = 60_000;
/** Addresses remembered; the one whose window began first makes room. */
const MOST = 20_000;

interface Window {
  readonly since: number;
  count: number;
  /** That it has reached the limit was told. */
  told: boolean;
}

export class Failures {
  #limit: number;
  readonly #reached: (address: string) => void;
  readonly #now: () => number;
  readonly #tallies: Tallies | undefined;
  readonly #windows = new Map<string, Window>();

  /**
   * @param limit failures of one address in a minute; 0 for no limit
   * @param reached told once a minute of each address that has reached it
   * @param tallies brings the counts of several workers together
   */
  constructor(
    limit: number,
    reached: (address: string) => void = () => undefined,
    now: () => number = Date.now,
    tallies?: Tallies,
  ) {
    this.#limit = limit;
    this.#reached = reached;
    this.#now = now;
    this.#tallies = tallies;
    tallies?.on('failures', (key, times) => {
      this.#window(key).count += times;
    });
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Takes over another limit, which counts for the failures there were already. */
  configure(limit: number): void {
    this.#limit = limit;
  }

  /**
   * To be asked before credentials are looked at that are not known to be good.
   * @throws Fault `rateLimited` when there were too many bad ones
   */
  check(address: string): void {
    const found = this.#windows.get(addressKey(address));
    if (this.#limit > 0 && found && found.count >= this.#limit) this.#refuse(address, found);
  }

  /**
   * Counts one more.
   * @returns how many there were in this minute with it
   * @throws Fault `rateLimited` when that is too many
   */
  count(address: string): number {
    if (this.#limit === 0) return 0;
    const key = addressKey(address);
    const found = this.#window(key);
    found.count++;
    this.#tallies?.add('failures', key);
    if (found.count === this.#limit) this.#tell(address, found);
    if (found.count > this.#limit) this.#refuse(address, found);
    return found.count;
  }

  #window(key: string): Window {
    const now = this.#now();
    const found = this.#windows.get(key);
    if (found && now - found.since < WINDOW) return found;
    this.#windows.delete(key);
    const made = { since: now, count: 0, told: false };
    this.#windows.set(key, made);
    if (this.#windows.size > MOST) this.#windows.delete(this.#windows.keys().next().value!);
    return made;
  }

  #tell(address: string, found: Window): void {
    if (!found.told) this.#reached(address);
    found.told = true;
  }

  #refuse(address: string, found: Window): void {
    const left = found.since + WINDOW - this.#now();
    if (left <= 0) return;
    // a limit that was lowered meanwhile may have been passed long since
    this.#tell(address, found);
    const limit = `auth.limits.failures is ${this.#limit} a minute`;
    throw new Fault('rateLimited', { limit, seconds: Math.ceil(left / 1_000) });
  }
}
