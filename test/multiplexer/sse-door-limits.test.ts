/** What the door for HTTP+SSE hosts costs at most: a slow client, many of them, and those that never say a word. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import type { Gateway } from '../fixtures/gateway.ts';
import { startUpstream } from '../gateway/scripted-upstream.ts';
import { type Door, enter, get, initialize, knock, post } from './door.ts';
import { RawClient } from './raw-client.ts';
import { QUICK, startPeer, withGateway } from './setup.ts';
import { poll, until } from './until.ts';

const LONG_MS = 60_000;
const KIB = 1024;

let peer: HttpFixture;

beforeAll(async () => {
  peer = await startPeer('http');
});

afterAll(() => peer?.stop());

interface Settings {
  readonly server?: object;
  readonly sessions?: object;
  readonly lists?: object;
  readonly upstreams?: object;
}

/** Runs with a gateway that has the door. */
const withDoor = (settings: Settings, run: (gateway: Gateway, sse: string) => Promise<void>): Promise<void> => {
  const server = { ...QUICK.server, sse: true, ...settings.server };
  const config = { upstreams: { peer: { url: peer.url } }, ...settings, server };
  return withGateway(config, (gateway) => run(gateway, new URL('/sse', gateway.url).href));
};

const call = ({ post: url }: Door, id: number, name: string, args: object) =>
  post(url, { id, method: 'tools/call', params: { name, arguments: args } });

test(
  'a call with more to say than its client reads is held back, and then nothing of it is missing',
  () =>
    withDoor({}, async ({ url }, sse) => {
      const door = await enter(sse);
      const other = await RawClient.open(url);
      const before = await other.tool('peer__plays');
      door.stream.pause();
      await call(door, 1, 'peer__play', { tag: 'bulk', steps: [{ log: 1_500, pad: 32 * KIB }] });
      await poll(() => other.tool('peer__plays')).toMatchObject({ finished: Number(before.finished) + 1 });
      // it is more than is kept for a client that does not read
      for (let i = 0; i < 20; i++) await other.tool('peer__echo', { i });
      door.stream.resume();
      await door.stream.response(1, LONG_MS);
      const logs = door.stream.messages.filter(({ method }) => method === 'notifications/message');
      const numbers = logs.map(({ params }) => (params!.data as { n: number }).n);
      expect(numbers).toEqual(Array.from({ length: 1_500 }, (_, i) => i + 1));
      door.stream.drop();
    }),
  LONG_MS,
);

test(
  'a client that asks for more answers than it reads is cut off, and the log says why',
  () =>
    withDoor({}, async (gateway, sse) => {
      const door = await enter(sse);
      door.stream.pause();
      // until the answers no longer fit anywhere; every one of them is larger than a slow client may have waiting
      let id = 0;
      const refused = async () =>
        (await call(door, ++id, 'peer__big', { bytes: 1024 * KIB })).status === 404 ? id : undefined;
      await until(refused, 'the end of the session', LONG_MS);
      expect(await gateway.waitForLog(({ msg }) => msg === 'a connection was cut off')).toMatchObject({
        level: 'warn',
        client: 'door',
        reason: expect.stringContaining('does not read'),
      });
    }),
  LONG_MS,
);

test('sessions.maxPerPrincipal counts doors, open sessions and both together', () =>
  withDoor({ sessions: { maxPerPrincipal: 3 } }, async ({ url }, sse) => {
    const silent = await knock(sse);
    const door = await enter(sse);
    const client = await RawClient.open(url);
    expect((await (await get(sse)).ended()).status).toBe(429);
    await expect(RawClient.open(url)).rejects.toThrow('HTTP 429');
    await client.end();
    const again = await knock(sse);
    expect((await (await get(sse)).ended()).status).toBe(429);
    for (const { stream } of [silent, door, again]) stream.drop();
    const free = async () => {
      const three = await Promise.all([1, 2, 3].map(() => get(sse)));
      for (const stream of three) stream.drop();
      return three.map(({ status }) => status);
    };
    await poll(free).toEqual([200, 200, 200]);
  }));

test('a stream without initialize is kept alive for a while, then closed', () =>
  withDoor({ server: { keepAlive: '50ms' }, sessions: { idleTimeout: '1s' } }, async (gateway, sse) => {
    const [silent, talking] = [await knock(sse), await enter(sse)];
    await poll(() => silent.stream.comments).toBeGreaterThan(2);
    await silent.stream.ended();
    expect((await post(silent.post, initialize)).status).toBe(404);
    expect((await gateway.waitForLog(({ msg }) => String(msg).includes('no initialize'))).level).toBe('info');
    // one that did say initialize stays, although it was opened at the same time
    expect(talking.stream.over).toBe(false);
    await post(talking.post, { id: 1, method: 'ping' });
    await talking.stream.response(1);
    talking.stream.drop();
  }));

test('a handshake that waits for upstreams is not given up, however long it takes', async () => {
  const mute = await startUpstream({ handlers: { initialize: () => undefined } });
  const sessions = { idleTimeout: '300ms' };
  await withDoor(
    { sessions, lists: { firstWait: '1500ms' }, upstreams: { mute: { url: mute.url, timeouts: { open: '2s' } } } },
    async (_, sse) => {
      const door = await knock(sse);
      // refused, and the door stays open for a better one
      await post(door.post, { ...initialize, params: {} });
      expect((await door.stream.response(0)).error?.code).toBe(-32602);
      const begun = performance.now();
      await post(door.post, { ...initialize, id: 1 });
      expect((await door.stream.response(1)).result).toBeDefined();
      expect(performance.now() - begun).toBeGreaterThan(1_000);
      door.stream.drop();
    },
  );
  await mute.close();
});
