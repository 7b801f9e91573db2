import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the conformance suite is installed. */
export const SUITE = fileURLToPath(new URL('../../node_modules/@modelcontextprotocol/conformance', import.meta.url));

/** How a run of the suite's command ended. */
export interface CliEnd {
  /** Its exit code; `null` when it was killed. */
  readonly code: number | null;
  /** In words: `ended with 1`, `was killed after 60000 ms`. */
  readonly how: string;
  readonly lastLines: string;
}

export interface CliOptions {
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The suite gives a scenario 30 s; with that over it goes on to the next. */
const SCENARIO_MS = 30_000;
const START_MS = 30_000;
const CHARACTERS_KEPT = 1_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs the suite's command to its end, in the project's folder and with this Node.js as `node`.
 * @param args its arguments
 * @param scenarios how many scenarios it will run; it is killed when it takes longer than they may
 */
export async function runCli(
  args: readonly string[],
  scenarios: number,
  { env = {} }: CliOptions = {},
): Promise<CliEnd> {
  const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter);
  const child = spawn(process.execPath, [`${SUITE}/dist/index.js`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: ROOT,
    env: { ...process.env, PATH, ...env },
  });
  let tail = '';
  const keep = (chunk: Buffer) => {
    tail = `${tail}${chunk}`.slice(-CHARACTERS_KEPT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const limit = START_MS + scenarios * SCENARIO_MS;
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  const how = code === null ? `was killed after ${limit} ms` : `ended with ${code}`;
  return { code, how, lastLines: tail.trim() };
}
