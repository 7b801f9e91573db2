/** The keys of sealed texts, kept between runs, so that what clients hold stays good when the gateway starts again. */
import type { Database } from '../storage/database.ts';
import { freshKey, type SealKey } from './seal.ts';

const DAY = 86_400_000;
/** A key seals for this long; then there is a new one, milliseconds. */
const SEALS = 30 * DAY;
/** It opens for this long, milliseconds. */
const OPENS = 90 * DAY;

/**
 * The keys there are, the one that seals first. One is made when there is none, or the newest is too old; gateways that
 * share a database share the keys.
 */
export function sealKeys(database: Database | undefined, now = Date.now()): [SealKey, ...SealKey[]] {
  const keys = database?.attempt((db) => {
    db.exec('BEGIN IMMEDIATE');
    db.prepare('DELETE FROM seal_keys WHERE made_at < ?').run(now - OPENS);
    const newest = db.prepare('SELECT max(made_at) AS at FROM seal_keys').get();
    if (typeof newest?.at !== 'number' || newest.at < now - SEALS) {
      const { id, key } = freshKey();
      db.prepare('INSERT INTO seal_keys (id, key, made_at) VALUES (?, ?, ?)').run(id, key, now);
    }
    const rows = db.prepare('SELECT id, key FROM seal_keys ORDER BY made_at DESC, id').all();
    db.exec('COMMIT');
    return rows.map(({ id, key }): SealKey => ({ id: String(id), key: Buffer.from(key as Uint8Array) }));
  });
  const [first, ...others] = keys ?? [];
  return first ? [first, ...others] : [freshKey()];
}
