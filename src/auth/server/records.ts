/** What the sign-in keeps: clients, grants, codes, tokens, browser sessions. Sealed, and found by keyed hashes. */
import { Fault } from '../../errors.ts';
import type { Database } from '../../storage/database.ts';
import type { Vault } from '../../storage/vault.ts';
import { versionOf } from '../api-key-store.ts';

/** A record as oidc-provider writes it. */
export type Payload = Record<string, unknown>;

/** Kinds that belong to a grant, and end with it. */
export const OF_GRANT: ReadonlySet<string> = new Set(['AuthorizationCode', 'RefreshToken', 'AccessToken']);
/** Most records of a kind that strangers can make at will. */
const MOST: Readonly<Record<string, number>> = { Interaction: 10_000, Session: 50_000 };
const PRUNE_EVERY = 60_000;

/** What the database gave: a row, or none. */
interface Found {
  readonly row: Readonly<Record<string, unknown>> | undefined;
}

/** @throws Fault `authUnavailable` where the database failed */
function known<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Fault('authUnavailable', { detail: 'what is kept of sign-ins cannot be read' });
  return answer;
}

export class Records {
  readonly #database: Pick<Database, 'attempt'>;
  readonly #vault: Vault;
  #pruned = 0;

  constructor(database: Pick<Database, 'attempt'>, vault: Vault) {
    this.#database = database;
    this.#vault = vault;
  }

  /**
   * @param ttl seconds; for good when it is `undefined`
   * @throws Fault `authUnavailable` where it could not be kept: whoever is given it could do nothing with it
   */
  put(kind: string, id: string, payload: Payload, ttl: number | undefined, now = Date.now()): void {
    if (!this.note(kind, id, payload, ttl, now)) known(undefined);
  }

  /** Keeps what nobody is given, as far as that can be done. @returns whether it was kept */
  note(kind: string, id: string, payload: Payload, ttl?: number, now = Date.now()): boolean {
    const key = this.#vault.index(`${kind}\0${id}`);
    const content = this.#vault.seal(JSON.stringify(payload), `${kind}\0${key}`);
    const hashed = (name: string): string | null => {
      const value = payload[name];
      return typeof value === 'string' ? this.#vault.index(`${name}\0${value}`) : null;
    };
    const until = ttl === undefined ? null : now + ttl * 1_000;
    const done = this.#database.attempt((db) =>
      db
        .prepare(
          `INSERT INTO oauth_records (kind, id, grant_id, uid, account, client, content, expires_at, used_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (kind, id) DO UPDATE SET grant_id = excluded.grant_id, uid = excluded.uid,
             account = excluded.account, client = excluded.client, content = excluded.content,
             expires_at = excluded.expires_at`,
        )
        .run(
          ...[kind, key, hashed('grantId'), hashed('uid'), hashed('accountId'), hashed('clientId')],
          ...[content, until, now],
        ),
    );
    this.#prune(now);
    return done !== undefined;
  }

  /** `undefined` also while the database cannot be used. */
  get(kind: string, id: string): Payload | undefined {
    return this.#opened(kind, this.#read(kind, 'id', this.#vault.index(`${kind}\0${id}`)));
  }

  /** @throws Fault `authUnavailable` while that cannot be told: what is not there is lost for good to whoever asks */
  find(kind: string, id: string): Payload | undefined {
    return this.#opened(kind, known(this.#read(kind, 'id', this.#vault.index(`${kind}\0${id}`))));
  }

  /** @throws Fault `authUnavailable` */
  byUid(kind: string, uid: string): Payload | undefined {
    return this.#opened(kind, known(this.#read(kind, 'uid', this.#vault.index(`uid\0${uid}`))));
  }

  /** Whether a record is there, without reading it. @throws Fault `authUnavailable` while that cannot be told */
  has(kind: string, id: string, now = Date.now()): boolean {
    const key = this.#vault.index(`${kind}\0${id}`);
    const { row } = known(
      this.#database.attempt((db) => ({
        row: db.prepare('SELECT expires_at FROM oauth_records WHERE kind = ? AND id = ?').get(kind, key),
      })),
    );
    return row !== undefined && (row.expires_at === null || Number(row.expires_at) > now);
  }

  /** Which of these are not there any more. One look for all of them. */
  gone(kind: string, ids: Iterable<string>, now = Date.now()): string[] {
    const keys = new Map([...ids].map((id) => [this.#vault.index(`${kind}\0${id}`), id]));
    const rows = this.#database.attempt((db) =>
      db
        .prepare(
          `SELECT value FROM json_each(?1) WHERE NOT EXISTS (SELECT 1 FROM oauth_records
             WHERE kind = ?2 AND id = value AND (expires_at IS NULL OR expires_at > ?3))`,
        )
        .all(JSON.stringify([...keys.keys()]), kind, now),
    );
    return (rows ?? []).map(({ value }) => keys.get(String(value))!);
  }

  /** Changes when another process has written; `undefined` while that cannot be told. */
  get version(): number | undefined {
    return this.#database.attempt(versionOf);
  }

  /**
   * It was used, and must not be used again.
   * @returns whether this was the first time
   * @throws Fault `authUnavailable` while that cannot be told
   */
  consume(kind: string, id: string): boolean {
    const key = this.#vault.index(`${kind}\0${id}`);
    const done = this.#database.attempt((db) =>
      db
        .prepare('UPDATE oauth_records SET consumed_at = ? WHERE kind = ? AND id = ? AND consumed_at IS NULL')
        .run(Date.now(), kind, key),
    );
    return known(done).changes === 1;
  }

  /** It is in use: it is not the first to make room. @param until when it is needed at least, milliseconds since 1970 */
  touch(kind: string, id: string, until = Date.now()): void {
    const key = this.#vault.index(`${kind}\0${id}`);
    this.#database.attempt((db) =>
      db.prepare('UPDATE oauth_records SET used_at = max(used_at, ?) WHERE kind = ? AND id = ?').run(until, kind, key),
    );
  }

  /** @throws Fault `authUnavailable` where it is still there */
  remove(kind: string, id: string): void {
    const key = this.#vault.index(`${kind}\0${id}`);
    known(
      this.#database.attempt((db) => db.prepare('DELETE FROM oauth_records WHERE kind = ? AND id = ?').run(kind, key)),
    );
  }

  /** Removes what was made of a grant. @throws Fault `authUnavailable` where it is still there */
  removeOfGrant(kind: string, grant: string): void {
    if (!OF_GRANT.has(kind)) return;
    const hashed = this.#vault.index(`grantId\0${grant}`);
    known(
      this.#database.attempt((db) =>
        db.prepare('DELETE FROM oauth_records WHERE kind = ? AND grant_id = ?').run(kind, hashed),
      ),
    );
  }

  /** Removes all that a user was signed in to. @returns how many records that were; 0 also where it could not be done */
  removeOfAccount(account: string): number {
    const hashed = this.#vault.index(`accountId\0${account}`);
    const done = this.#database.attempt((db) => db.prepare('DELETE FROM oauth_records WHERE account = ?').run(hashed));
    return Number(done?.changes ?? 0);
  }

  /** All of a kind that can be read. */
  all(kind: string): Payload[] {
    const rows = this.#database.attempt((db) =>
      db.prepare('SELECT id, content FROM oauth_records WHERE kind = ?').all(kind),
    );
    return this.#readable(kind, rows ?? []);
  }

  /** The records of a kind that belong to a client. */
  ofClient(kind: string, client: string): Payload[] {
    const hashed = this.#vault.index(`clientId\0${client}`);
    const rows = this.#database.attempt((db) =>
      db.prepare('SELECT id, content FROM oauth_records WHERE kind = ? AND client = ?').all(kind, hashed),
    );
    return this.#readable(kind, rows ?? []);
  }

  count(kind: string): number {
    const row = this.#database.attempt((db) =>
      db.prepare('SELECT count(*) AS n FROM oauth_records WHERE kind = ?').get(kind),
    );
    return Number(row?.n ?? 0);
  }

  /**
   * Makes room: those of a kind that were unused for longest go.
   * @param most how many stay
   * @returns those that went, as far as they can be read
   */
  trim(kind: string, most: number): Payload[] {
    const excess = this.count(kind) - most;
    if (excess <= 0) return [];
    const rows = this.#database.attempt((db) =>
      db
        .prepare(
          `DELETE FROM oauth_records WHERE kind = ?1 AND id IN
             (SELECT id FROM oauth_records WHERE kind = ?1 ORDER BY used_at, rowid LIMIT ?2) RETURNING id, content`,
        )
        .all(kind, excess),
    );
    return this.#readable(kind, rows ?? []);
  }

  #readable(kind: string, rows: readonly Readonly<Record<string, unknown>>[]): Payload[] {
    return rows
      .map(({ id, content }) => this.#unsealed(kind, String(id), String(content)))
      .filter((payload) => payload !== undefined);
  }

  #unsealed(kind: string, id: string, content: string): Payload | undefined {
    const text = this.#vault.open(content, `${kind}\0${id}`);
    return text === undefined ? undefined : (JSON.parse(text) as Payload);
  }

  #read(kind: string, column: 'id' | 'uid', value: string): Found | undefined {
    return this.#database.attempt((db) => ({
      row: db
        .prepare(`SELECT id, content, expires_at, consumed_at FROM oauth_records WHERE kind = ? AND ${column} = ?`)
        .get(kind, value),
    }));
  }

  #opened(kind: string, found: Found | undefined): Payload | undefined {
    const row = found?.row;
    if (!row || (row.expires_at !== null && Number(row.expires_at) <= Date.now())) return undefined;
    const payload = this.#unsealed(kind, String(row.id), String(row.content));
    if (!payload) return undefined;
    return row.consumed_at === null ? payload : { ...payload, consumed: Math.floor(Number(row.consumed_at) / 1_000) };
  }

  /** What has expired goes once in a while, and with it what strangers pile up. */
  #prune(now: number): void {
    if (now - this.#pruned < PRUNE_EVERY) return;
    this.#pruned = now;
    this.#database.attempt((db) => db.prepare('DELETE FROM oauth_records WHERE expires_at <= ?').run(now));
    for (const [kind, most] of Object.entries(MOST)) this.trim(kind, most);
  }
}
