/** The calls of a session that are in progress, by the key of the client's id. */
import type { Call } from '../protocol/call.ts';
import { InProgress } from '../protocol/in-progress.ts';

/** Ids that are numbers a ring can keep, which those of most clients are. */
const NUMBER = /^(?:0|[1-9]\d{0,14})$/;

export class InFlight {
  readonly #numbered = new InProgress<Call>();
  readonly #others = new Map<string, Call>();

  get size(): number {
    return this.#numbered.size + this.#others.size;
  }

  /** @param key as by `idKey` */
  get(key: string): Call | undefined {
    return NUMBER.test(key) ? this.#numbered.get(Number(key)) : this.#others.get(key);
  }

  /** @returns false where there is one with this key already, which stays */
  add(key: string, call: Call): boolean {
    if (this.get(key)) return false;
    if (NUMBER.test(key)) this.#numbered.set(Number(key), call);
    else this.#others.set(key, call);
    return true;
  }

  /** Takes this call out, and no other that may have its key. */
  delete(key: string, call: Call): void {
    if (this.get(key) !== call) return;
    if (NUMBER.test(key)) this.#numbered.delete(Number(key));
    else this.#others.delete(key);
  }

  values(): Call[] {
    return [...this.#numbered.values(), ...this.#others.values()];
  }
}
