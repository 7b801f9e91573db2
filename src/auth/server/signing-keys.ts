/** The keys that tokens of the sign-in are signed with: made on the first run, sealed, and replaced by command. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { Database } from '../../storage/database.ts';
import type { Vault } from '../../storage/vault.ts';

/** ES256 for access tokens; RS256 for ID tokens, which every OpenID client can check. */
export const KEY_ALGORITHMS = ['ES256', 'RS256'] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

export interface SigningKey {
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  /** Private. */
  readonly jwk: JWK & { readonly kid: string; readonly alg: string; readonly use: 'sig' };
  readonly madeAt: number;
  /** Since when it signs nothing more, milliseconds since 1970; what it signed is still good. */
  readonly retiredAt: number | undefined;
}

/** A retired key is shown for as long as anything can live that it signed, milliseconds. */
const SHOWN = 24 * 3_600_000;
const RSA_BITS = 2048;

export class SigningKeys {
  readonly #database: Pick<Database, 'attempt'>;
  readonly #vault: Vault;

  constructor(database: Pick<Database, 'attempt'>, vault: Vault) {
    this.#database = database;
    this.#vault = vault;
  }

  /** All that are shown, those first that sign. One of each algorithm is made where there is none. */
  all(now = Date.now()): SigningKey[] {
    const keys = this.#read(now);
    const missing = KEY_ALGORITHMS.filter(
      (algorithm) => !keys.some((key) => key.algorithm === algorithm && key.retiredAt === undefined),
    );
    if (missing.length === 0) return keys;
    return [...missing.map((algorithm) => this.#make(algorithm, now)), ...keys];
  }

  /** Retires the keys that sign, and makes others. @returns the new ones */
  rotate(now = Date.now()): SigningKey[] {
    this.#database.attempt((db) =>
      db.prepare('UPDATE signing_keys SET retired_at = ? WHERE retired_at IS NULL').run(now),
    );
    return KEY_ALGORITHMS.map((algorithm) => this.#make(algorithm, now));
  }

  /** Changes when keys are made or retired, by whichever process. */
  get version(): string {
    const row = this.#database.attempt((db) =>
      db.prepare('SELECT count(*) AS n, max(made_at) AS made, max(retired_at) AS retired FROM signing_keys').get(),
    );
    return JSON.stringify(row ?? {});
  }

  /** The ids of those that were sealed with another key, and so are of no use. */
  get unreadable(): readonly string[] {
    const rows = this.#database.attempt((db) => db.prepare('SELECT id, key FROM signing_keys').all()) ?? [];
    return rows
      .filter(({ id, key }) => this.#vault.open(String(key), boundTo(String(id))) === undefined)
      .map(({ id }) => String(id));
  }

  #read(now: number): SigningKey[] {
    const rows = this.#database.attempt((db) => {
      db.prepare('DELETE FROM signing_keys WHERE retired_at < ?').run(now - SHOWN);
      return db
        .prepare('SELECT id, key, made_at, retired_at FROM signing_keys ORDER BY retired_at IS NOT NULL, made_at DESC')
        .all();
    });
    return (rows ?? []).flatMap(({ id, key, made_at, retired_at }) => {
      const text = this.#vault.open(String(key), boundTo(String(id)));
      // sealed with another key: tokens that it signed cannot be checked any more
      if (text === undefined) return [];
      const jwk = JSON.parse(text) as SigningKey['jwk'];
      const retiredAt = retired_at === null ? undefined : Number(retired_at);
      return [{ id: String(id), algorithm: jwk.alg as KeyAlgorithm, jwk, madeAt: Number(made_at), retiredAt }];
    });
  }

  #make(algorithm: KeyAlgorithm, madeAt: number): SigningKey {
    const id = randomBytes(9).toString('base64url');
    const { privateKey } =
      algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: RSA_BITS });
    const jwk = { ...privateKey.export({ format: 'jwk' }), kid: id, alg: algorithm, use: 'sig' } as const;
    const sealed = this.#vault.seal(JSON.stringify(jwk), boundTo(id));
    this.#database.attempt((db) =>
      db.prepare('INSERT INTO signing_keys (id, key, made_at) VALUES (?, ?, ?)').run(id, sealed, madeAt),
    );
    return { id, algorithm, jwk, madeAt, retiredAt: undefined };
  }
}

const boundTo = (id: string): string => `signing key\0${id}`;
