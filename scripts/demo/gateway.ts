/** A gateway of the demo's own: the built one, on the default config and a free port, which keeps nothing behind. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface DemoGateway {
  readonly url: URL;
  /** An API key that it takes. */
  readonly key: string;
  /** Ends it with SIGTERM, and by force after 15 s. @returns the exit code, `null` when it was ended by force */
  stop(): Promise<number | null>;
}

/** The folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const START_MS = 15_000;
const STOP_MS = 15_000;
/** The first log line that has a URL says where the gateway listens; JSON or pretty, whatever the config asks for. */
const LISTENING = /"?url"?: ?"(http[^"]+)"/;

/** @throws Error with its last lines when it does not listen within 15 s */
export async function startDemoGateway(): Promise<DemoGateway> {
  const cli = [join('dist', 'cli.js')];
  const bin = join(ROOT, 'node_modules', '.bin');
  const state = await mkdtemp(join(tmpdir(), 'patchbay-demo-state-'));
  process.once('exit', () => rmSync(state, { recursive: true, force: true }));
  const surroundings = {
    cwd: ROOT,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, STATE_DIRECTORY: state },
  };
  const config = ['--config', join('config', 'patchbay.yaml')];
  const create = [...cli, 'key', 'create', 'demo', '--expires', '1h', ...config];
  const { stdout: key } = await promisify(execFile)(process.execPath, create, surroundings);
  const serve = [...cli, 'serve', ...config, '--port', '0', '--host', '127.0.0.1'];
  const child = spawn(process.execPath, serve, { ...surroundings, stdio: ['ignore', 'ignore', 'pipe'] });
  // however the demo ends, the gateway ends too, and with it its upstreams
  process.once('exit', () => child.kill());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

  const ended = once(child, 'exit').then(() => undefined);
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  const fail = (why: string) => reject(new Error([why, ...lines.slice(-5)].join('\n')));
  const late = setTimeout(
    () => fail(`the gateway did not listen within ${START_MS / 1000} s; its last lines:`),
    START_MS,
  );
  child.once('error', (error) => fail(`the gateway did not start: ${error.message}`));
  child.once('close', (code) => fail(`the gateway ended with exit code ${code}; its last lines:`));
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    const url = LISTENING.exec(line)?.[1];
    if (url) resolve(new URL(url));
  });
  const stop = async (): Promise<number | null> => {
    child.kill();
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(force);
    return child.exitCode;
  };
  try {
    return { url: await promise, key: key.trim(), stop };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(late);
  }
}
