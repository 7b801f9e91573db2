/** `recovery.*`, `maxLinks` and `maxLinksPerPrincipal` of an upstream take effect. */
import { expect, test } from 'vitest';
import { startGateway } from '../fixtures/gateway.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stdioPeer, withGateway } from '../multiplexer/setup.ts';

/** Nobody listens there. */
const dead = { url: 'http://127.0.0.1:1/mcp' };

test.each([
  [{ failures: 1, firstRetry: '20s', maxRetry: '30s' }, 1, 15_000, 20_000],
  [{ failures: 2, firstRetry: '10ms', maxRetry: '1s' }, 2, 15, 20],
  [{ failures: 3, firstRetry: '400ms', maxRetry: '800ms' }, 3, 600, 800],
])('%j: left alone after so many failures, for so long', async (recovery, failures, least, most) => {
  const gateway = await startGateway({ config: { upstreams: { dead: { ...dead, recovery } } } });
  const line = await gateway.waitForLog(({ msg }) => msg === 'upstream is down and left alone for a while', 20_000);
  expect(line).toMatchObject({ upstream: 'dead', failures, reason: expect.stringContaining('ECONNREFUSED') });
  expect(line.retryInMs).toBeGreaterThanOrEqual(least);
  expect(line.retryInMs).toBeLessThanOrEqual(most);
  await gateway.stop();
});

test.each([
  ['maxLinks', { maxLinks: 3 }, 3],
  ['maxLinksPerPrincipal', { maxLinksPerPrincipal: 2 }, 2],
])(
  '%s: the client that is one too many is told which, and a session that ends makes room',
  async (knob, limit, most) => {
    const upstreams = { peer: { ...stdioPeer(), ...limit } };
    await withGateway(
      { server: { port: 0, drainTimeout: '100ms' }, lists: { firstWait: '60s' }, upstreams },
      async ({ url }) => {
        const clients: RawClient[] = [];
        const call = (client: RawClient) => client.request('tools/call', { name: 'peer__echo', arguments: {} });
        let refused: string | undefined;
        while (refused === undefined && clients.length <= most) {
          const client = await RawClient.open(url);
          clients.push(client);
          refused = (await call(client)).error?.message;
        }
        expect(refused).toMatch(new RegExp(`^All ${most} links to upstream peer that ${knob} allows are in use`));
        expect((await call(clients[0]!)).error, 'those who have one are served').toBeUndefined();
        await clients[0]!.end();
        expect((await call(clients.at(-1)!)).error).toBeUndefined();
      },
    );
  },
);
