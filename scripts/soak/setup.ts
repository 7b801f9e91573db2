/** The gateway of the soak and what stands behind it: upstreams of all transports, and one that cannot stay alive. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { startFixture, stdioUpstream } from '../../test/fixtures/child.ts';
import { type Gateway, startGateway } from '../../test/fixtures/gateway.ts';
import { RawClient } from '../../test/multiplexer/raw-client.ts';

const TINY = fileURLToPath(new URL('../../test/fixtures/tiny-upstream.sh', import.meta.url));
/** Ends a second after each start. */
const FLAPPING = ['-c', '(sleep 1; kill -s KILL $$) >/dev/null 2>&1 & exec sh "$0"', TINY];

export interface Setup {
  readonly gateway: Gateway;
  /** Changes the config: the upstream `guest` comes or goes, and a limit becomes another. */
  edit(n: number): Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error when one of the processes does not start */
export async function startSetup(): Promise<Setup> {
  const env = (scheme: string) => ({ PLAY: '1', PREFIX_URIS: scheme });
  const [http, sse] = await Promise.all([
    startFixture('peer-server', { env: env('http') }),
    startFixture('peer-server', { transport: 'sse', env: env('sse') }),
  ]);
  const tiny = { command: 'sh', args: [TINY] };
  const timeouts = { call: '20s', elicitation: '5s' };
  const config = (n: number) => ({
    server: { port: 0, metrics: true, drainTimeout: '1s' },
    lists: { firstWait: '30s' },
    // what clients abandon is over soon, so that a run of minutes sees it come and go many times
    sessions: { idleTimeout: '3s', deliver: '2s', events: { maxAge: '5s' } },
    upstreams: {
      http: { url: http.url, timeouts, maxLinks: 200 + n },
      sse: { url: sse.url, timeouts, transport: 'sse' },
      stdio: { ...stdioUpstream('peer-server', [], env('stdio')), timeouts },
      shared: { ...stdioUpstream('peer-server', [], env('shared')), sharing: 'shared' },
      tiny,
      flapping: { command: 'sh', args: FLAPPING, recovery: { firstRetry: '200ms', maxRetry: '2s' } },
      ...(n % 2 === 1 ? { guest: tiny } : {}),
    },
  });
  const gateway = await startGateway({ config: config(0) });
  // every upstream is there before anything is measured
  await RawClient.open(gateway.url).then((client) => client.end());
  return {
    gateway,
    edit: (n) => writeFile(gateway.configPath, stringify(config(n))),
    stop: async () => {
      const { code } = await gateway.stop();
      await Promise.all([http.stop(), sse.stop()]);
      if (code !== 0) throw new Error(`the gateway ended with exit code ${code}`);
    },
  };
}
