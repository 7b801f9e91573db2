/** The upstreams that the clients meet, and how to make each of them do what a test is about. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFixture, stdioUpstream } from '../fixtures/child.ts';
import { startLossyProxy } from '../multiplexer/lossy-proxy.ts';
import type { PeerClient } from './clients.ts';

/** A tool and its arguments. */
type Use = readonly [tool: string, args: object];

/** What a kind of server has, by upstream names. */
export interface Repertoire {
  readonly elicitation: Use;
  readonly sampling: Use;
  readonly roots: Use;
  readonly progress: Use;
  /** What `progress` reports. */
  readonly reported: readonly number[];
  /** Reports progress at least once, and takes longer than any test. */
  readonly endless: Use;
  /** The end of the URI of a resource to subscribe to. */
  readonly resource: string;
  /** Begins to tell of changes of that resource. */
  readonly touch: Use;
  /** Ends it, where it does not end by itself. */
  readonly leave: Use | undefined;
  /** Changes a list. @param n another number each time */
  change(n: number): { readonly use: Use; readonly list: 'tools' | 'resources'; readonly item: string };
}

export interface Running {
  /** The config of an upstream that is this server. */
  readonly config: object;
  /** How many calls of `endless` have been cancelled at the server. @param own whose calls it was */
  cancelled(own: PeerClient): number | Promise<number>;
  stop(): Promise<void>;
}

export interface Server extends Repertoire {
  readonly title: string;
  start(): Promise<Running>;
}

const suite: Repertoire = {
  elicitation: ['test_elicitation', { message: 'Who are you?' }],
  sampling: ['test_sampling', { prompt: 'Say something' }],
  roots: ['test_input_required_result_list_roots', {}],
  progress: ['test_tool_with_progress', {}],
  reported: [0, 50, 100],
  endless: ['test_cancellation', {}],
  resource: 'test://watched-resource',
  touch: ['test_touch_watched_resource', {}],
  leave: undefined,
  change: () => ({ use: ['test_trigger_tool_change', {}], list: 'tools', item: 'common__test_extra' }),
};

const everything: Repertoire = {
  elicitation: ['trigger-elicitation-request', {}],
  sampling: ['trigger-sampling-request', { prompt: 'Say something' }],
  roots: ['get-roots-list', {}],
  progress: ['trigger-long-running-operation', { duration: 0.3, steps: 3 }],
  reported: [1, 2, 3],
  endless: ['trigger-long-running-operation', { duration: 600, steps: 6_000 }],
  resource: 'demo://resource/static/document/architecture.md',
  touch: ['toggle-subscriber-updates', {}],
  leave: ['toggle-subscriber-updates', {}],
  change: (n) => ({
    use: ['gzip-file-as-resource', { name: `${n}.gz`, data: 'data:text/plain,hello', outputType: 'resourceLink' }],
    list: 'resources',
    item: `demo://resource/session/${n}.gz`,
  }),
};

const EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
const CANCELLED = 'notifications/cancelled';

/** Servers on the fixture's plays. @param era what they speak */
const suiteServers = (title: string, era: 'legacy' | 'modern' | 'dual'): Server[] => {
  const cancelled = async (own: PeerClient) => Number(await own.call('own__test_cancellations', {}));
  return [
    {
      ...suite,
      title: `${title} over HTTP`,
      start: async () => {
        const { url, stop } = await startFixture('eras-server', { args: [era] });
        return { config: { url }, cancelled, stop };
      },
    },
    {
      ...suite,
      title: `${title} over stdio`,
      start: async () => ({ config: stdioUpstream('eras-server', [era]), cancelled, stop: async () => undefined }),
    },
  ];
};

/** It does not tell what was cancelled; what it is sent does. */
const everythingServers: Server[] = [
  {
    ...everything,
    title: 'server-everything over HTTP',
    start: async () => {
      const server = await startFixture('everything-server');
      const proxy = await startLossyProxy(server.url, () => false);
      return {
        config: { url: proxy.url },
        cancelled: () => proxy.seen.filter(({ message }) => message.method === CANCELLED).length,
        stop: async () => {
          await proxy.close();
          await server.stop();
        },
      };
    },
  },
  {
    ...everything,
    title: 'server-everything over stdio',
    start: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'patchbay-peers-'));
      const journal = join(folder, 'journal');
      await writeFile(journal, '');
      return {
        config: {
          command: 'sh',
          args: ['-c', 'tee -a "$0" | "$@"', journal, process.execPath, EVERYTHING, 'stdio'],
        },
        cancelled: () => readFileSync(journal, 'utf8').split(`"${CANCELLED}"`).length - 1,
        stop: () => rm(folder, { recursive: true }),
      };
    },
  },
];

export const SERVERS: readonly Server[] = [
  ...suiteServers('a server on SDK v1', 'legacy'),
  ...suiteServers('a server on SDK v2', 'modern'),
  ...suiteServers('a server on SDK v2 for both eras', 'dual'),
  ...everythingServers,
];
