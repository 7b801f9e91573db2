/** Which upstream each URI came from that one principal was shown and no list or template attributes. */
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

  /** @param limit how many URIs to keep */
  constructor(limit = 10_000) {
    this.#limit = limit;
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

  /** @param limit how many principals to keep it of */
  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#learned.size;
  }

  of(principal: string): LearnedUris {
    const own = this.#learned.get(principal) ?? new LearnedUris();
    this.#learned.delete(principal);
    this.#learned.set(principal, own);
    if (this.#learned.size > this.#limit) this.#learned.delete(this.#learned.keys().next().value!);
    return own;
  }
}
