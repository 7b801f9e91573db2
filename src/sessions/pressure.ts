/** Whether a client reads more slowly than messages come, told to every call whose messages go to it. */

export type PressureListener = (full: boolean) => void;

export class Pressure {
  #full = false;
  readonly #listeners: PressureListener[] = [];

  /** Whether messages have to wait now. */
  get full(): boolean {
    return this.#full;
  }

  /** Takes a listener in, which hears of every change from now on. */
  add(listener: PressureListener): void {
    if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  delete(listener: PressureListener): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  set(full: boolean): void {
    if (this.#full === full) return;
    this.#full = full;
    // one that goes on may bring in what makes it full again, or end and leave
    for (const listener of [...this.#listeners]) {
      if (this.#full !== full) return;
      if (this.#listeners.includes(listener)) listener(full);
    }
  }
}
