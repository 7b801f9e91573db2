/** The keys of sealed texts, kept between runs, so that what clients hold stays good when the gateway starts again. */
import type { Database } from '../storage/database.ts';
import type { Vault } from '../storage/vault.ts';
import { freshKey, type SealKey } from './seal.ts';

const DAY = 86_400_000;
/** A key seals for this long; then there is a new one, milliseconds. */
const SEALS = 30 * DAY;
/** It opens for this long, milliseconds. */
const OPENS = 90 * DAY;

const bound = (id: string): string => `seal key\0${id}`;

/**
 * The keys there are, the one that seals first. One is made when there is none, or the newest is too old; gateways that
 * share a database share the keys.
 */
export function sealKeys(database: Database | undefined, vault: Vault, now = Date.now()): [SealKey, ...SealKey[]] {
  const keys = database?.attempt((db) => {
    db.exec('BEGIN IMMEDIATE');
    db.prepare('DELETE FROM seal_keys WHERE made_at < ?').run(now - OPENS);
    const newest = db
      .prepare('SELECT id, key, made_at AS at FROM seal_keys ORDER BY made_at DESC, rowid DESC LIMIT 1')
      .get();
    const opens = typeof newest?.key === 'string' && vault.open(newest.key, bound(String(newest.id))) !== undefined;
    if (!opens || typeof newest?.at !== 'number' || newest.at < now - SEALS) {
      const { id, key } = freshKey();
      const sealed = vault.seal(key.toString('base64'), bound(id));
      db.prepare('INSERT INTO seal_keys (id, key, made_at) VALUES (?, ?, ?)').run(id, sealed, now);
    }
    const rows = db.prepare('SELECT id, key FROM seal_keys ORDER BY made_at DESC, rowid DESC').all();
    db.exec('COMMIT');
    return rows.flatMap(({ id, key }): SealKey[] => {
      const text = typeof key === 'string' ? vault.open(key, bound(String(id))) : undefined;
      return text === undefined ? [] : [{ id: String(id), key: Buffer.from(text, 'base64') }];
    });
  });
  const [first, ...others] = keys ?? [];
  return first ? [first, ...others] : [freshKey()];
}
