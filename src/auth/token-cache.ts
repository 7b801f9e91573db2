/** Tokens that were found good, by their hash: each is checked once, until it ends or is taken back. */
import { hash } from 'node:crypto';
import type { Verified } from './verifier.ts';

/** The hash of a token, under which it is remembered. */
export const hashOf = (token: string): string => hash('sha256', token, 'base64url');

interface Entry {
  readonly verified: Verified;
  /** Whether it was used since room was made last. */
  used: boolean;
}

export class TokenCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  #generation = 0;

  /** @param limit most tokens remembered; one that was not used lately makes room */
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
    if (found.verified.until <= now) {
      this.#entries.delete(key);
      return undefined;
    }
    // nothing is moved: a map whose entries come and go is built anew again and again
    found.used = true;
    return found.verified;
  }

  set(key: string, verified: Verified): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#limit) this.#makeRoom();
    this.#entries.set(key, { verified, used: false });
  }

  /** One that was used has another turn, as if it had come just now. */
  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (!entry.used) return;
      entry.used = false;
      this.#entries.set(key, entry);
    }
  }

  /** Tokens of which this is true are checked again when they come next. */
  forget(which: (verified: Verified) => boolean): void {
    this.#generation++;
    for (const [key, { verified }] of this.#entries) if (which(verified)) this.#entries.delete(key);
  }
}
