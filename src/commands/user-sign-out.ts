/** `patchbay user sign-out`: ends what somebody is signed in to, whoever signed them in. */
import { accountsCalled } from '../auth/server/accounts.ts';
import { Records } from '../auth/server/records.ts';
import { explain, openFile, StorageProblem } from '../storage/open.ts';
import { openVault } from '../storage/vault.ts';
import { auditTo } from '../telemetry/audit.ts';
import { createLogger } from '../telemetry/log.ts';
import { CommandProblem, findPlaces } from './places.ts';
import type { UserOptions } from './user.ts';

/**
 * Ends all sessions, tokens and browsers of somebody.
 * @param name of a user, or the address or id by which a provider knows them
 * @returns the exit code
 */
export function userSignOut(name: string, { config }: UserOptions): number {
  try {
    const { folder, key } = findPlaces(config);
    if (folder === undefined)
      throw new CommandProblem('nothing is kept of sign-ins: storage.folder is none; a restart ends all of them');
    const { db } = openFile(folder);
    try {
      const vault = openVault(folder, key, createLogger({ level: 'warn', format: 'auto' }));
      const records = new Records({ attempt: (use) => use(db) }, vault);
      const ended = accountsCalled(name, records).filter((account) => records.removeOfAccount(account) > 0);
      if (ended.length === 0) throw new CommandProblem(`${name} is not signed in to anything`);
      const audit = auditTo(createLogger({ level: 'info', format: 'auto' }));
      for (const user of ended) audit('token revoked', { user, reason: 'patchbay user sign-out' });
    } finally {
      db.close();
    }
    process.stdout.write(`${name} is signed out; a gateway that runs takes notice within 10 s\n`);
    return 0;
  } catch (error) {
    const found = explain(error);
    if (!found && !(error instanceof CommandProblem) && !(error instanceof StorageProblem)) throw error;
    process.stderr.write(
      `${found ? `what is kept cannot be used (${found.detail}); ${found.mend}` : (error as Error).message}\n`,
    );
    return 1;
  }
}
