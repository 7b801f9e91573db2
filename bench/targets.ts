/**
 * Starting and stopping the processes of a benchmark. Every target runs as its own process, says where it listens on
 * stderr (announce.ts), and is stopped by disposing it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'undici';
import { listeningUrl } from './announce.ts';
import type { Era } from './session.ts';

/** A running target. `url` is its MCP endpoint. Disposing ends the process and removes what was made for it. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Further processes whose use is the target's, which did not exist when it was started. */
  workers: readonly number[];
  /** Further endpoints, which have their part of the sessions. */
  readonly also?: readonly string[];
  /** Where its inspector listens, if it was opened. */
  readonly inspector: string | undefined;
  /** The last lines it wrote to stderr. */
  stderr(): string;
}

/** The built command line of this checkout. */
export const DEFAULT_CLI = resolve(import.meta.dirname, '../dist/cli.js');

const START_MS = 20_000;
const STOP_MS = 5_000;
const POLL_MS = 25;
/** Lines of stderr kept to explain a failed start. */
const TAIL_LINES = 20;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
process.once('SIGTERM', () => process.exit(143));
process.once('SIGINT', () => process.exit(130));

/** The script of the bare MCP server, which can also be started as a process of its own by a gateway. */
export const UPSTREAM = join(import.meta.dirname, 'upstream.ts');

export interface UpstreamOptions {
  readonly era?: Era;
  /** How many it has beside those it needs. */
  readonly tools?: number;
  /** On how many it listens. */
  readonly ports?: number;
}

/** The bare MCP server that the other targets stand in front of. */
export function startUpstream({ era = 'legacy', tools = 0, ports = 1 }: UpstreamOptions = {}): Promise<Target> {
  return start('upstream', [UPSTREAM, '--era', era, '--tools', String(tools), '--ports', String(ports)]);
}

/** A server that answers every request with the same bytes. @param file the text of a result */
export function startStatic(file: string): Promise<Target> {
  return start('static buffer', [join(import.meta.dirname, 'static.ts'), file]);
}

/** A gateway built on the classes of the official SDK. @param issuer whose tokens it checks; otherwise everyone is let in */
export function startSdkGateway(upstreamUrl: string, issuer?: { url: string; audience: string }): Promise<Target> {
  const signIn = issuer ? ['--issuer', issuer.url, '--audience', issuer.audience] : [];
  return start('SDK gateway', [join(import.meta.dirname, 'sdk-gateway.ts'), upstreamUrl, ...signIn]);
}

/** The baseline: a Fastify and undici byte proxy in front of `upstreamUrl`. */
export function startByteProxy(upstreamUrl: string): Promise<Target> {
  return start('byte proxy', [join(import.meta.dirname, 'byte-proxy.ts'), upstreamUrl]);
}

export interface PatchbayOptions {
  /** The built command line to run. */
  readonly cli?: string;
  /** Sections of its config; without `auth` everyone is let in, and `upstreams` take the place of the one. */
  readonly config?: Readonly<Record<string, object>>;
  /** Opens its inspector. */
  readonly inspect?: boolean;
}

/**
 * Patchbay in front of an upstream, on a free port.
 *
 * @param upstream as the config has it
 * @throws {Error} when it is not built, ends early, or does not answer `/healthz` in time
 */
export async function startPatchbay(
  upstream: object,
  { cli = DEFAULT_CLI, config: more = {}, inspect = false }: PatchbayOptions = {},
): Promise<Target> {
  if (!existsSync(cli)) throw new Error(`${cli} does not exist: build Patchbay first (npm run build)`);
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-bench-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const file = join(folder, 'patchbay.yaml');
  const config = {
    log: { level: 'info' },
    ...more,
    server: { port: 0, ...more.server },
    upstreams: more.upstreams ?? { bench: upstream },
  };
  // JSON is YAML, and needs no quoting rules of its own.
  await writeFile(file, JSON.stringify(config, null, 2));
  let target: Target | undefined;
  try {
    const env = {
      ...process.env,
      STATE_DIRECTORY: folder,
      ...(inspect ? { NODE_OPTIONS: '--inspect=127.0.0.1:0' } : {}),
    };
    target = await start('Patchbay', [resolve(cli), 'serve', '--config', file], { env, afterStop: remove });
    const { origin } = new URL(target.url);
    await untilHealthy(`${origin}/healthz`);
    const workers =
      (more.server as { workers?: unknown } | undefined)?.workers === undefined ? [] : childrenOf(target.pid);
    return Object.assign(target, { url: `${origin}/mcp`, workers });
  } catch (error) {
    await target?.[Symbol.asyncDispose]();
    await remove();
    throw error;
  }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** Spawns a Node script on the Node that runs this one; settles when it has said where it listens. @param args of Node */
export function start(
  name: string,
  args: string[],
  { env = process.env, afterStop }: { env?: NodeJS.ProcessEnv; afterStop?: () => Promise<void> } = {},
): Promise<Target> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(child);
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(force);
    await afterStop?.();
  };
  return new Promise((resolve, reject) => {
    const tail: string[] = [];
    let inspector: string | undefined;
    const fail = (why: string): void => {
      clearTimeout(late);
      stop().then(() => reject(new Error(`${name} did not start: ${why}\n${tail.join('\n')}`)), reject);
    };
    const late = setTimeout(() => fail(`no listening line on stderr in ${START_MS / 1000} s`), START_MS);
    const early = (code: number | null, signal: string | null): void => fail(`it ended with ${code ?? signal}`);
    child.once('error', (error) => fail(error.message));
    child.once('close', early);
    // Read to the end: a full pipe would stop the process that is being measured.
    createInterface({ input: child.stderr }).on('line', (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      inspector ??= /^Debugger listening on (ws:\S+)$/.exec(line)?.[1];
      const url = listeningUrl(line);
      if (url === undefined) return;
      clearTimeout(late);
      child.off('close', early);
      resolve({
        name,
        url,
        pid: child.pid!,
        workers: [],
        inspector,
        stderr: () => tail.join('\n'),
        [Symbol.asyncDispose]: stop,
      });
    });
  });
}

async function untilHealthy(url: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  let seen = 'no answer';
  while (performance.now() < deadline) {
    try {
      const answer = await request(url);
      await answer.body.dump();
      if (answer.statusCode === 200) return;
      seen = `status ${answer.statusCode}`;
    } catch (error) {
      seen = String(error);
    }
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
  throw new Error(`${url} is not 200 after ${START_MS / 1000} s: ${seen}`);
}
