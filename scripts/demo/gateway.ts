/** A gateway of the demo's own: the built one, on the default config and a free port. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface DemoGateway {
  readonly url: URL;
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
  const args = [join('dist', 'cli.js'), 'serve', '--config', join('config', 'patchbay.yaml'), '--port', '0'];
  const bin = join(ROOT, 'node_modules', '.bin');
  const child = spawn(process.execPath, [...args, '--host', '127.0.0.1'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  });
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
    return { url: await promise, stop };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(late);
  }
}
