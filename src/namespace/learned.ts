/** Which upstream each URI came from that one principal was shown and no list or template attributes. */
import { SOON, type Tallies } from '../storage/tallies.ts';

/** Those of one principal. */
export interface LearnedOwners {
  /** The upstream id that `uri` was learned from, or undefined. */
  owner(uri: string): string | undefined;
  /** Keeps `upstream` as the owner of `uri`, in place of an earlier one. It may decline: `owner` then tells. */
  learn(uri: string, upstream: string): void;
}

/** Longer URIs are not kept, in UTF-16 units. */
const MAX_LENGTH = 4_096;

/** Learned owners in memory: the `limit` URIs used last, the others forgotten. One per principal. */
export class LearnedUris implements LearnedOwners {
  readonly #limit: number;
  readonly #owners = new Map<string, string>();
  readonly #learned: (uri: string, upstream: string) => void;

  /** @param limit how many URIs to keep @param learned told of what was not known before */
  constructor(limit = 10_000, learned: (uri: string, upstream: string) => void = () => undefined) {
    this.#limit = limit;
    this.#learned = learned;
  }

  get size(): number {
    return this.#owners.size;
  }

  owner(uri: string): string | undefined {
    const upstream = this.#owners.get(uri);
    if (upstream !== undefined) this.#touch(uri, upstream);
    return upstream;
  }

  learn(uri: string, upstream: string): void {
    if (uri.length > MAX_LENGTH) return;
    const isNew = this.#owners.get(uri) !== upstream;
    this.take(uri, upstream);
    if (isNew) this.#learned(uri, upstream);
  }

  /** Keeps what another process has learned. */
  take(uri: string, upstream: string): void {
    this.#touch(uri, upstream);
    if (this.#owners.size <= this.#limit) return;
    const [oldest] = this.#owners.keys();
    this.#owners.delete(oldest!);
  }

  #touch(uri: string, upstream: string): void {
    this.#owners.delete(uri);
    this.#owners.set(uri, upstream);
  }
}

/** What each principal has learned, by its key: of the `limit` principals seen last. */
export class LearnedByPrincipal {
  readonly #limit: number;
  readonly #learned = new Map<string, LearnedUris>();
  readonly #tallies: Tallies | undefined;

  /** @param limit how many principals to keep it of @param tallies tells other workers of it */
  constructor(limit = 1_000, tallies?: Tallies) {
    this.#limit = limit;
    this.#tallies = tallies;
    tallies?.on('learned', (told) => {
      const [principal, uri, upstream] = JSON.parse(told) as [string, string, string];
      this.of(principal).take(uri, upstream);
    });
  }

  get size(): number {
    return this.#learned.size;
  }

  of(principal: string): LearnedUris {
    const own = this.#learned.get(principal) ?? this.#made(principal);
    this.#learned.delete(principal);
    this.#learned.set(principal, own);
    if (this.#learned.size > this.#limit) this.#learned.delete(this.#learned.keys().next().value!);
    return own;
  }

  #made(principal: string): LearnedUris {
    const tallies = this.#tallies;
    return new LearnedUris(
      undefined,
      tallies && ((uri, upstream) => tallies.add('learned', JSON.stringify([principal, uri, upstream]), SOON)),
    );
  }
}
