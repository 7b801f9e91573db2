/** `patchbay signing-key …`: what tokens of Patchbay's own sign-in are signed with. */
import { type SigningKey, SigningKeys } from '../auth/server/signing-keys.ts';
import { explain, openFile, StorageProblem } from '../storage/open.ts';
import { openVault } from '../storage/vault.ts';
import { auditTo } from '../telemetry/audit.ts';
import { createLogger } from '../telemetry/log.ts';
import { CommandProblem, findPlaces } from './places.ts';
import { table } from './table.ts';

export interface SigningKeyOptions {
  /** The config files, the main one first. */
  readonly config: readonly string[];
}

/** Lists the keys, without what signs. @returns the exit code */
export function signingKeyList(options: SigningKeyOptions): number {
  return command(options, (keys) => show(keys.all()));
}

/** Replaces the keys that sign. @returns the exit code */
export function signingKeyRotate(options: SigningKeyOptions): number {
  return command(options, (keys) => {
    const made = keys.rotate();
    auditTo(createLogger({ level: 'info', format: 'auto' }))('signing key rotated', { keys: made.map(({ id }) => id) });
    show(keys.all());
    process.stderr.write(
      'New tokens are signed with the new keys. A gateway that runs takes notice within seconds, and still takes tokens of the old ones for as long as they live.\n',
    );
  });
}

function show(keys: readonly SigningKey[]): void {
  const rows = keys.map(({ id, algorithm, madeAt, retiredAt }) => [
    ...[id, algorithm, day(madeAt)],
    retiredAt === undefined ? 'signs' : `retired on ${day(retiredAt)}`,
  ]);
  process.stdout.write(table(['ID', 'ALGORITHM', 'CREATED', 'STATE'], rows));
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

function command({ config }: SigningKeyOptions, work: (keys: SigningKeys) => void): number {
  try {
    const { folder, key } = findPlaces(config);
    if (folder === undefined)
      throw new CommandProblem('there is nowhere to keep keys: storage.folder is none; set it to a folder');
    const { db } = openFile(folder);
    try {
      const log = createLogger({ level: 'warn', format: 'auto' });
      work(new SigningKeys({ attempt: (use) => use(db) }, openVault(folder, key, log)));
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
