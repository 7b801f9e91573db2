/** What is kept so that nobody can read it who has the database alone: sealed texts, and keyed hashes to find them by. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../telemetry/log.ts';

/** The file with the key, in `storage.folder`, where the config has none. */
export const KEY_FILE = 'secret.key';

const KEY_BYTES = 32;
const NONCE = 12;
const TAG = 16;

export class Vault {
  readonly #sealing: Buffer;
  readonly #hashing: Buffer;

  /** @param secret at least 32 bytes that nobody can guess */
  constructor(secret: Buffer) {
    const derive = (use: string): Buffer =>
      Buffer.from(hkdfSync('sha256', secret, '', `patchbay/vault/${use}/v1`, KEY_BYTES));
    this.#sealing = derive('seal');
    this.#hashing = derive('index');
  }

  /**
   * AES-256-GCM, base64url.
   * @param bound what {@link Vault.open} must be given again, so that one record cannot take the place of another
   */
  seal(text: string, bound: string): string {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, nonce).setAAD(Buffer.from(bound));
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    );
  }

  /** The text; `undefined` for anything that was not sealed with this key for this `bound`. */
  open(sealed: string, bound: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < NONCE + TAG) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#sealing, bytes.subarray(0, NONCE));
    decipher.setAAD(Buffer.from(bound)).setAuthTag(bytes.subarray(-TAG));
    try {
      return decipher.update(bytes.subarray(NONCE, -TAG), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }

  /** A keyed hash (HMAC-SHA256, base64url): equal for equal texts, and tells nothing of them without the key. */
  index(text: string): string {
    return createHmac('sha256', this.#hashing).update(text).digest('base64url');
  }
}

/**
 * The vault of a state folder. Its key is the configured one, else the one in a file there, which is made on the first run.
 * @param folder absolute; without one, what is sealed lasts as long as this process
 * @param secret `storage.key`
 * @throws Error when the file cannot be read or made, saying what to do
 */
export function openVault(folder: string | undefined, secret: string | undefined, log: Logger): Vault {
  if (secret !== undefined) return new Vault(Buffer.from(secret));
  if (folder === undefined) return new Vault(randomBytes(KEY_BYTES));
  const path = join(folder, KEY_FILE);
  try {
    return new Vault(readKey(path) ?? makeKey(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    log.warn(
      { path },
      `the key in ${path} cannot be used (${code ?? message}), so that who is signed in is not after a restart`,
    );
    return new Vault(randomBytes(KEY_BYTES));
  }
}

function readKey(path: string): Buffer | undefined {
  try {
    const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
    if (key.length !== KEY_BYTES) throw new Error(`it does not hold ${KEY_BYTES} bytes in Base64`);
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function makeKey(path: string): Buffer {
  const key = randomBytes(KEY_BYTES);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${key.toString('base64')}\n`, { mode: 0o600 });
  try {
    // it is there with all that is in it, or not at all
    linkSync(draft, path);
    return key;
  } catch (error) {
    // another worker or gateway may have been faster
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readKey(path)!;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
