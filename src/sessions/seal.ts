/** Sealed text: what returns through a client is authenticated, encrypted and bound to whom it was given. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { owned, ownerOf } from './owner.ts';

const SALT = 24;
const TAG = 16;
const FIXED_NONCE = Buffer.alloc(12);
const FORM = /^(?:w[1-9]\d{0,2}\.)?g1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)$/;

/** A key with the name that sealed texts carry. */
export interface SealKey {
  readonly id: string;
  /** 32 random bytes. */
  readonly key: Buffer;
}

/** A key that lasts as long as this process. */
export const freshKey = (): SealKey => ({ id: randomBytes(6).toString('base64url'), key: randomBytes(32) });

export class Sealer {
  readonly #current: SealKey;
  readonly #keys: ReadonlyMap<string, SealKey>;

  /** @param keys the first seals; all of them open */
  constructor(keys: readonly [SealKey, ...SealKey[]] = [freshKey()]) {
    [this.#current] = keys;
    this.#keys = new Map(keys.map((key) => [key.id, key]));
  }

  /**
   * AES-256-GCM under a key of its own for each text (HKDF-SHA256 over a random salt), base64url.
   * @param bound what {@link Sealer.open} must be given again: kind, principal, …
   * @param worker the one that the sealed text names, for all to see
   */
  seal(text: string, bound: string, worker?: number): string {
    const { id } = this.#current;
    const salt = randomBytes(SALT);
    const cipher = createCipheriv('aes-256-gcm', derive(this.#current, salt), FIXED_NONCE);
    cipher.setAAD(boundTo(id, bound, worker));
    const sealed = Buffer.concat([salt, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return owned(`g1.${id}.${sealed.toString('base64url')}`, worker);
  }

  /** The text, or `undefined` for anything that was not sealed here for this `bound`, whatever is wrong with it. */
  open(sealed: string, bound: string): string | undefined {
    const [, id = '', text = ''] = FORM.exec(sealed) ?? [];
    const key = this.#keys.get(id);
    const bytes = Buffer.from(text, 'base64url');
    // one spelling only: a character more or less must not open
    if (!key || bytes.length < SALT + TAG || bytes.toString('base64url') !== text) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', derive(key, bytes.subarray(0, SALT)), FIXED_NONCE);
    decipher.setAAD(boundTo(id, bound, ownerOf(sealed)));
    decipher.setAuthTag(bytes.subarray(-TAG));
    try {
      return decipher.update(bytes.subarray(SALT, -TAG), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }

  /**
   * Like {@link Sealer.seal}, but always the same for the same text and `bound`, under the oldest key: for ids, which
   * clients compare. The nonce is taken from the text itself (HMAC-SHA256), so that equal nonces mean equal texts.
   */
  sealId(text: string, bound: string, worker?: number): string {
    const oldest = [...this.#keys.values()].at(-1)!;
    const salt = Buffer.from(hkdfSync('sha256', oldest.key, `${bound}\0${text}`, 'patchbay/id/v1', SALT));
    const cipher = createCipheriv('aes-256-gcm', derive(oldest, salt), FIXED_NONCE);
    cipher.setAAD(boundTo(oldest.id, bound, worker));
    const sealed = Buffer.concat([salt, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return owned(`g1.${oldest.id}.${sealed.toString('base64url')}`, worker);
  }
}

/** The name of a key holds no `@`: what names a worker is never what names none. */
const boundTo = (id: string, bound: string, worker: number | undefined): Buffer =>
  Buffer.from(`${worker === undefined ? '' : `@${worker}\0`}${id}\0${bound}`);

const derive = ({ key }: SealKey, salt: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, 'patchbay/seal/v1', 32));
