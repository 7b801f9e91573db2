/** API keys as text: `pbk_<id>_<secret>`. The id finds the key, the secret of 256 bits proves it; only its hash is kept. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What every key starts with; scanners for leaked secrets look for it. */
export const KEY_PREFIX = 'pbk_';

export interface KeyParts {
  readonly id: string;
  readonly secret: string;
}

const KEY = /^pbk_([0-9a-f]{12})_([0-9a-f]{64})$/;

/** @returns a new key, and what is kept of it */
export function makeKey(): { readonly text: string; readonly id: string; readonly hash: Buffer } {
  const [id, secret] = [randomBytes(6).toString('hex'), randomBytes(32).toString('hex')];
  return { text: `${KEY_PREFIX}${id}_${secret}`, id, hash: hashSecret(secret) };
}

/** @returns `undefined` for what is no key */
export function readKey(text: string): KeyParts | undefined {
  const [, id, secret] = KEY.exec(text) ?? [];
  return id !== undefined && secret !== undefined ? { id, secret } : undefined;
}

/** The secret is random, so that one round of a fast hash keeps it: there is nothing to guess. */
export const hashSecret = (secret: string): Buffer => hash('sha256', secret, 'buffer');

/** What secrets of keys that are not there are compared with. */
const NOBODYS = randomBytes(32);

/** Whether a secret is the one that `kept` was made of. Takes as long when there is none. */
export function checkSecret(secret: string, kept: Uint8Array | undefined): boolean {
  const equal = timingSafeEqual(hashSecret(secret), kept ?? NOBODYS);
  return equal && kept !== undefined;
}
