/** Catalogs that outlive the process: what upstreams said, as the bytes that came. */
import { memberOf, members } from '../protocol/json/scan.ts';
import type { Database } from '../storage/database.ts';
import type { Logger } from '../telemetry/log.ts';
import type { CatalogItem, ItemKind, Snapshot } from './catalog.ts';
import { digestOf, KINDS, readPage } from './catalog-items.ts';
import type { CatalogShelf } from './catalog-settings.ts';
import { catalogKey } from './identity.ts';
import type { UpstreamSpec } from './spec.ts';

const DAY = 86_400_000;
/** A catalog that nobody has used for this long is not kept any more. */
const KEPT = 30 * DAY;
/** Catalogs kept at most; those unused for longest make room. Clients decide how many audiences there are. */
const MOST = 1_000;

export class SavedCatalogs {
  readonly #database: Database;
  readonly #log: Logger;
  /** What is in the database as far as this process knows: key → digest, and when that was made sure of. */
  readonly #known = new Map<string, { readonly digest: string; readonly at: number }>();

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
    database.attempt((db) => db.prepare('DELETE FROM catalogs WHERE used_at < ?').run(Date.now() - KEPT));
  }

  /** @param key see `catalogKey` */
  load(key: string): Snapshot | undefined {
    const row = this.#database.attempt((db) =>
      db.prepare('SELECT content, used_at FROM catalogs WHERE key = ?').get(key),
    );
    if (!row) return undefined;
    try {
      const catalog = decode(row.content as Uint8Array);
      const usedAt = Number(row.used_at);
      if (Date.now() - usedAt < DAY) this.#remember(key, catalog.digest, usedAt);
      else this.#touch(key, catalog.digest);
      return catalog;
    } catch (error) {
      this.#log.debug({ err: (error as Error).message }, 'a kept catalog could not be read and is fetched anew');
      this.forget(key);
      return undefined;
    }
  }

  /** Writes when the content is another than before, and once a day to show that it is in use. */
  save(key: string, catalog: Snapshot): void {
    const known = this.#known.get(key);
    if (known?.digest === catalog.digest && Date.now() - known.at < DAY) return;
    const now = Date.now();
    const saved = this.#database.attempt((db) => {
      db.prepare('INSERT OR REPLACE INTO catalogs (key, content, used_at) VALUES (?, ?, ?)').run(
        key,
        encode(catalog),
        now,
      );
      db.prepare(
        'DELETE FROM catalogs WHERE key IN (SELECT key FROM catalogs ORDER BY used_at DESC LIMIT -1 OFFSET ?)',
      ).run(MOST);
      return true;
    });
    if (saved) this.#remember(key, catalog.digest, now);
  }

  forget(key: string): void {
    this.#known.delete(key);
    this.#database.attempt((db) => db.prepare('DELETE FROM catalogs WHERE key = ?').run(key));
  }

  #touch(key: string, digest: string): void {
    const now = Date.now();
    this.#database.attempt((db) => db.prepare('UPDATE catalogs SET used_at = ? WHERE key = ?').run(now, key));
    this.#remember(key, digest, now);
  }

  #remember(key: string, digest: string, at: number): void {
    this.#known.delete(key);
    this.#known.set(key, { digest, at });
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value!);
  }
}

/** Catalogs are kept by what the upstream is now: under another address or credential they are not found. */
export function shelfOf(specs: ReadonlyMap<string, UpstreamSpec>, saved: SavedCatalogs): CatalogShelf {
  return {
    load: (upstream, audience) => saved.load(catalogKey(specs.get(upstream)!, audience)),
    save: (upstream, audience, catalog) => saved.save(catalogKey(specs.get(upstream)!, audience), catalog),
  };
}

/** JSON text: the facts, and for each kind a list result such as the upstream might have sent in one page. */
function encode({ items, extras, metas, ...facts }: Snapshot): Buffer {
  const parts: Buffer[] = [Buffer.from(`{"facts":${JSON.stringify(facts)}`)];
  for (const kind of KINDS) {
    parts.push(Buffer.from(`,"${kind}":{"${kind}":[`));
    for (const [i, item] of items[kind].entries()) parts.push(Buffer.from(i > 0 ? ',' : ''), item.raw);
    const more = [extras[kind], metas[kind] === '' ? '' : `"_meta":{${metas[kind]}}`].filter((text) => text !== '');
    parts.push(Buffer.from(`]${more.map((text) => `,${text}`).join('')}}`));
  }
  parts.push(Buffer.from('}'));
  return Buffer.concat(parts);
}

/** @throws Error when the content is damaged, in whatever way */
function decode(content: Uint8Array): Snapshot {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const top = members(bytes, 0);
  const placeOf = (key: string) => {
    const found = memberOf(top, key);
    if (!found) throw new Error(`no ${key}`);
    return found;
  };
  const { start, end } = placeOf('facts');
  const facts = JSON.parse(bytes.toString('utf8', start, end)) as Omit<Snapshot, 'items' | 'extras' | 'metas'>;
  const items = {} as Record<ItemKind, readonly CatalogItem[]>;
  const extras = {} as Record<ItemKind, string>;
  const metas = {} as Record<ItemKind, string>;
  for (const kind of KINDS) {
    const page = readPage(bytes, placeOf(kind).start, kind);
    items[kind] = (page.items ?? []).filter((item) => item !== undefined);
    extras[kind] = page.extras;
    metas[kind] = page.meta;
  }
  const server = { ...facts.server, instructions: facts.server.instructions };
  const catalog = { ...facts, server, items, extras, metas };
  if (digestOf(catalog) !== catalog.digest) throw new Error('its content does not fit its digest');
  return catalog;
}
