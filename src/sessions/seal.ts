/** Sealed text: what returns through a client is authenticated, encrypted and bound to whom it was given. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const SALT = 24;
const TAG = 16;
const FIXED_NONCE = Buffer.alloc(12);
const PREFIX = 'g1.';

export class Sealer {
  readonly #key: Buffer;

  /** @param key 32 random bytes; without one a key is made that lasts as long as this process */
  constructor(key: Buffer = randomBytes(32)) {
    this.#key = key;
  }

  /**
   * AES-256-GCM under a key of its own for each text (HKDF-SHA256 over a random salt), base64url.
   * @param bound what {@link Sealer.open} must be given again: kind, principal, …
   */
  seal(text: string, bound: string): string {
    const salt = randomBytes(SALT);
    const cipher = createCipheriv('aes-256-gcm', this.#derive(salt), FIXED_NONCE);
    cipher.setAAD(Buffer.from(bound));
    const sealed = Buffer.concat([salt, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return PREFIX + sealed.toString('base64url');
  }

  /** The text, or `undefined` for anything that was not sealed here for this `bound`, whatever is wrong with it. */
  open(sealed: string, bound: string): string | undefined {
    if (!sealed.startsWith(PREFIX)) return undefined;
    const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url');
    // one spelling only: a character more or less must not open
    if (bytes.length < SALT + TAG || PREFIX + bytes.toString('base64url') !== sealed) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#derive(bytes.subarray(0, SALT)), FIXED_NONCE);
    decipher.setAAD(Buffer.from(bound));
    decipher.setAuthTag(bytes.subarray(-TAG));
    try {
      return decipher.update(bytes.subarray(SALT, -TAG), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }

  #derive(salt: Buffer): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, salt, 'patchbay/seal/v1', 32));
  }
}
