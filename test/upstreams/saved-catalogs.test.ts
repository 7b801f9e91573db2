import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Caching } from '../../src/protocol/call.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import type { CatalogItem, ItemKind, Snapshot } from '../../src/upstreams/catalog.ts';
import { digestOf, KINDS, readPage } from '../../src/upstreams/catalog-items.ts';
import { SavedCatalogs } from '../../src/upstreams/saved-catalogs.ts';
import { type LogLine, memoryLog } from './memory-log.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 1);

let folder: string;
let database: Database;
let lines: LogLine[];
/** Another process at the same file. */
let other: DatabaseSync;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-saved-'));
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});

afterEach(() => {
  other.close();
  database.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

/** Begins the run of a gateway; the one before is over. */
function begin(): SavedCatalogs {
  database?.close();
  const memory = memoryLog();
  lines = memory.lines;
  database = openDatabase(folder, memory.log);
  if (!other?.isOpen) other = new DatabaseSync(join(folder, 'patchbay.db'));
  return new SavedCatalogs(database, memory.log);
}

/** A catalog as it comes from the texts of its list results. */
function catalogOf(texts: Partial<Record<ItemKind, string>> = {}, instructions?: string): Snapshot {
  const items = {} as Record<ItemKind, readonly CatalogItem[]>;
  const extras = {} as Record<ItemKind, string>;
  const metas = {} as Record<ItemKind, string>;
  const caching: Record<string, Caching> = {};
  for (const kind of KINDS) {
    const page = readPage(Buffer.from(texts[kind] ?? `{"${kind}":[]}`), 0, kind);
    items[kind] = (page.items ?? []).filter((item) => item !== undefined);
    extras[kind] = page.extras;
    metas[kind] = page.meta;
    if (page.caching) caching[kind] = page.caching;
  }
  const info = { name: 'scripted', version: '1' };
  const capabilities = { tools: { listChanged: true }, experimental: { '1': 1e21, 0: null } };
  const server = { era: 'legacy' as const, version: '2025-11-25', capabilities, info, instructions };
  const content = { server, items, extras, metas, caching };
  return { upstream: 'up', fetchedAt: NOW - 1, ...content, digest: digestOf(content) };
}

const tools = (...names: string[]): Snapshot =>
  catalogOf({ tools: `{"tools":[${names.map((name) => `{"name":${JSON.stringify(name)}}`).join(',')}]}` });

/** Changes whenever another process writes. */
const version = (): unknown => other.prepare('PRAGMA data_version').get()!.data_version;
const count = (): unknown => other.prepare('SELECT count(*) AS n FROM catalogs').get()!.n;

describe('what was saved is loaded', () => {
  test('byte for byte, with all that is known of it', () => {
    const catalog = catalogOf(
      {
        tools:
          '{ "tools" : [ {"name" : "gr\\u00f6\\u00dfe", "n":1.0E+05, "n":1.10 ,"_meta":{"ui":{"resourceUri":"ui://a"}}} ,\n\t{"title":"größe","name":"b"}],"ttlMs" : 1.50,"_meta":{"tools":[]}}',
        prompts: '{"prompts":[{"name":"p","arguments":[]}]}',
        resources: '{"resources":[{"uri":"a:b","name":"tools"}],"nextCursor":"2","é":"\\u0000"}',
        resourceTemplates: '{"resourceTemplates":[{"uriTemplate":"a:{b}"}]}',
      },
      'Be kind.',
    );
    expect(catalog.items.tools.map(({ raw }) => raw.toString())).toContainEqual(expect.stringContaining('1.0E+05'));
    begin().save('key', catalog);
    expect(begin().load('key')).toStrictEqual(catalog);
    expect(lines).toEqual([]);
  });

  test('whatever an upstream lists', () => {
    const saved = begin();
    const item = fc
      .tuple(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()))
      .map(([name, rest]) => JSON.stringify({ ...rest, name, uri: name, uriTemplate: name }));
    const list = fc.tuple(fc.array(item, { maxLength: 4 }), fc.dictionary(fc.string(), fc.jsonValue()));
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), list, fc.string(), (kind, [items, more], instructions) => {
        const rest = JSON.stringify({ ...more, [kind]: undefined }).slice(1);
        const text = `{"${kind}":[${items.join(' , ')}]${rest === '}' ? rest : `,${rest}`}`;
        const catalog = catalogOf({ [kind]: text }, instructions);
        saved.save('key', catalog);
        expect(saved.load('key')).toStrictEqual(catalog);
      }),
    );
  });

  test('by its own key alone, until it is forgotten', () => {
    const saved = begin();
    saved.save('a', tools('of a'));
    saved.save('b', tools('of b'));
    expect(saved.load('a')).toStrictEqual(tools('of a'));
    expect(saved.load('c')).toBeUndefined();
    saved.forget('a');
    expect([saved.load('a'), begin().load('a')]).toEqual([undefined, undefined]);
    expect(begin().load('b')).toStrictEqual(tools('of b'));
  });
});

describe('a row is written', () => {
  test('only when its content is another one, also after a restart', () => {
    let saved = begin();
    saved.save('key', tools('a'));
    let before = version();
    saved.save('key', { ...tools('a'), fetchedAt: NOW });
    saved = begin();
    saved.load('key');
    saved.save('key', tools('a'));
    expect(version()).toBe(before);
    saved.save('key', tools('b'));
    expect(version()).not.toBe(before);
    before = version();
    saved.save('key', tools('a'));
    expect(version()).not.toBe(before);
    expect(begin().load('key')).toStrictEqual(tools('a'));
  });

  test('again, when it could not be the first time', () => {
    const saved = begin();
    other.exec('BEGIN IMMEDIATE');
    saved.save('key', tools('a'));
    other.exec('COMMIT');
    expect(saved.load('key')).toBeUndefined();
    saved.save('key', tools('a'));
    expect(saved.load('key')).toStrictEqual(tools('a'));
  });
});

describe('a row that nobody uses for 30 days is removed at the start', () => {
  test('and no earlier', () => {
    begin().save('key', tools('a'));
    vi.setSystemTime(NOW + 30 * DAY);
    begin();
    expect(count()).toBe(1);
    vi.setSystemTime(NOW + 30 * DAY + 1);
    begin();
    expect(count()).toBe(0);
  });

  test('to load it is to use it', () => {
    begin().save('key', tools('a'));
    vi.setSystemTime(NOW + 20 * DAY);
    begin().load('key');
    vi.setSystemTime(NOW + 49 * DAY);
    expect(begin().load('key')).toStrictEqual(tools('a'));
  });

  test('and so is to find it unchanged, in a run that is long', () => {
    const saved = begin();
    saved.save('key', tools('a'));
    vi.setSystemTime(NOW + 40 * DAY);
    saved.save('key', tools('a'));
    expect(begin().load('key')).toStrictEqual(tools('a'));
  });
});

describe('a row that cannot be read back is dropped, with a debug line', () => {
  test.each([
    ['no JSON', 'UPDATE catalogs SET content = \'{"facts":\''],
    ['other JSON', "UPDATE catalogs SET content = '{}'"],
    ['text and no bytes', 'UPDATE catalogs SET content = 5'],
    ['other content', "UPDATE catalogs SET content = CAST(replace(content, 'once', 'twice') AS BLOB)"],
  ])('%s', (_, sql) => {
    begin().save('key', tools('once'));
    other.exec(sql);
    const saved = begin();
    expect(saved.load('key')).toBeUndefined();
    expect(count()).toBe(0);
    expect(lines).toMatchObject([{ level: 20, msg: expect.stringContaining('fetched anew') }]);
    saved.save('key', tools('once'));
    expect(saved.load('key')).toStrictEqual(tools('once'));
  });
});

test('a thousand are kept, those that were used last', () => {
  const saved = begin();
  for (let i = 0; i < 1_010; i++) {
    vi.setSystemTime(NOW + i);
    saved.save(`key ${i}`, tools('a'));
  }
  expect(count()).toBe(1_000);
  expect([saved.load('key 9'), saved.load('key 10')]).toEqual([undefined, tools('a')]);
});
