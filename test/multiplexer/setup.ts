/** What most tests here begin with: a gateway in front of peers that do as they are told. */
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';

type Env = Readonly<Record<string, string>>;

/** A stdio upstream with the tools of play.ts. @param scheme of its resource URIs */
export const stdioPeer = (scheme = 'note', env: Env = {}) =>
  stdioUpstream('peer-server', [], { PLAY: '1', PREFIX_URIS: scheme, ...env });

/** A process with the tools of play.ts that serves HTTP or HTTP+SSE. @param scheme of its resource URIs */
export const startPeer = (transport: 'http' | 'sse' = 'http', scheme = 'note', env: Env = {}): Promise<HttpFixture> =>
  startFixture('peer-server', { transport, env: { PLAY: '1', PREFIX_URIS: scheme, ...env } });

/** Config of a gateway that does not wait for calls which a failed test left behind. */
export const QUICK = { server: { port: 0, drainTimeout: '100ms' } };

/** Runs with a gateway of its own, which is stopped whatever happens. */
export async function withGateway(config: object, run: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = await startGateway({ config });
  try {
    await run(gateway);
  } finally {
    await gateway.stop();
  }
}
