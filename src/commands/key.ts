/** `patchbay key …`: API keys of machines. */
import type { DatabaseSync } from 'node:sqlite';
import { addKey, allKeys, dropKeys } from '../auth/api-key-store.ts';
import { scope as scopeFinding } from '../config/text.ts';
import { parseDuration } from '../config/units.ts';
import { explain, openFile, StorageProblem } from '../storage/open.ts';
import { CommandProblem, findPlaces } from './places.ts';
import { table } from './table.ts';

export interface KeyOptions {
  /** The config files, the main one first. */
  readonly config: readonly string[];
}

export interface CreateOptions extends KeyOptions {
  readonly scope?: readonly string[];
  readonly group?: readonly string[];
  /** A duration with its unit, or `never`. */
  readonly expires: string;
  /** A second key of a name that is taken. */
  readonly another?: boolean;
}

/** What a key may do unless it was told: all that its groups may. */
const ALL = 'mcp';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;
const LONGEST = 10 * 365 * 86_400_000;

/** Makes a key and prints it, once. @returns the exit code */
export function keyCreate(name: string, options: CreateOptions): number {
  const { scope: scopes = [ALL], group: groups = [], another = false } = options;
  return command(options, ({ db, path, modes }) => {
    if (!NAME.test(name))
      throw new CommandProblem(
        `${JSON.stringify(name)} is not a name; use up to 64 letters, digits and . _ @ + -, the first of them a letter or a digit`,
      );
    for (const scope of scopes) {
      const found = scopeFinding(scope);
      if (found) throw new CommandProblem(`${JSON.stringify(scope)} ${found.message}; ${found.mend}`);
    }
    const until = endOf(options.expires);
    db.exec('BEGIN IMMEDIATE');
    if (!another && allKeys(db).some((key) => key.name === name))
      throw new CommandProblem(
        `there is a key ${name} already; choose another name, or add --another to replace it without a gap`,
      );
    const text = addKey(db, { name, scopes: [...new Set(scopes)], groups: [...new Set(groups)], until });
    db.exec('COMMIT');
    process.stdout.write(`${text}\n`);
    const ends = until === undefined ? 'it does not expire' : `it expires on ${day(until)}`;
    note(`This is the key ${name}, and ${ends}. It is kept as a hash in ${path} and cannot be shown again.`);
    note('Clients send it as "Authorization: Bearer <key>" or as "X-API-Key: <key>".');
    if (!modes.includes('apiKeys')) note(`It is not taken yet: add apiKeys to auth.mode in ${options.config[0]}`);
  });
}

/** Lists the keys, without what proves them. @returns the exit code */
export function keyList(options: KeyOptions): number {
  return command(options, ({ db, path }) => {
    const keys = allKeys(db);
    if (keys.length === 0)
      return void process.stdout.write(`no keys in ${path}; \`patchbay key create NAME\` makes one\n`);
    const rows = keys.map(({ id, name, scopes, groups, madeAt, until, usedAt }) => [
      ...[id, name, scopes.join(' '), groups.join(', '), day(madeAt)],
      until === undefined ? 'never' : `${day(until)}${until <= Date.now() ? ' (expired)' : ''}`,
      usedAt === undefined ? 'never' : minute(usedAt),
    ]);
    process.stdout.write(table(['ID', 'NAME', 'SCOPES', 'GROUPS', 'CREATED', 'EXPIRES', 'LAST USED'], rows));
  });
}

/** Takes a key away. @param which its id, or a name: all keys of that name. @returns the exit code */
export function keyRevoke(which: string, options: KeyOptions): number {
  return command(options, ({ db, path }) => {
    const gone = dropKeys(db, which);
    if (gone.length === 0)
      throw new CommandProblem(`there is no key ${which} in ${path}; \`patchbay key list\` lists them`);
    for (const { id, name } of gone) process.stdout.write(`revoked ${name} (${id})\n`);
    note('A gateway that runs takes notice within two seconds.');
  });
}

interface Opened {
  readonly db: DatabaseSync;
  readonly path: string;
  readonly modes: readonly unknown[];
}

function command({ config }: KeyOptions, work: (opened: Opened) => void): number {
  try {
    const { folder, modes } = findPlaces(config);
    if (folder === undefined)
      throw new CommandProblem('there is nowhere to keep keys: storage.folder is none; set it to a folder');
    const { db, path } = openFile(folder);
    try {
      work({ db, path, modes });
    } finally {
      db.close();
    }
    return 0;
  } catch (error) {
    const found = explain(error);
    if (!found && !(error instanceof CommandProblem) && !(error instanceof StorageProblem)) throw error;
    process.stderr.write(
      `${found ? `the keys cannot be used (${found.detail}); ${found.mend}` : (error as Error).message}\n`,
    );
    return 1;
  }
}

/** @returns milliseconds since 1970; `undefined` for never */
function endOf(expires: string): number | undefined {
  if (expires === 'never') return undefined;
  const ms = /[a-z]$/.test(expires) ? parseDuration(expires) : undefined;
  if (ms === undefined || ms <= 0 || ms > LONGEST)
    throw new CommandProblem(`--expires ${expires} is not a time; write one such as 90d or 12h, or never`);
  return Date.now() + ms;
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
const minute = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
/** On stderr, so that the key alone goes where stdout is sent. */
const note = (text: string): void => void process.stderr.write(`${text}\n`);
