/** Opens the database file: folder, permissions, journal, tables; and tells what is wrong in words that help. */
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS } from './migrations.ts';

/** The file in `storage.folder`. */
export const FILE = 'patchbay.db';

/** Why there is no file to keep things in; the message names the path, the trouble and the mend. */
export class StorageProblem extends Error {}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html). */
const BUSY = 5;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const NOTADB = 26;

/** How long opening may wait for another gateway on the same file, and how long anything later may, milliseconds. */
const OPEN_WAIT = 3_000;
const LATER_WAIT = 250;
const RETRY = 20;

export interface Opened {
  readonly db: DatabaseSync;
  readonly path: string;
  /** Where a damaged file was moved to, if there was one. */
  readonly movedTo: string | undefined;
}

/** A database that ends with the process. */
export function openMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  migrate(db, ':memory:');
  return db;
}

/**
 * Opens the file in a folder, both made when they are not there.
 * @throws StorageProblem when that cannot be done
 */
export function openFile(folder: string): Opened {
  const path = join(folder, FILE);
  makeFile(folder, path);
  const before = inodeOf(path);
  try {
    return { db: open(path), path, movedTo: undefined };
  } catch (error) {
    if (!isDamage(error)) throw problemOf(error, path);
  }
  try {
    // another gateway may have moved it aside a moment ago, and what is there now is new
    const movedTo = inodeOf(path) === before ? moveAside(path) : undefined;
    makeFile(folder, path);
    return { db: open(path), path, movedTo };
  } catch (error) {
    throw problemOf(error, path);
  }
}

/** SQLite's own words for an error, and what an admin can do about it; `undefined` for errors of other kinds. */
export function explain(error: unknown): { readonly detail: string; readonly mend: string } | undefined {
  const code = primaryCode(error);
  if (code === undefined) return undefined;
  const detail = (error as { errstr?: string }).errstr ?? (error as Error).message;
  if (code === FULL) return { detail, mend: 'make room on its disk' };
  if (code === BUSY) return { detail, mend: 'end the process that holds it, or choose another storage.folder' };
  if (code === CORRUPT || code === NOTADB) return { detail, mend: 'start Patchbay again, which begins a new file' };
  const who = 'let the user that runs Patchbay write it';
  return { detail, mend: code === READONLY ? who : `make sure that there is room on its disk, and ${who}` };
}

function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: OPEN_WAIT });
  try {
    useWal(db);
    db.exec('PRAGMA synchronous = NORMAL');
    const [found] = db.prepare('PRAGMA quick_check(1)').all();
    if (found?.quick_check !== 'ok') throw new Damaged(String(found?.quick_check));
    migrate(db, path);
    db.exec(`PRAGMA busy_timeout = ${LATER_WAIT}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The file is a database, and yet its pages do not fit together. */
class Damaged extends Error {}

/** SQLite does not wait when two that begin the same file both change its journal, so this does. */
function useWal(db: DatabaseSync): void {
  const until = Date.now() + OPEN_WAIT;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (primaryCode(error) !== BUSY || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY);
    }
  }
}

function migrate(db: DatabaseSync, path: string): void {
  const version = (): number => Number(db.prepare('PRAGMA user_version').get()!.user_version);
  if (version() === MIGRATIONS.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    // another gateway may have been faster
    const done = version();
    if (done > MIGRATIONS.length) throw new StorageProblem(newer(path, done));
    for (const step of MIGRATIONS.slice(done)) db.exec(step);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

const newer = (path: string, version: number): string =>
  `${path} was written by a newer Patchbay (its version is ${version}, this one knows ${MIGRATIONS.length}); ` +
  'update Patchbay, or choose another storage.folder';

/** Nobody else may read what is in here; the files that SQLite puts beside it get the same permissions. */
function makeFile(folder: string, path: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StorageProblem(`the folder ${folder} cannot be made (${code}); choose another storage.folder`);
  }
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return tighten(path);
    const mend = 'let the user that runs Patchbay write in that folder, or choose another storage.folder';
    throw new StorageProblem(`${path} cannot be made (${code}); ${mend}`);
  }
}

function tighten(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch {
    // somebody else's file: whether it can be used, opening it tells
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** The journal goes with its file: beside a new one it would be taken for that one's. */
function moveAside(path: string): string {
  const aside = `${path}.corrupt-${new Date().toISOString().replaceAll(':', '-')}`;
  for (const part of ['-wal', '-shm', '']) {
    try {
      renameSync(path + part, aside + part);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') continue;
      throw new StorageProblem(`${path} is damaged, and cannot be moved aside (${code}); delete it`);
    }
  }
  return aside;
}

const isDamage = (error: unknown): boolean =>
  error instanceof Damaged || [CORRUPT, NOTADB].includes(primaryCode(error) ?? -1);

function problemOf(error: unknown, path: string): unknown {
  if (error instanceof Damaged) return new StorageProblem(`${path} is damaged (${error.message}); delete it`);
  const found = explain(error);
  return found ? new StorageProblem(`${path} cannot be opened (${found.detail}); ${found.mend}`) : error;
}

function primaryCode(error: unknown): number | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode & 0xff : undefined;
}
