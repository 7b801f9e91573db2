/** Why a process could not be started, for the person who wrote the configuration. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';

interface Attempt {
  readonly command: string;
  readonly cwd: string | undefined;
}

/** What the system has too little of, by error code. */
const SHORT_OF: Readonly<Record<string, string>> = {
  EAGAIN: 'the limit of processes is reached (ulimit -u, or pids.max of the container)',
  EMFILE: 'Patchbay has too many files and sockets open (ulimit -n)',
  ENFILE: 'the system has too many files open',
  ENOMEM: 'there is not enough memory',
  E2BIG: 'its arguments and environment are too long',
};

/** The text for an error of `spawn`, naming the command and, where that is to blame, the folder. */
export function startError(attempt: Attempt, { code = '', message }: NodeJS.ErrnoException): string {
  const reason = SHORT_OF[code] ?? folderProblem(attempt.cwd) ?? commandProblem(attempt, code);
  return `cannot start ${JSON.stringify(attempt.command)}: ${reason ?? (code || message)}`;
}

function folderProblem(cwd: string | undefined): string | undefined {
  if (cwd === undefined) return undefined;
  const folder = JSON.stringify(resolve(cwd));
  try {
    if (!statSync(cwd).isDirectory()) return `${folder} is not a folder (cwd)`;
    accessSync(cwd, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') return `no permission to enter the folder ${folder} (cwd)`;
    return code === 'ENOENT' || code === 'ENOTDIR' ? `there is no folder ${folder} (cwd)` : `${folder} (cwd): ${code}`;
  }
}

function commandProblem({ command, cwd }: Attempt, code: string): string | undefined {
  const searched = !/[/\\]/.test(command);
  if (code === 'ENOENT' && searched) return 'no such command on PATH';
  if (code !== 'ENOENT' && code !== 'EACCES') return undefined;
  if (searched) return 'no permission to execute it; is it made executable (chmod +x)?';
  // a command with a slash is looked for from the folder that the process starts in
  const file = resolve(cwd ?? '.', command);
  const shown = JSON.stringify(file);
  try {
    if (statSync(file).isDirectory()) return `${shown} is a folder`;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    return reason === 'EACCES' ? `no permission to reach ${shown}` : `there is no file ${shown}`;
  }
  if (code === 'ENOENT') return `the interpreter that the first line of ${shown} names is not there`;
  return `no permission to execute ${shown}; is it made executable (chmod +x)?`;
}
