/** The table of API keys. */
import type { DatabaseSync } from 'node:sqlite';
import { makeKey } from './api-key-text.ts';

/** A key as it is kept. Times are milliseconds since 1970. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of its secret. */
  readonly hash: Uint8Array;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  readonly madeAt: number;
  /** When it ends; `undefined` when it does not. */
  readonly until: number | undefined;
  /** When it was used last, to the minute. */
  readonly usedAt: number | undefined;
}

export type NewKey = Pick<ApiKey, 'name' | 'scopes' | 'groups' | 'until'>;

/** Makes a key. @returns its text, which is not to be had again */
export function addKey(db: DatabaseSync, { name, scopes, groups, until }: NewKey, now = Date.now()): string {
  const { text, id, hash } = makeKey();
  db.prepare('INSERT INTO api_keys (id, name, hash, scopes, groups, made_at, until) VALUES (?, ?, ?, ?, ?, ?, ?)').run(
    id,
    name,
    hash,
    JSON.stringify(scopes),
    JSON.stringify(groups),
    now,
    until ?? null,
  );
  return text;
}

/** Every key, by name and then by age. */
export function allKeys(db: DatabaseSync): ApiKey[] {
  const rows = db.prepare('SELECT * FROM api_keys ORDER BY name, made_at, id').all();
  return rows.map((row) => ({
    id: String(row.id),
    name: String(row.name),
    hash: row.hash as Uint8Array,
    scopes: JSON.parse(String(row.scopes)) as string[],
    groups: JSON.parse(String(row.groups)) as string[],
    madeAt: Number(row.made_at),
    until: row.until === null ? undefined : Number(row.until),
    usedAt: row.used_at === null ? undefined : Number(row.used_at),
  }));
}

/** Takes keys away. @param which an id, or the name of one or several. @returns those that were there */
export function dropKeys(db: DatabaseSync, which: string): Pick<ApiKey, 'id' | 'name'>[] {
  const rows = db.prepare('DELETE FROM api_keys WHERE id = ? OR name = ? RETURNING id, name').all(which, which);
  return rows.map(({ id, name }) => ({ id: String(id), name: String(name) }));
}

/** Writes down when keys were used last. */
export function noteUse(db: DatabaseSync, uses: ReadonlyMap<string, number>): void {
  const note = db.prepare('UPDATE api_keys SET used_at = max(ifnull(used_at, 0), ?) WHERE id = ?');
  db.exec('BEGIN IMMEDIATE');
  for (const [id, at] of uses) note.run(at, id);
  db.exec('COMMIT');
}

/** Changes when another connection has written to the database; costs no look at any table. */
export const versionOf = (db: DatabaseSync): number => Number(db.prepare('PRAGMA data_version').get()!.data_version);
