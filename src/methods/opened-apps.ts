/** MCP Apps that are in use. */
import { SOON, type Tallies } from '../storage/tallies.ts';

/** Principals of which it is kept which upstreams' apps they have opened. */
const MOST = 10_000;

/** Whose apps each principal has opened, by its key. */
export class OpenedApps {
  readonly #opened = new Map<string, Set<string>>();
  readonly #tallies: Tallies | undefined;

  /** @param tallies tells other workers of it */
  constructor(tallies?: Tallies) {
    this.#tallies = tallies;
    tallies?.on('apps', (told) => {
      const [principal, upstream] = JSON.parse(told) as [string, string];
      this.#take(principal, upstream);
    });
  }

  /** A principal has read a `ui://` resource of an upstream. */
  open(principal: string, upstream: string): void {
    if (!this.has(principal, upstream)) this.#tallies?.add('apps', JSON.stringify([principal, upstream]), SOON);
    this.#take(principal, upstream);
  }

  #take(principal: string, upstream: string): void {
    const own = this.#opened.get(principal) ?? new Set<string>();
    this.#opened.delete(principal);
    this.#opened.set(principal, own.add(upstream));
    if (this.#opened.size > MOST) this.#opened.delete(this.#opened.keys().next().value!);
  }

  has(principal: string, upstream: string): boolean {
    return this.#opened.get(principal)?.has(upstream) ?? false;
  }
}
