/** The calls that wait for their modern clients, found by what those bring back; and for a while those that are over. */
import { Fault } from '../errors.ts';
import type { Park } from './park.ts';

interface Parked {
  readonly park: Park;
  readonly principal: string;
}

/** Those of one principal. */
interface Share {
  waiting: number;
  /** Those whose end is kept, for a client that lost it; the oldest first. */
  readonly over: Set<Park>;
}

export class Parks {
  readonly #limit: number;
  readonly #parked = new Map<string, Parked>();
  readonly #shares = new Map<string, Share>();

  /** @param limit calls of one principal at once; those that are over make room */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#parked.size;
  }

  /** @throws Fault `tooManyParked` when as many wait as may */
  enter(park: Park, principal: string): void {
    const share = this.#shares.get(principal) ?? { waiting: 0, over: new Set<Park>() };
    if (share.waiting >= this.#limit) throw new Fault('tooManyParked', { limit: this.#limit });
    this.#shares.set(principal, share);
    this.#parked.set(park.id, { park, principal });
    share.waiting += 1;
    this.#makeRoom(share);
  }

  /** Nobody has to wait for it any more: what is kept of it goes when others need the room. */
  ended(park: Park): void {
    const parked = this.#parked.get(park.id);
    const share = parked && this.#shares.get(parked.principal)!;
    if (!share || share.over.has(park)) return;
    share.waiting -= 1;
    share.over.add(park);
  }

  leave(park: Park): void {
    const parked = this.#parked.get(park.id);
    if (!parked) return;
    this.#parked.delete(park.id);
    const share = this.#shares.get(parked.principal)!;
    if (!share.over.delete(park)) share.waiting -= 1;
    if (share.waiting + share.over.size === 0) this.#shares.delete(parked.principal);
  }

  /** The call with this id, for the principal that it was made by. */
  get(id: string, principal: string): Park | undefined {
    const parked = this.#parked.get(id);
    return parked?.principal === principal ? parked.park : undefined;
  }

  /** These will not come back: their calls end, and nothing is kept of them. @param principals their keys */
  drop(principals: ReadonlySet<string>): void {
    for (const { park, principal } of [...this.#parked.values()]) if (principals.has(principal)) park.drop();
  }

  /** Nobody will come back any more. */
  close(): void {
    for (const { park } of [...this.#parked.values()]) park.drop();
  }

  #makeRoom({ waiting, over }: Share): void {
    for (const oldest of over) {
      if (waiting + over.size <= this.#limit) return;
      oldest.forget();
    }
  }
}
