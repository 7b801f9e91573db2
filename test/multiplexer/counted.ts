/** Starts a gateway that can be asked what it holds, and looks at its process from outside (Linux: /proc). */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { stopChild } from '../fixtures/child.ts';
import type { Counts } from './counted-gateway.ts';

export interface Holdings extends Counts {
  /** Processes of upstreams that live. */
  readonly children: number;
  /** Resident memory, bytes. */
  readonly memory: number;
  /** Open files, sockets and pipes. */
  readonly files: number;
  /** Connections of clients that it holds. */
  readonly connections: number;
}

export interface CountedGateway {
  readonly url: string;
  holdings(): Promise<Holdings>;
  stop(): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL('counted-gateway.ts', import.meta.url));

export async function startCounted(config: object): Promise<CountedGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'patchbay-test-'));
  const file = join(directory, 'patchbay.yaml');
  await writeFile(file, stringify({ server: { port: 0 }, log: { level: 'error' }, ...config }));
  const child = fork(SCRIPT, [file], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const { url } = await message<{ url: string }>(child);
  return {
    url,
    holdings: async () => {
      child.send('count');
      const { counts } = await message<{ counts: Counts }>(child);
      const port = Number(new URL(url).port);
      const { pid = 0 } = child;
      const memory = await memoryOf(pid);
      return {
        ...counts,
        memory,
        children: await childrenOf(pid),
        files: await filesOf(pid),
        connections: await heldAt(port),
      };
    },
    stop: async () => {
      await stopChild(child, 'SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The next message of a process. @throws Error when it ends instead */
async function message<T>(child: ChildProcess): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const ended = () => reject(new Error('the gateway ended'));
  child.once('message', (value) => resolve(value as T));
  child.once('exit', ended);
  return promise.finally(() => child.off('exit', ended));
}

async function childrenOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const commands = text
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => readFile(`/proc/${part}/cmdline`, 'utf8').catch(() => ''));
  // the guard stays for processes to come
  return (await Promise.all(commands)).filter((command) => !command.includes('patchbay-guard')).length;
}

async function memoryOf(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

const filesOf = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

const LISTENING = '0A';

/** Connections to a port of this machine that a process holds the near end of; those left to the kernel have no inode. */
async function heldAt(port: number): Promise<number> {
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1);
  const held = lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state, , , , , , inode]) => {
      const own = Number.parseInt(local!.split(':')[1]!, 16) === port;
      return own && state !== LISTENING && inode !== '0';
    });
  return held.length;
}
