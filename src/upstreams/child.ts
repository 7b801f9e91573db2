/** Child processes in groups of their own, so that grandchildren (npx, uvx, shells) end with them. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export interface ChildSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Names of variables of the gateway's own environment that are handed on. */
  readonly inheritEnv: readonly string[];
  readonly cwd: string | undefined;
  /** Grace between the steps of ending it, milliseconds. */
  readonly stopTimeout: number;
}

export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const groups = new Set<number>();

/** Leaders of the process groups that are alive now. */
export const liveGroups = (): readonly number[] => [...groups];

// the last resort: whatever way the gateway ends, its children's groups end with it
process.on('exit', () => {
  for (const pid of groups) signalGroup(pid, 'SIGKILL');
});

/**
 * Starts a process with pipes for stdin, stdout and stderr, in a process group of its own. It gets the configured
 * environment and nothing else; no shell is involved.
 * @throws Error when the command cannot be started, naming it
 */
export async function startChild(spec: ChildSpec): Promise<Child> {
  const env: Record<string, string> = {};
  for (const name of spec.inheritEnv) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  Object.assign(env, spec.env);
  const child = spawn(spec.command, [...spec.args], {
    env,
    cwd: spec.cwd === undefined ? undefined : resolve(spec.cwd),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    windowsHide: true,
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new Error(startError(spec, error as NodeJS.ErrnoException));
  }
  const pid = child.pid!;
  groups.add(pid);
  child.once('exit', () => {
    // the leader is gone; what it left behind in its group is not wanted either
    signalGroup(pid, 'SIGKILL');
    groups.delete(pid);
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  return child;
}

function startError(spec: ChildSpec, error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') {
    return spec.cwd === undefined
      ? `cannot start "${spec.command}": no such command on PATH`
      : `cannot start "${spec.command}": no such command on PATH, or no folder "${spec.cwd}"`;
  }
  return `cannot start "${spec.command}": ${error.code ?? error.message}`;
}

/** Ends a child: stdin end, then SIGTERM, then SIGKILL to its whole group, each after the grace time. */
export async function stopChild(child: Child, grace: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin.end();
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await within(exited, grace)) return;
    signalGroup(child.pid!, signal);
  }
  await exited;
}

/** How a child ended, in words. */
export const exitText = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal ? `the process was ended by ${signal}` : `the process exited with code ${code ?? 'unknown'}`;

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the group is empty already
  }
}

async function within(event: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((done) => {
    timer = setTimeout(done, ms, false);
  });
  const won = await Promise.race([event.then(() => true as const), late]);
  clearTimeout(timer);
  return won;
}
