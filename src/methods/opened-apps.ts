/** MCP Apps that are in use. */

/** Principals of which it is kept which upstreams' apps they have opened. */
const MOST = 10_000;

/** Whose apps each principal has opened, by its key. */
export class OpenedApps {
  readonly #opened = new Map<string, Set<string>>();

  /** A principal has read a `ui://` resource of an upstream. */
  open(principal: string, upstream: string): void {
    const own = this.#opened.get(principal) ?? new Set<string>();
    this.#opened.delete(principal);
    this.#opened.set(principal, own.add(upstream));
    if (this.#opened.size > MOST) this.#opened.delete(this.#opened.keys().next().value!);
  }

  has(principal: string, upstream: string): boolean {
    return this.#opened.get(principal)?.has(upstream) ?? false;
  }
}
