/** What is known of the era of one upstream: pinned by the configuration, or found out and kept for a while. */
import type { Era } from '../protocol/versions.ts';

/** A legacy verdict is looked at again after this time, milliseconds: servers are upgraded. */
const LEGACY_KEPT = 3_600_000;

export class EraVerdict {
  readonly #pinned: Era | undefined;
  #era: Era | undefined;
  #at = 0;

  /** @param protocol as configured */
  constructor(protocol: 'auto' | Era) {
    this.#pinned = protocol === 'auto' ? undefined : protocol;
  }

  /** The era, where it needs no asking. */
  get legacy(): boolean {
    if (this.#pinned) return this.#pinned === 'legacy';
    return this.#era === 'legacy' && Date.now() - this.#at < LEGACY_KEPT;
  }

  /** Whether it was of the modern era when it was last asked. */
  get modern(): boolean {
    return this.#era === 'modern';
  }

  /** Whether another era than this must not be tried. */
  get pinned(): Era | undefined {
    return this.#pinned;
  }

  found(era: Era): void {
    this.#era = era;
    this.#at = Date.now();
  }

  /** It did not behave as it should: it is asked anew. */
  doubt(): void {
    this.#era = undefined;
  }
}
