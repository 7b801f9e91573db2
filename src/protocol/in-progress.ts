/**
 * What is in progress, by numbers that mostly grow. Most things are over soon: they have a place in a ring, where coming
 * and going leaves nothing behind. (A `Map` is built anew every few entries, and the tables that it had keep what was in
 * them from the young generation's collector.) What outlasts a round of the ring moves to a map.
 */

const FIRST = 16;
const LARGEST = 256;

export class InProgress<T> {
  #ids: number[] = new Array<number>(FIRST).fill(0);
  #ring: (T | undefined)[] = new Array<T | undefined>(FIRST).fill(undefined);
  readonly #late = new Map<number, T>();
  #inRing = 0;

  get size(): number {
    return this.#inRing + this.#late.size;
  }

  get(id: number): T | undefined {
    const at = id & (this.#ring.length - 1);
    if (this.#ids[at] === id && this.#ring[at] !== undefined) return this.#ring[at];
    return this.#late.size > 0 ? this.#late.get(id) : undefined;
  }

  /** @param id a whole number; one that is there already is replaced */
  set(id: number, value: T): void {
    if (this.#late.size > 0 && this.#late.has(id)) {
      this.#late.set(id, value);
      return;
    }
    let at = id & (this.#ring.length - 1);
    while (this.#ring[at] !== undefined && this.#ids[at] !== id && this.#ring.length < LARGEST) {
      this.#grow();
      at = id & (this.#ring.length - 1);
    }
    const before = this.#ring[at];
    if (before === undefined) this.#inRing++;
    else if (this.#ids[at] !== id) this.#late.set(this.#ids[at]!, before);
    this.#ids[at] = id;
    this.#ring[at] = value;
  }

  /** @returns whether it was there */
  delete(id: number): boolean {
    const at = id & (this.#ring.length - 1);
    if (this.#ids[at] !== id || this.#ring[at] === undefined) return this.#late.size > 0 && this.#late.delete(id);
    this.#ring[at] = undefined;
    this.#inRing--;
    return true;
  }

  /** All of them, in no order. */
  values(): T[] {
    const all = [...this.#late.values()];
    for (const value of this.#ring) if (value !== undefined) all.push(value);
    return all;
  }

  clear(): void {
    this.#ring.fill(undefined);
    this.#late.clear();
    this.#inRing = 0;
  }

  /** Two that had different places have different ones in a ring twice as large. */
  #grow(): void {
    const size = this.#ring.length * 2;
    const ids = new Array<number>(size).fill(0);
    const ring = new Array<T | undefined>(size).fill(undefined);
    for (const [i, value] of this.#ring.entries()) {
      if (value === undefined) continue;
      const id = this.#ids[i]!;
      ids[id & (size - 1)] = id;
      ring[id & (size - 1)] = value;
    }
    this.#ids = ids;
    this.#ring = ring;
  }
}
