/** Tokens that were found good, by their hash: each is checked once, until it ends or is taken back. */
import { hash } from 'node:crypto';
import type { Verified } from './verifier.ts';

/** The hash of a token, under which it is remembered. */
export const hashOf = (token: string): string => hash('sha256', token, 'base64url');

export class TokenCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Verified>();
  #generation = 0;

  /** @param limit most tokens remembered; the one unused for longest makes room */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Changes when tokens are forgotten: what was checked before that is not to be set any more. */
  get generation(): number {
    return this.#generation;
  }

  /** @param key by {@link hashOf}, and whatever else the judgement depends on */
  get(key: string, now = Date.now()): Verified | undefined {
    const found = this.#entries.get(key);
    if (!found) return undefined;
    this.#entries.delete(key);
    if (found.until <= now) return undefined;
    this.#entries.set(key, found);
    return found;
  }

  set(key: string, verified: Verified): void {
    this.#entries.set(key, verified);
    if (this.#entries.size <= this.#limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Tokens of which this is true are checked again when they come next. */
  forget(which: (verified: Verified) => boolean): void {
    this.#generation++;
    for (const [key, verified] of this.#entries) if (which(verified)) this.#entries.delete(key);
  }
}
