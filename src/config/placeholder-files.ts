/** Placeholders that are filled from files: `${file:/path}` names one, `${secret:NAME}` is looked for in folders. */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Finding } from './finding.ts';

/** What fills a placeholder, or why nothing does. */
export type Filled =
  | { readonly text: string; readonly label: string; readonly finding?: never }
  | { readonly finding: Finding };

/** Where Docker and Podman mount the secrets of a container. */
const MOUNTED = '/run/secrets';
const LARGEST_FILE = 1_048_576;
/** A plain file name: no folder, and none that is hidden, as those in which Kubernetes keeps versions. */
const SECRET_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/**
 * The folders in which `${secret:NAME}` looks, the first one first.
 * @param configured `secrets.folders`
 * @param folder where relative ones start
 * @param env systemd names its folder in `CREDENTIALS_DIRECTORY`
 */
export function secretFolders(
  configured: readonly string[],
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const systemd = env.CREDENTIALS_DIRECTORY;
  return [...configured.map((one) => resolve(folder, one)), ...(systemd ? [systemd] : []), MOUNTED];
}

/** The text of a file without its last line break. @param files gets the file, read or not */
export function fromFile(path: string, folder: string, files: Set<string>): Filled {
  const file = resolve(folder, path);
  files.add(file);
  return read(file, `\${file:${path}}`);
}

/**
 * The same of the first of these folders that has a file of this name.
 * @param preset what stands for a secret that is in none of them
 * @param files gets every file that was looked for, since one may come before the one that is there now
 */
export function fromSecret(
  name: string,
  preset: string | undefined,
  folders: readonly string[],
  files: Set<string>,
): Filled {
  const label = `\${secret:${name}}`;
  if (!SECRET_NAME.test(name)) {
    const mend = `write the name of a file in one of the secret folders; for any other, write \${file:/path}`;
    return { finding: { message: `${JSON.stringify(`\${secret:${name.slice(0, 40)}}`)} names no secret`, mend } };
  }
  for (const folder of folders) {
    const file = join(folder, name);
    files.add(file);
    if (isThere(file)) return read(file, label);
  }
  if (preset !== undefined) return { text: preset, label };
  const message = `secret ${name} is in none of the folders ${folders.join(', ')}`;
  return { finding: { message, mend: `put a file ${name} there, or name its folder in secrets.folders` } };
}

/** Whether there is something of this name, readable or not. */
function isThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function read(file: string, label: string): Filled {
  const unread = (problem: string, mend: string): Filled => ({
    finding: { message: `file ${JSON.stringify(file)} ${problem}`, mend },
  });
  try {
    const stats = statSync(file);
    if (!stats.isFile()) return unread('is not a regular file', 'name a file that holds just the value');
    if (stats.size > LARGEST_FILE) return unread('is larger than 1 MiB', 'name a file that holds just the value');
    return { text: readFileSync(file, 'utf8').replace(/\r?\n$/, ''), label };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return unread('does not exist', 'create it, or mend the path');
    return unread(`cannot be read (${code})`, 'let the user that runs Patchbay read it');
  }
}
