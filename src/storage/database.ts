/**
 * What outlives the process, in one SQLite file that several gateways may share. Trouble with it never stops the gateway:
 * it is told once, with the mend, and everything goes on in memory.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from '../telemetry/log.ts';
import { explain, openFile, openMemory, StorageProblem } from './open.ts';

export class Database {
  /** The file; `undefined` when nothing outlives the process. */
  readonly path: string | undefined;
  readonly #db: DatabaseSync;
  readonly #log: Logger;
  #warned = false;

  constructor(db: DatabaseSync, path: string | undefined, log: Logger) {
    this.#db = db;
    this.path = path;
    this.#log = log;
  }

  /**
   * Reads or writes. Calls of SQLite block the process, so `use` is short.
   * @returns what `use` does; `undefined` when the database failed, or is closed
   */
  attempt<T>(use: (db: DatabaseSync) => T): T | undefined {
    if (!this.#db.isOpen) return undefined;
    try {
      return use(this.#db);
    } catch (error) {
      const found = explain(error);
      if (!found) throw error;
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#failed(found);
      return undefined;
    }
  }

  /** Ends all use; later attempts give nothing. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #failed({ detail, mend }: { detail: string; mend: string }): void {
    const text = `${this.path} cannot be used (${detail}), so that what is new may not outlive this run; ${mend}`;
    this.#log[this.#warned ? 'debug' : 'warn']({ path: this.path }, text);
    this.#warned = true;
  }
}

/**
 * Opens the database in a folder, or one in memory: when there is no folder, or it cannot be used, which is then told.
 * A damaged file is moved aside.
 * @param folder absolute
 */
export function openDatabase(folder: string | undefined, log: Logger): Database {
  if (folder === undefined) return new Database(openMemory(), undefined, log);
  try {
    const { db, path, movedTo } = openFile(folder);
    if (movedTo !== undefined) {
      const text = `${path} was damaged: it is now ${movedTo}, which you may delete, and a new file was begun`;
      log.warn({ path, movedTo }, text);
    }
    return new Database(db, path, log);
  } catch (error) {
    if (!(error instanceof StorageProblem)) throw error;
    log.warn({ folder }, `nothing is kept between runs: ${error.message}, or set storage.folder to none`);
    return new Database(openMemory(), undefined, log);
  }
}
