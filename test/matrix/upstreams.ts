/** One upstream of each transport and sharing rule, all of them the same peer. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { SEED } from '../fixtures/shared/random.ts';

export const TRANSPORTS = ['stdio', 'http', 'sse'] as const;
export const SHARINGS = ['session', 'user', 'shared'] as const;

export interface Combination {
  /** The upstream's name, which is the scheme of its resource URIs as well. */
  readonly name: string;
  readonly transport: (typeof TRANSPORTS)[number];
  readonly sharing: (typeof SHARINGS)[number];
  /** Whether the upstream is told that clients can be asked: nobody is on links that all share. */
  readonly asks: boolean;
  /** Whether logs can be told apart by client; on one stream for all, those of several at once cannot. */
  readonly ownLogs: boolean;
  /** Whether every client may have a process of its own. */
  readonly manyProcesses: boolean;
}

export const COMBINATIONS: readonly Combination[] = TRANSPORTS.flatMap((transport) =>
  SHARINGS.map((sharing) => ({
    name: `${transport}-${sharing}`,
    transport,
    sharing,
    asks: sharing !== 'shared',
    ownLogs: sharing !== 'shared' || transport === 'http',
    manyProcesses: transport === 'stdio' && sharing !== 'shared',
  })),
);

export interface Upstreams {
  /** The `upstreams` of a gateway config. */
  readonly config: Readonly<Record<string, object>>;
  /** The nonces of the calls with this tag whose cancellation has reached an upstream, whichever process it was. */
  cancelled(tag: string): string[];
  stop(): Promise<void>;
}

/** Starts what runs outside of the gateway: one process for every HTTP and SSE upstream. */
export async function startUpstreams(): Promise<Upstreams> {
  const fixtures: HttpFixture[] = [];
  // a busy machine is no fault of anybody's
  const timeouts = { open: '120s', elicitation: '120s', sampling: '120s', roots: '120s' };
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-matrix-'));
  const JOURNAL = join(folder, 'journal');
  // there are many processes of the same program
  const NODE_COMPILE_CACHE = join(folder, 'cache');
  await writeFile(JOURNAL, '');
  const config: Record<string, object> = {};
  for (const { name, transport, sharing } of COMBINATIONS) {
    // on a busy machine a connection may be taken up again just when it is closed for being idle
    const env = { PLAY: '1', PREFIX_URIS: name, KEEP_ALIVE: '60000', JOURNAL, SEED: String(SEED), NODE_COMPILE_CACHE };
    if (transport === 'stdio') {
      config[name] = { ...stdioUpstream('peer-server', [], env), sharing, timeouts };
      continue;
    }
    const fixture = await startFixture('peer-server', { transport, env });
    fixtures.push(fixture);
    config[name] = { url: fixture.url, transport: transport === 'sse' ? 'sse' : 'streamable-http', sharing, timeouts };
  }
  const cancelled = (tag: string) => {
    const lines = readFileSync(JOURNAL, 'utf8').split('\n');
    const start = `cancelled ${tag} `;
    return lines.flatMap((line) => (line.startsWith(start) ? line.slice(start.length) : []));
  };
  const stop = async () => {
    await Promise.all(fixtures.map((fixture) => fixture.stop()));
    await rm(folder, { recursive: true });
  };
  return { config, cancelled, stop };
}
