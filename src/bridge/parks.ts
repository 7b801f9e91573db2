/** The calls that wait for their modern clients, found by what those bring back. */
import { Fault } from '../errors.ts';
import type { Park } from './park.ts';

interface Parked {
  readonly park: Park;
  readonly principal: string;
}

export class Parks {
  readonly #limit: number;
  readonly #parked = new Map<string, Parked>();
  readonly #counts = new Map<string, number>();

  /** @param limit calls that may wait at once for clients of one principal */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#parked.size;
  }

  /** @throws Fault `tooManyParked` */
  enter(park: Park, principal: string): void {
    const count = this.#counts.get(principal) ?? 0;
    if (count >= this.#limit) throw new Fault('tooManyParked', { limit: this.#limit });
    this.#counts.set(principal, count + 1);
    this.#parked.set(park.id, { park, principal });
  }

  leave({ id }: Park): void {
    const parked = this.#parked.get(id);
    if (!parked) return;
    this.#parked.delete(id);
    const left = this.#counts.get(parked.principal)! - 1;
    if (left > 0) this.#counts.set(parked.principal, left);
    else this.#counts.delete(parked.principal);
  }

  /** The call with this id, for the principal that it was made by. */
  get(id: string, principal: string): Park | undefined {
    const parked = this.#parked.get(id);
    return parked?.principal === principal ? parked.park : undefined;
  }

  /** Nobody will come back any more. */
  close(): void {
    for (const { park } of [...this.#parked.values()]) park.drop();
  }
}
