/** Clients that die without a word leave nothing behind, once the time for which they are waited for is over. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import type { Step } from '../fixtures/peer/play.ts';
import { type CountedGateway, type Holdings, startCounted } from './counted.ts';
import { HttpStream } from './http-stream.ts';
import { elicit, elicitUrl, roots, sample } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { startPeer, stdioPeer } from './setup.ts';
import { poll, until } from './until.ts';

const UPSTREAMS = ['http', 'sse', 'stdio', 'shared', 'user'];
const WAIT_MS = 30_000;
const LONG_MS = 60_000;

let http: HttpFixture;
let sse: HttpFixture;
let gateway: CountedGateway;
let start: Holdings;

beforeAll(async () => {
  http = await startPeer('http', 'http');
  sse = await startPeer('sse', 'sse');
  const times = { call: '8s', elicitation: '8s', sampling: '8s', roots: '8s', idle: '1s', stop: '500ms', open: '30s' };
  const upstream = (config: object) => ({ ...config, timeouts: times });
  gateway = await startCounted({
    server: { port: 0, sse: true },
    lists: { firstWait: '30s' },
    sessions: { idleTimeout: '1s', deliver: '1s', events: { maxAge: '1s' } },
    upstreams: {
      http: upstream({ url: http.url }),
      sse: upstream({ url: sse.url, transport: 'sse' }),
      stdio: upstream(stdioPeer('stdio')),
      shared: upstream({ ...stdioPeer('shared'), sharing: 'shared' }),
      user: upstream({ url: http.url, sharing: 'user' }),
    },
  });
  // what a first use leaves behind for good is there before anything is counted; it takes longer than sessions live here
  for (const capabilities of [{}, ABLE])
    await until(() => RawClient.open(gateway.url, { capabilities }).catch(() => undefined), 'a session', WAIT_MS);
  start = await until(
    async () => {
      const now = await gateway.holdings();
      return now.sessions + now.links + now.children === 0 && now;
    },
    'a gateway at rest',
    WAIT_MS,
  );
}, LONG_MS);

afterAll(async () => {
  await gateway?.stop();
  await http?.stop();
  await sse?.stop();
});

/** What is still there that was not there at the start. */
async function left(): Promise<Partial<Record<string, number>>> {
  const now = await gateway.holdings();
  const flat = ({ resources, memory: _, ...counts }: Holdings): Record<string, number> => ({ ...resources, ...counts });
  const before = flat(start);
  return Object.fromEntries(Object.entries(flat(now)).filter(([kind, count]) => count > (before[kind] ?? 0)));
}

const asks = [elicit(), elicitUrl('x'), sample(), roots];

/** A client in the middle of everything. @returns its connections */
async function busy(): Promise<HttpStream[]> {
  const client = await RawClient.open(gateway.url, { capabilities: ABLE });
  const stream = await client.listen();
  const streams = [stream];
  for (const upstream of UPSTREAMS) {
    const scripts: Step[][] = [[{ gate: 'never' }], [{ ask: asks }], [{ log: 50, pad: 2_000 }, { gate: 'never' }]];
    for (const [i, steps] of scripts.entries()) {
      const args = { tag: `${i}`, steps: [{ progress: 1 }, ...steps] };
      streams.push(await client.call(`${upstream}__play`, args, { id: `${upstream} ${i}`, progressToken: i }));
    }
    await client.tool(`${upstream}__play_later`, { tag: 'later', steps: [{ ask: asks }, { log: 10 }] });
  }
  for (const uri of ['http://item/1', 'shared://item/1', 'stdio://item/1'])
    await client.request('resources/subscribe', { uri });
  await Promise.all(streams.slice(1).map((reply) => reply.method('notifications/progress')));
  return streams;
}

/** A client that reads nothing of what it has asked for, which is more than fits between two programs. */
async function deaf(client: RawClient, upstreams: readonly string[] = ['http', 'sse', 'stdio']): Promise<HttpStream[]> {
  const bulk = { tag: 'bulk', steps: [{ log: 500, pad: 32 * 1024 }] };
  const streams = [await client.listen()];
  streams[0]!.pause();
  await client.tool('http__play_later', bulk);
  for (const [id, upstream] of upstreams.entries()) {
    const reply = await client.call(`${upstream}__play`, bulk, { id });
    reply.pause();
    streams.push(reply);
  }
  return streams;
}

describe('clients whose connections are cut off in the middle of calls and questions', () => {
  test.each([1, 2])(
    'round %i: sessions, links, processes, sockets and timers are those of the start again',
    async () => {
      const streams = (await Promise.all([busy(), busy(), busy()])).flat();
      const held = await gateway.holdings();
      for (const stream of streams) stream.drop();
      expect(held.sessions).toBe(3);
      expect(held.children).toBeGreaterThan(3);
      expect(held.streams).toBeGreaterThan(3 * UPSTREAMS.length);
      await poll(left, WAIT_MS).toEqual({});
    },
    LONG_MS,
  );

  test(
    'those that stay connected and read nothing any more',
    async () => {
      const streams = await Promise.all([1, 2].map(async () => deaf(await RawClient.open(gateway.url))));
      expect((await gateway.holdings()).sessions).toBe(2);
      await poll(left, WAIT_MS).toEqual({});
      for (const stream of streams.flat()) stream.drop();
    },
    LONG_MS,
  );

  test(
    'one that stops in the middle of the handshake, or comes by the other door',
    async () => {
      await RawClient.open(gateway.url, { capabilities: ABLE, ready: false });
      const unready = await RawClient.open(gateway.url, { capabilities: ABLE, ready: false });
      const reply = await unready.call('http__play', { tag: 'early', steps: [{ log: 1 }, { ask: asks }] });
      const door = await HttpStream.open(new URL('/sse', gateway.url).href, { method: 'GET', headers: {} });
      await poll(() => door.events.length).toBe(1);
      for (const stream of [reply, door]) stream.drop();
      await poll(left, WAIT_MS).toEqual({});
    },
    LONG_MS,
  );
});

test(
  'the links of a session end with it, however long unused links are kept',
  async () => {
    const own = await startCounted({
      lists: { firstWait: '30s' },
      sessions: { idleTimeout: '2s' },
      upstreams: { http: { url: http.url }, sse: { url: sse.url, transport: 'sse' }, stdio: stdioPeer() },
    });
    const linked = async () => {
      const { links, children } = await own.holdings();
      return { links, children };
    };
    const call = async (client: RawClient) => {
      for (const upstream of ['http', 'sse', 'stdio']) await client.tool(`${upstream}__echo`, {});
    };
    // those that fetch the lists stay
    await until(() => RawClient.open(own.url).catch(() => undefined), 'a session', WAIT_MS);
    await poll(async () => (await own.holdings()).sessions, WAIT_MS).toBe(0);
    const before = await linked();
    const [ended, dead] = [await RawClient.open(own.url), await RawClient.open(own.url)];
    await Promise.all([call(ended), call(dead)]);
    expect(await linked()).toEqual({ links: before.links + 6, children: before.children + 2 });
    await ended.end();
    await poll(linked, WAIT_MS).toEqual(before);
    await own.stop();
  },
  LONG_MS,
);

test(
  'a session that is ended by its client leaves no connection behind, although the client reads nothing',
  async () => {
    const own = await startCounted({ lists: { firstWait: '30s' }, upstreams: { http: { url: http.url } } });
    const connections = async () => (await own.holdings()).connections;
    const client = await until(() => RawClient.open(own.url).catch(() => undefined), 'a session', WAIT_MS);
    const plays = async () => Number((await client.tool('http__plays')).finished);
    const finished = await plays();
    const other = await RawClient.open(own.url);
    const streams = await deaf(other, ['http', 'http', 'http']);
    // all of it is on its way, so that every connection is full
    await poll(plays).toBeGreaterThanOrEqual(finished + 4);
    for (let i = 0; i < 20; i++) await client.tool('http__echo', { i });
    expect(await connections()).toBeGreaterThanOrEqual(streams.length);
    expect(await other.end()).toBe(200);
    await poll(connections, WAIT_MS).toBe(0);
    expect(streams.map(({ over }) => over)).toEqual(streams.map(() => false));
    for (const stream of streams) stream.drop();
    await own.stop();
  },
  LONG_MS,
);
