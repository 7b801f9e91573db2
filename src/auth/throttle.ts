/**
 * Slows guessing of passwords down. Failures of one address, and of one user from one address, make that one wait for
 * ever longer. Failures of a user from everywhere make addresses that this user is not known from wait a few seconds
 * before their first try, and no more: a stranger cannot lock a user out.
 */

/** How waits grow. Milliseconds. */
interface Steps {
  /** As many failures are free. */
  readonly free: number;
  readonly first: number;
  readonly most: number;
}

const OF_PAIR: Steps = { free: 5, first: 2_000, most: 900_000 };
const OF_ADDRESS: Steps = { free: 20, first: 2_000, most: 900_000 };
/** So many failures of one user, and addresses that the user is not known from wait. */
const UNDER_ATTACK = 15;
const KNOCK = 5_000;
/** Failures are forgotten when there was none for so long, milliseconds: longer than the longest wait. */
const FORGET = 1_800_000;
/** An address that a user has signed in from is known for so long, milliseconds. */
const KNOWN = 30 * 86_400_000;
/** As many of each kind are remembered; those that were touched longest ago make room. */
const MOST = 10_000;

interface Record {
  failures: number;
  /** No tries before this. */
  notBefore: number;
  touched: number;
}

/** What a try was let in with. */
export interface Attempt {
  /** It was the right password: it does not count as a failure. */
  succeeded(): void;
  /** It was not judged. */
  withdrawn(): void;
}

export class Throttle {
  readonly #now: () => number;
  readonly #addresses: Recent<Record>;
  readonly #pairs: Recent<Record>;
  readonly #users: Recent<Record>;
  readonly #known: Recent<number>;

  constructor(now: () => number = Date.now, most = MOST) {
    this.#now = now;
    this.#addresses = new Recent(most);
    this.#pairs = new Recent(most);
    this.#users = new Recent(most);
    this.#known = new Recent(most);
  }

  /** How many records there are, for tests and figures. */
  get size(): number {
    return this.#addresses.size + this.#pairs.size + this.#users.size + this.#known.size;
  }

  /**
   * Asks for a try. It counts as a failure from the start, so that many at once are not all the first.
   * @param address of the client, one key for all that are one to it (see {@link addressKey})
   * @returns the seconds to wait, when it must not be tried now
   */
  attempt(user: string, address: string): Attempt | { readonly retryInSeconds: number } {
    const now = this.#now();
    const pairKey = JSON.stringify([user, address]);
    const pair = this.#record(this.#pairs, pairKey, now);
    const from = this.#record(this.#addresses, address, now);
    const everywhere = this.#record(this.#users, user, now);
    const isKnown = (this.#known.get(pairKey) ?? Number.NEGATIVE_INFINITY) > now - KNOWN;
    if (everywhere.failures >= UNDER_ATTACK && pair.failures === 0 && pair.notBefore === 0 && !isKnown)
      pair.notBefore = now + KNOCK;
    const wait = Math.max(pair.notBefore, from.notBefore) - now;
    if (wait > 0) return { retryInSeconds: Math.ceil(wait / 1_000) };

    const changed = [pair, from, everywhere].map((record) => ({ record, before: record.notBefore }));
    fail(pair, OF_PAIR, now);
    fail(from, OF_ADDRESS, now);
    everywhere.failures++;
    const after = [pair, from, everywhere].map(({ notBefore }) => notBefore);
    const takeBack = () => {
      for (const [i, { record, before }] of changed.entries()) {
        record.failures = Math.max(0, record.failures - 1);
        // another try may have failed meanwhile
        if (record.notBefore === after[i]) record.notBefore = before;
      }
    };
    return {
      withdrawn: takeBack,
      succeeded: () => {
        takeBack();
        this.#pairs.delete(pairKey);
        this.#known.set(pairKey, now);
      },
    };
  }

  #record(records: Recent<Record>, key: string, now: number): Record {
    const found = records.get(key);
    const record = found && found.touched > now - FORGET ? found : { failures: 0, notBefore: 0, touched: now };
    record.touched = now;
    records.set(key, record);
    return record;
  }
}

function fail(record: Record, { free, first, most }: Steps, now: number): void {
  record.failures++;
  const beyond = record.failures - free;
  if (beyond >= 0) record.notBefore = now + Math.min(most, first * 2 ** Math.min(beyond, 30));
}

/** A map that forgets what was set longest ago. */
class Recent<T> {
  readonly #most: number;
  readonly #entries = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#most) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
