import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { type LogLine, memoryLog } from '../upstreams/memory-log.ts';

let folder: string;
let lines: LogLine[];
const opened: Database[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-storage-'));
});

afterEach(() => {
  for (const database of opened.splice(0)) database.close();
  rmSync(folder, { recursive: true, force: true });
});

function openIn(path = folder): Database {
  const memory = memoryLog();
  lines = memory.lines;
  const database = openDatabase(path, memory.log);
  opened.push(database);
  return database;
}

const file = (): string => join(folder, 'patchbay.db');
const warnings = (): string[] => lines.filter(({ level }) => level === 40).map(({ msg }) => String(msg));

const put = (database: Database, key: string, content = 'x'): boolean =>
  database.attempt((db) => {
    db.prepare('INSERT OR REPLACE INTO catalogs VALUES (?, ?, 0)').run(key, content);
    return true;
  }) ?? false;

const keys = (database: Database): unknown[] | undefined =>
  database.attempt((db) =>
    db
      .prepare('SELECT key FROM catalogs ORDER BY key')
      .all()
      .map(({ key }) => key),
  );

const expectWorking = (database: Database): void => {
  expect(put(database, 'probe')).toBe(true);
  expect(keys(database)).toContain('probe');
};

describe('a folder', () => {
  test('is made, with what is above it; nobody else may look into it or the file', () => {
    const deep = join(folder, 'a', 'b');
    const database = openIn(deep);
    expectWorking(database);
    expect(database.path).toBe(join(deep, 'patchbay.db'));
    for (const made of [join(folder, 'a'), deep]) expect(statSync(made).mode & 0o777).toBe(0o700);
    const files = readdirSync(deep);
    expect(files).toContain('patchbay.db');
    for (const name of files) expect([name, statSync(join(deep, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(lines).toEqual([]);
  });

  test('keeps what was written, for the next run and for a second gateway at the same time', () => {
    const first = openIn();
    const second = openIn();
    expect(put(first, 'of the first')).toBe(true);
    expect(put(second, 'of the second')).toBe(true);
    expect(keys(first)).toEqual(['of the first', 'of the second']);
    first.close();
    second.close();
    expect(keys(openIn())).toEqual(['of the first', 'of the second']);
    expect(warnings()).toEqual([]);
  });

  test('may be none: everything works, and ends with the process', () => {
    const database = openDatabase(undefined, memoryLog().log);
    opened.push(database);
    expectWorking(database);
    expect(database.path).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a file that others could read is closed to them', () => {
    openIn().close();
    chmodSync(file(), 0o644);
    openIn();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });
});

describe('trouble is told once, with the path and what to do, and the gateway goes on', () => {
  test('a folder that cannot be made', () => {
    writeFileSync(join(folder, 'plain'), '');
    const database = openIn(join(folder, 'plain', 'state'));
    expectWorking(database);
    expect(database.path).toBeUndefined();
    expect(warnings()).toEqual([expect.stringMatching(/plain\/state cannot be made \(ENOTDIR\); .*storage\.folder/)]);
  });

  test('a folder in which no file can be made, whoever asks', () => {
    const database = openIn('/proc');
    expectWorking(database);
    expect(warnings()).toEqual([expect.stringMatching(/\/proc\/patchbay\.db cannot be made .*storage\.folder/)]);
  });

  test('a file that is no file', () => {
    const state = join(folder, 'patchbay.db');
    openIn(state).close();
    const database = openIn();
    expectWorking(database);
    expect(warnings()).toEqual([expect.stringContaining(`${state} cannot be opened`)]);
  });

  test('a file of a newer version is left alone', () => {
    openIn().close();
    const newer = new DatabaseSync(file());
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    const database = openIn();
    expectWorking(database);
    expect(database.path).toBeUndefined();
    expect(warnings()).toEqual([
      expect.stringMatching(/patchbay\.db was written by a newer Patchbay.*update Patchbay/),
    ]);
    expect(readdirSync(folder)).toEqual(['patchbay.db']);
  });

  test('a file that another process holds: one warning, and it works again afterwards', () => {
    const database = openIn();
    const holder = new DatabaseSync(file());
    holder.exec('BEGIN IMMEDIATE');
    expect([put(database, 'a'), put(database, 'b')]).toEqual([false, false]);
    expect(warnings()).toEqual([expect.stringMatching(/patchbay\.db cannot be used \(database is locked\)/)]);
    holder.exec('COMMIT');
    holder.close();
    expectWorking(database);
  });

  test('a transaction that fails half way leaves nothing behind', () => {
    const database = openIn();
    const result = database.attempt((db) => {
      db.exec("BEGIN; INSERT INTO catalogs VALUES ('half', 'x', 0)");
      db.exec('INSERT INTO nowhere VALUES (1)');
    });
    expect(result).toBeUndefined();
    expectWorking(database);
    expect(keys(database)).toEqual(['probe']);
  });

  test('a mistake that is not the database stays one', () => {
    const database = openIn();
    expect(() => database.attempt(() => JSON.parse('{'))).toThrow(SyntaxError);
  });
});

describe('a damaged file', () => {
  const aside = (): string[] => readdirSync(folder).filter((name) => /^patchbay\.db\.corrupt-[\dTZ.-]+$/.test(name));

  test('that is no database is moved aside, and a new one is begun', () => {
    writeFileSync(file(), 'not a database, but long enough to be one, or so it seems at first sight');
    const database = openIn();
    expect(database.path).toBe(file());
    expectWorking(database);
    expect(aside()).toHaveLength(1);
    expect(warnings()).toEqual([
      expect.stringContaining(`${file()} was damaged: it is now ${join(folder, aside()[0]!)}`),
    ]);
    database.close();
    expect(keys(openIn())).toEqual(['probe']);
    expect(warnings()).toEqual([]);
  });

  test('that has lost pages is found out at the start', async () => {
    const database = openIn();
    for (let i = 0; i < 50; i++) put(database, `row ${i}`, 'long '.repeat(1_000));
    database.close();
    const handle = await open(file(), 'r+');
    await handle.write(Buffer.alloc(100_000, 0xee), 0, 100_000, 8_192);
    await handle.close();
    expect(keys(openIn())).toEqual([]);
    expect(aside()).toHaveLength(1);
    expect(warnings()).toHaveLength(1);
  });
});

test('after it is closed nothing is kept, and nothing fails', () => {
  const database = openIn();
  database.close();
  database.close();
  expect(put(database, 'late')).toBe(false);
  expect(lines).toEqual([]);
});
