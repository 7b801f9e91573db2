/** Child processes in groups of their own, so that grandchildren (npx, uvx, shells) end with them. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Logger } from '../telemetry/log.ts';
import { beginGroup, endGroup, expectGroup, signalGroup } from './groups.ts';
import { runsInGroup } from './living-groups.ts';
import { startError } from './start-error.ts';

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

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Piped = ChildProcessByStdio<Writable, Readable, Readable>;

/** How long output is waited for that others still hold open after the process has ended, milliseconds. */
export const DRAIN = 500;
/** The first and the longest time between two looks at whether a group without its leader is over, milliseconds. */
const FIRST_LOOK = 10;
const LONGEST_LOOK = 100;
/** How long what was killed may take to be gone, milliseconds. */
const KILLED = 200;

/**
 * Starts a process with pipes for stdin, stdout and stderr, in a process group of its own. It gets the configured
 * environment and nothing else; no shell is involved.
 * @param log told when there can be no guard for it
 * @throws Error when the command cannot be started, naming it
 */
export async function startChild(spec: ChildSpec, log: Logger): Promise<Child> {
  expectGroup(log);
  try {
    const child = spawn(spec.command, [...spec.args], {
      env: environment(spec),
      cwd: spec.cwd === undefined ? undefined : resolve(spec.cwd),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      windowsHide: true,
    });
    if (child.pid === undefined) await once(child, 'spawn');
    return new Child(child, spec.stopTimeout);
  } catch (error) {
    throw new Error(startError(spec, error as NodeJS.ErrnoException));
  }
}

/** A process and its group. Whatever way the process ends, what it leaves behind in its group ends after it. */
export class Child {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The process has ended; its last output may still be on the way. */
  readonly exited: Promise<Ending>;
  /** The process has ended and its output has been read, as far as that comes soon. */
  readonly closed: Promise<Ending>;
  /** Nothing of the group is left. */
  readonly over: Promise<void>;
  #grace: number;
  #ending: Ending | undefined;
  /** When its group was told to end, milliseconds of `performance.now()`. */
  #terminated: number | undefined;
  #stopping: Promise<void> | undefined;

  /** Must be called in the same turn as `spawn`, so that no time goes by in which nobody knows of the group. */
  constructor(child: Piped, grace: number) {
    this.pid = child.pid!;
    beginGroup(this.pid);
    this.#grace = grace;
    this.stdin = child.stdin;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    child.on('error', () => undefined);
    this.stdin.on('error', () => undefined);
    const exited = Promise.withResolvers<Ending>();
    const closed = Promise.withResolvers<Ending>();
    this.exited = exited.promise;
    this.closed = closed.promise;
    child.once('exit', (code, signal) => {
      this.#ending = { code, signal };
      exited.resolve(this.#ending);
      // what is in the pipes is read after the timers, so that it is waited for until then
      setTimeout(() => setImmediate(() => this.#dropOutput()), DRAIN).unref();
    });
    child.once('close', (code, signal) => closed.resolve({ code, signal }));
    this.over = this.exited.then(() => this.#clear());
  }

  /** How it ended; `undefined` while it lives. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /**
   * Ends it: stdin end, then SIGTERM, then SIGKILL to its whole group, each after the grace time.
   * @param grace milliseconds
   * @returns when nothing of the group is left
   */
  stop(grace = this.#grace): Promise<void> {
    this.#stopping ??= this.#stop(grace);
    return this.#stopping;
  }

  async #stop(grace: number): Promise<void> {
    this.#grace = grace;
    this.stdin.end();
    if (!(await within(this.exited, grace))) {
      this.#terminate();
      if (!(await within(this.exited, grace))) signalGroup(this.pid, 'SIGKILL');
    }
    await this.over;
  }

  #terminate(): boolean {
    this.#terminated = performance.now();
    return signalGroup(this.pid, 'SIGTERM');
  }

  /** The leader is gone: what it left behind is not wanted any more, but may take its time to end. */
  async #clear(): Promise<void> {
    if (this.#terminated === undefined ? this.#terminate() : signalGroup(this.pid, 0)) {
      await this.#empty(this.#terminated! + this.#grace);
      if (signalGroup(this.pid, 'SIGKILL')) await this.#empty(performance.now() + KILLED);
    }
    endGroup(this.pid);
  }

  /** Waits until nothing runs in the group any more. @param until when to give up */
  async #empty(until: number): Promise<void> {
    const since = performance.now();
    for (let look = FIRST_LOOK; signalGroup(this.pid, 0); look = Math.min(2 * look, LONGEST_LOOK)) {
      if (look > FIRST_LOOK && (await runsInGroup(this.pid, since)) === false) return;
      const left = until - performance.now();
      if (left <= 0) return;
      await new Promise((done) => setTimeout(done, Math.min(look, left)));
    }
  }

  /** Somebody out of reach holds the pipes open; reading on would keep the link, and the gateway, from ending. */
  #dropOutput(): void {
    this.stdout.destroy();
    this.stderr.destroy();
  }
}

/** How a child ended, in words. */
export const exitText = ({ code, signal }: Ending): string =>
  signal ? `the process was ended by ${signal}` : `the process exited with code ${code ?? 'unknown'}`;

function environment(spec: ChildSpec): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of spec.inheritEnv) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return Object.assign(env, spec.env);
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
