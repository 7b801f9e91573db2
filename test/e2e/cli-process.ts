/** Runs `patchbay` as a process of its own and keeps what it writes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PATH, ROOT } from './default-gateway.ts';

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Its end. @throws Error when it had to be killed because it ran for too long */
  readonly ended: Promise<Run>;
}

export interface RunOptions {
  /** The program; default the Node.js of this process. */
  readonly node?: string;
  /** Options of the program itself, before the script. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The script; default `dist/cli.js`. */
  readonly script?: string;
  /** What comes on stdin; default nothing at all. */
  readonly input?: string;
  /** Milliseconds until it is killed; default 15 000. */
  readonly limit?: number;
}

/** Starts a script of this package in its folder, without a terminal; what it keeps goes with it. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const { node = process.execPath, nodeArgs = [], env = {}, script = join('dist', 'cli.js'), limit = 15_000 } = options;
  const { input } = options;
  const { PORT: _port, PATCHBAY_HOST: _host, PATCHBAY_CONFIG: _config, ...inherited } = process.env;
  const state = mkdtempSync(join(tmpdir(), 'patchbay-state-'));
  const child = spawn(node, [...nodeArgs, script, ...args], {
    cwd: ROOT,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...inherited, PATH, STATE_DIRECTORY: state, ...env },
  });
  child.stdin?.end(input);
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]!.setEncoding('utf8').on('data', (part: string) => {
      text[stream] += part;
    });
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  const ended = once(child, 'close').then(([code, signal]): Run => {
    clearTimeout(timer);
    rmSync(state, { recursive: true, force: true, maxRetries: 5 });
    if (signal === 'SIGKILL')
      throw new Error(`${script} ${args.join(' ')} ran longer than ${limit} ms:\n${text.stderr}`);
    return { code, ...text };
  });
  return {
    child,
    ended,
    get stdout() {
      return text.stdout;
    },
    get stderr() {
      return text.stderr;
    },
  };
}

/** Runs it to its end. */
export const run = (args: readonly string[], options?: RunOptions): Promise<Run> => start(args, options).ended;
