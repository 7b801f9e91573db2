/** A gateway with the config of config/patchbay.yaml, whose knowledge graph is a file of the test's own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { createKey } from '../fixtures/api-key.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';

/** The folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The upstreams of config/patchbay.yaml, in its order. */
export const UPSTREAMS = ['everything', 'everything-http', 'files', 'memory'] as const;

/** What `npm start` puts on PATH, so that upstreams of this package are found by their bare names. */
export const PATH = `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;

export interface DefaultGateway extends Gateway {
  /** A folder that only this gateway and its upstreams have as TMPDIR; it is removed by `stop`. */
  readonly mark: string;
  /** An API key for it. */
  readonly key: string;
}

/** @param more upstreams in addition to the default ones */
export async function startDefaultGateway(more: Readonly<Record<string, object>> = {}): Promise<DefaultGateway> {
  const mark = await mkdtemp(join(tmpdir(), 'patchbay-e2e-'));
  const config = parse(await readFile(join(ROOT, 'config', 'patchbay.yaml'), 'utf8')) as Record<string, object>;
  const memory = {
    command: 'mcp-server-memory',
    env: { MEMORY_FILE_PATH: join(mark, 'memory.jsonl') },
    sharing: 'shared',
  };
  const upstreams: Record<string, object> = { ...config.upstreams, memory, ...more };
  // this one does not end before it is told to a second time
  upstreams['everything-http'] = { ...upstreams['everything-http'], timeouts: { stop: '250ms' } };
  const server = { ...config.server, port: 0 };
  // all of them are there, however long a busy machine takes to start them
  const lists = { ...config.lists, firstWait: '1m' };
  const gateway = await startGateway({ config: { ...config, server, lists, upstreams }, env: { PATH, TMPDIR: mark } });
  const stop: Gateway['stop'] = async (signal) => {
    try {
      return await gateway.stop(signal);
    } finally {
      await rm(mark, { recursive: true, force: true });
    }
  };
  try {
    return { ...gateway, mark, key: await createKey(gateway), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
