/** `patchbay import`: servers of other apps as upstreams, on stdout. */
import { homedir } from 'node:os';
import { importFiles } from '../config/import/import.ts';
import { ImportProblem, readAppFile } from '../config/import/read.ts';
import { findFiles, type Machine } from '../config/import/usual-places.ts';

export interface ImportOptions {
  /** Take over every file that is found. */
  readonly all?: true;
  readonly keepSecrets?: true;
}

/**
 * Without files, lists those in their usual places.
 * @returns the exit code: 1 when there is nothing to take over, or a file that was named cannot be read
 */
export function importCommand(files: readonly string[], { all, keepSecrets }: ImportOptions): number {
  const home = homedir();
  const machine: Machine = { platform: process.platform, env: process.env, home, cwd: process.cwd() };
  const named = files.length > 0 ? files : all ? findFiles(machine) : undefined;
  try {
    if (named === undefined) return list(findFiles(machine), home);
    if (named.length === 0) return nothing();
    // of those that were found, one that cannot be read costs itself alone
    let read = named.length;
    const left = (problem: string) => {
      read--;
      process.stderr.write(`${problem} (left out)\n`);
    };
    const options = { home, keepSecrets: keepSecrets === true, left: files.length > 0 ? undefined : left };
    const { yaml, upstreams, variables } = importFiles(named, options);
    process.stdout.write(yaml);
    const some = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
    const toSet = variables === 0 ? '' : `; the comments at the top name ${some(variables, 'variable')} to set`;
    process.stderr.write(`${some(upstreams, 'upstream')} from ${some(read, 'file')}${toSet}\n`);
    return upstreams === 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ImportProblem)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function list(found: readonly string[], home: string): number {
  const lines = found.flatMap((file) => {
    try {
      const { app, entries } = readAppFile(file, home);
      const names = entries.map(({ name }) => name).join(', ');
      return entries.length === 0 ? [] : [`${file}  (${app.title}: ${names})`];
    } catch (error) {
      return error instanceof ImportProblem ? [`${error.message} (left out)`] : [];
    }
  });
  if (lines.length === 0) return nothing();
  const next = 'Take over one with `patchbay import FILE`, all with `patchbay import --all`.';
  process.stdout.write(`${lines.join('\n')}\n`);
  process.stderr.write(`${next}\n`);
  return 0;
}

function nothing(): number {
  process.stderr.write('No file of Claude, Cursor, VS Code or Windsurf is in its usual place; name one.\n');
  return 1;
}
