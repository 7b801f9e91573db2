/** Subscriptions to resources: who hears of a change, and what upstreams are asked. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { json, startUpstream } from '../gateway/scripted-upstream.ts';
import type { HttpStream } from './http-stream.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer, withGateway } from './setup.ts';
import { poll } from './until.ts';

const UPDATED = 'notifications/resources/updated';

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http', 'http');
  const upstreams = {
    shared: { url: peer.url, sharing: 'shared' },
    stdioShared: { ...stdioPeer('stdio-shared'), sharing: 'shared' },
    stdio: stdioPeer('stdio'),
    user: { ...stdioPeer('user'), sharing: 'user' },
    // these two have the same URIs
    one: stdioPeer('twin'),
    two: stdioPeer('twin'),
    plain: stdioUpstream('peer-server', [], { PREFIX_URIS: 'plain' }),
  };
  gateway = await startGateway({ config: { ...QUICK, lists: { firstWait: '30s' }, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const open = (capabilities = {}) => RawClient.open(gateway.url, { capabilities });
const subscribe = (client: RawClient, uri: string) => client.request('resources/subscribe', { uri });
const unsubscribe = (client: RawClient, uri: string) => client.request('resources/unsubscribe', { uri });
const updates = ({ messages }: HttpStream) =>
  messages.filter(({ method }) => method === UPDATED).map(({ params }) => params?.uri);

interface Subscribed {
  readonly uris: readonly string[];
  readonly asked: readonly string[];
}
const subscribed = (client: RawClient, upstream: string) =>
  client.tool(`${upstream}__subscribed`) as unknown as Promise<Subscribed>;

describe.each([
  ['shared', 'http'],
  ['stdioShared', 'stdio-shared'],
])('%s', (upstream, scheme) => {
  const uri = (path: string) => `${scheme}://item/${path}`;
  const touch = (client: RawClient, path: string, below = '') =>
    client.tool(`${upstream}__touch`, { uri: uri(path), below });

  test('a change reaches those who subscribed, once each, on the standalone stream', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => open()));
    const streams = await Promise.all(clients.map((client) => client.listen()));
    const [a, b, c] = clients as [RawClient, RawClient, RawClient];
    expect(await subscribe(a, uri('x'))).toMatchObject({ result: {} });
    expect((await subscribe(b, uri('x'))).result).toEqual({});
    await subscribe(b, uri('y'));
    await touch(c, 'x');
    await touch(a, 'y');
    await touch(a, 'z');
    await poll(() => streams.map(updates)).toEqual([[uri('x')], [uri('x'), uri('y')], []]);
    for (const client of clients) await client.end();
  });

  test('one that unsubscribes hears no more; the other one does, until the last is gone', async () => {
    const [a, b] = [await open(), await open()];
    const streams = [await a.listen(), await b.listen()];
    for (const client of [a, b, a]) await subscribe(client, uri('count'));
    const told = (await subscribed(a, upstream)).asked.filter((line) => line === `subscribe ${uri('count')}`);
    expect(told, 'the upstream is told of the first one').toHaveLength(1);
    expect((await unsubscribe(a, uri('count'))).result).toEqual({});
    expect((await subscribed(a, upstream)).asked).not.toContain(`unsubscribe ${uri('count')}`);
    await touch(a, 'count');
    await poll(() => streams.map(updates)).toEqual([[], [uri('count')]]);
    // a second time, and of what it never was subscribed to
    expect((await unsubscribe(a, uri('count'))).result).toEqual({});
    expect((await unsubscribe(a, uri('never'))).result).toEqual({});
    expect((await unsubscribe(b, uri('count'))).result).toEqual({});
    const { uris, asked } = await subscribed(a, upstream);
    expect(uris).not.toContain(uri('count'));
    expect(asked.filter((line) => line === `unsubscribe ${uri('count')}`)).toHaveLength(1);
    await a.end();
    await b.end();
  });

  test('a session that ends unsubscribes from what nobody else listens to', async () => {
    const [a, b] = [await open(), await open()];
    for (const path of ['both', 'alone']) await subscribe(a, uri(path));
    await subscribe(b, uri('both'));
    await a.end();
    await poll(async () => (await subscribed(b, upstream)).uris).not.toContain(uri('alone'));
    expect((await subscribed(b, upstream)).uris).toContain(uri('both'));
    await b.end();
    const c = await open();
    await poll(async () => (await subscribed(c, upstream)).uris).not.toContain(uri('both'));
  });

  test('a change below a resource reaches those who subscribed to it, and no neighbour', async () => {
    const [a, b] = [await open(), await open()];
    const streams = [await a.listen(), await b.listen()];
    await subscribe(a, uri('dir'));
    await subscribe(b, uri('dir2'));
    await touch(a, 'dir', '/file');
    await touch(a, 'dir', '2');
    await touch(a, 'dir', '/deep/er');
    await poll(() => updates(streams[0]!)).toEqual([uri('dir/file'), uri('dir/deep/er')]);
    expect(updates(streams[1]!)).toEqual([uri('dir2')]);
    for (const client of [a, b]) await client.end();
  });
});

describe('URIs', () => {
  test('#78 of two upstreams alike: each change comes under the URI that the client subscribed to', async () => {
    const client = await open();
    const stream = await client.listen();
    const { result } = await client.request('resources/list');
    const exposed = (result!.resources as { uri: string }[]).map(({ uri }) => uri);
    const twins = exposed.filter((uri) => uri.endsWith('twin://static/a'));
    expect(twins).toHaveLength(2);
    for (const uri of twins) await subscribe(client, uri);
    for (const upstream of ['two', 'one']) {
      expect((await subscribed(client, upstream)).uris).toEqual(['twin://static/a']);
      await client.tool(`${upstream}__touch`, { uri: 'twin://static/a' });
    }
    await poll(() => updates(stream).sort()).toEqual([...twins].sort());
    expect((await unsubscribe(client, twins[0]!)).result).toEqual({});
    const left = await Promise.all(['one', 'two'].map(async (upstream) => (await subscribed(client, upstream)).uris));
    expect(left.flat()).toEqual(['twin://static/a']);
    stream.drop();
  });

  test('nobody has: -32002; of an upstream that takes no subscriptions: -32601', async () => {
    const client = await open();
    expect((await subscribe(client, 'nowhere://x')).error?.code).toBe(-32002);
    expect((await subscribe(client, 'plain://static/a')).error?.code).toBe(-32601);
  });
});

describe('a link', () => {
  test.each(['stdio', 'stdioShared'])(
    '#158 that is lost is opened and subscribed again at once (%s)',
    async (upstream) => {
      const uri = upstream === 'stdio' ? 'stdio://item/again' : 'stdio-shared://item/again';
      const client = await open();
      const stream = await client.listen();
      await subscribe(client, uri);
      expect((await client.request('tools/call', { name: `${upstream}__exit`, arguments: {} })).error?.code).toBe(
        -32603,
      );
      // without a call of anybody; it may have changed meanwhile, so the subscriber is told
      await poll(() => updates(stream)).toEqual([uri]);
      expect((await subscribed(client, upstream)).uris).toEqual([uri]);
      await client.tool(`${upstream}__touch`, { uri });
      await poll(() => updates(stream)).toEqual([uri, uri]);
      await client.end();
    },
  );

  test('of one user: a subscription made while another session of the same user calls is heard of', async () => {
    const [client, other] = [await open(ABLE), await open(ABLE)];
    const stream = await client.listen();
    const args = { tag: 'busy', steps: [{ progress: 1 }, { gate: 'user' }] };
    const busy = await other.call('user__play', args, { id: 1, progressToken: 1 });
    await busy.method('notifications/progress');
    expect((await subscribe(client, 'user://item/1')).result).toEqual({});
    await other.tool('user__open_gate', { gate: 'user' });
    await busy.ended();
    await client.tool('user__touch', { uri: 'user://item/1' });
    await poll(() => updates(stream)).toEqual(['user://item/1']);
    stream.drop();
  });

  test('that somebody is subscribed over is not closed for being idle', async () => {
    const handlers = { 'resources/subscribe': () => ({}) };
    const resources = [{ uri: 'kept://a', name: 'a' }];
    const upstream = await startUpstream({ resources, handlers, capabilities: { resources: { subscribe: true } } });
    const kept = { url: upstream.url, timeouts: { idle: '100ms' } };
    await withGateway({ ...QUICK, log: { level: 'debug' }, upstreams: { kept } }, async ({ url }) => {
      const [listener, reader] = [await RawClient.open(url), await RawClient.open(url)];
      const stream = await listener.listen();
      await subscribe(listener, 'kept://a');
      const link = upstream.of('resources/subscribe').at(-1)?.headers['mcp-session-id'];
      await reader.request('resources/read', { uri: 'kept://a' });
      const unused = upstream.of('resources/read').at(-1)?.headers['mcp-session-id'];
      await poll(() => upstream.ended).toContain(unused);
      expect(upstream.ended).not.toContain(link);
      upstream.push({ jsonrpc: '2.0', method: UPDATED, params: { uri: 'kept://a', title: 'kept' } });
      expect((await stream.method(UPDATED)).params).toEqual({ uri: 'kept://a', title: 'kept' });
    });
    await upstream.close();
  });
});

test('an upstream that refuses: the client is told, and nothing is kept of it', async () => {
  const upstream = await startUpstream({
    resources: [{ uri: 'no://a', name: 'a' }],
    capabilities: { resources: { subscribe: true } },
    handlers: {
      'resources/subscribe': ({ id }, res) =>
        json(res, JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32002, message: 'gone' } })),
    },
  });
  await withGateway({ ...QUICK, upstreams: { no: { url: upstream.url } } }, async ({ url }) => {
    const client = await RawClient.open(url);
    const stream = await client.listen();
    expect((await subscribe(client, 'no://a')).error).toEqual({ code: -32002, message: 'gone' });
    upstream.push({ jsonrpc: '2.0', method: UPDATED, params: { uri: 'no://a' } });
    upstream.push({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: 'after' } });
    await stream.method('notifications/message');
    expect(updates(stream)).toEqual([]);
    stream.drop();
  });
  await upstream.close();
});
