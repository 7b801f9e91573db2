/** Log messages: which session gets which, where, and under whose name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Step } from '../fixtures/peer/play.ts';
import { json, type ScriptedUpstream, startUpstream, textResult, tool } from '../gateway/scripted-upstream.ts';
import type { HttpStream } from './http-stream.ts';
import { RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer, withGateway } from './setup.ts';
import { poll } from './until.ts';

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
const MESSAGE = 'notifications/message';
const SET_LEVEL = 'logging/setLevel';

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http');
  const upstreams = {
    own: { url: peer.url },
    shared: { url: peer.url, sharing: 'shared' },
    stdio: { ...stdioPeer(), sharing: 'shared' },
  };
  gateway = await startGateway({ config: { ...QUICK, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const everyLevel: Step[] = LEVELS.map((level) => ({ log: 1, level }));
const levelsOf = ({ messages }: HttpStream) =>
  messages.filter(({ method }) => method === MESSAGE).map(({ params }) => params?.level);

async function setLevel(client: RawClient, level: string): Promise<void> {
  expect(await client.request(SET_LEVEL, { level })).toMatchObject({ result: {} });
}

/** The levels of the messages that a call which logs at every level brings. */
async function logged(client: RawClient, upstream: string): Promise<unknown[]> {
  return levelsOf(await (await client.call(`${upstream}__play`, { tag: 'logs', steps: everyLevel })).ended());
}

describe.each(['own', 'shared', 'stdio'])('%s', (upstream) => {
  test.each(LEVELS)('a session that asked for %s gets that and what is worse', async (level) => {
    const client = await RawClient.open(gateway.url);
    await setLevel(client, level);
    expect(await logged(client, upstream)).toEqual(LEVELS.slice(LEVELS.indexOf(level)));
  });

  test('every session has its own level, which it may change', async () => {
    const [quiet, loud] = [await RawClient.open(gateway.url), await RawClient.open(gateway.url)];
    await setLevel(quiet, 'alert');
    await setLevel(loud, 'debug');
    expect(await logged(quiet, upstream)).toEqual(['alert', 'emergency']);
    expect(await logged(loud, upstream)).toEqual(LEVELS);
    await setLevel(quiet, 'debug');
    await setLevel(loud, 'emergency');
    expect(await logged(quiet, upstream)).toEqual(LEVELS);
    expect(await logged(loud, upstream)).toEqual(['emergency']);
  });

  test('the logger is named after the upstream', async () => {
    const client = await RawClient.open(gateway.url);
    const unnamed: Step = { notify: MESSAGE, params: { level: 'error', data: 'no logger' } };
    const odd: Step = { notify: MESSAGE, params: { level: 'error', data: [1, { odd: '/' }], more: null } };
    const args = { tag: 'named', steps: [{ log: 1, level: 'error' }, unnamed, odd] };
    const reply = await (await client.call(`${upstream}__play`, args)).ended();
    expect(reply.messages.slice(0, -1).map(({ params }) => params)).toEqual([
      { level: 'error', logger: `${upstream}/play`, data: { tag: 'named', n: 1 } },
      { level: 'error', logger: upstream, data: 'no logger' },
      { level: 'error', logger: upstream, data: [1, { odd: '/' }], more: null },
    ]);
  });
});

describe('what belongs to no call', () => {
  const later = async (client: RawClient, upstream: string, tag: string) => {
    await client.tool(`${upstream}__play_later`, { tag, steps: everyLevel });
    await client.tool(`${upstream}__played`, { tag });
  };

  test('goes to the standalone stream of its session', async () => {
    const [client, other] = [await RawClient.open(gateway.url), await RawClient.open(gateway.url)];
    const streams = [await client.listen(), await other.listen()];
    await setLevel(client, 'error');
    await later(client, 'own', 'own later');
    await poll(() => levelsOf(streams[0]!)).toEqual(LEVELS.slice(4));
    await later(other, 'own', 'other later');
    await poll(() => levelsOf(streams[1]!)).toEqual(LEVELS);
    expect(levelsOf(streams[0]!)).toHaveLength(4);
    for (const stream of streams) stream.drop();
  });

  test('goes to every session behind a shared link, by the level of each', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.open(gateway.url)));
    const streams = await Promise.all(clients.map((client) => client.listen()));
    await setLevel(clients[0]!, 'critical');
    await setLevel(clients[1]!, 'debug');
    // nobody waits for the end of it: what comes while one client alone has a call there is taken to be that one's
    await clients[0]!.tool('shared__play_later', { tag: 'shared later', steps: everyLevel });
    await poll(() => levelsOf(streams[0]!)).toEqual(['critical', 'alert', 'emergency']);
    await poll(() => levelsOf(streams[1]!)).toEqual(LEVELS);
    // one that asked for nothing is spared what another one wants to debug
    await poll(() => levelsOf(streams[2]!)).toEqual(LEVELS.slice(1));
    for (const stream of streams) stream.drop();
  });

  test('reaches nobody where all share one stream and calls of several clients are in progress', async () => {
    const [busy, talking] = [await RawClient.open(gateway.url), await RawClient.open(gateway.url)];
    const streams = [await busy.listen(), await talking.listen()];
    const play = (client: RawClient, steps: Step[]) =>
      client.call('stdio__play', { tag: 'two', steps: [{ progress: 1 }, ...steps] }, { id: 1, progressToken: 1 });
    const silent = await play(busy, [{ gate: 'both' }]);
    await silent.method('notifications/progress');
    const reply = await (await play(talking, [{ log: 2, level: 'error' }])).ended();
    await busy.tool('stdio__open_gate', { gate: 'both' });
    await silent.ended();
    // what comes later, when no call is in progress, is the first that they hear
    await busy.tool('stdio__play_later', { tag: 'afterwards', steps: everyLevel });
    for (const stream of streams) await poll(() => levelsOf(stream)).toEqual(LEVELS.slice(1));
    expect([silent, reply].map(levelsOf)).toEqual([[], []]);
    for (const stream of streams) stream.drop();
  });

  test('stays there while one call of the same client is in progress', async () => {
    const client = await RawClient.open(gateway.url);
    const stream = await client.listen();
    const args = { tag: 'busy', steps: [{ log: 1 }, { gate: 'busy' }] };
    const busy = await client.call('own__play', args, { id: 1 });
    await busy.method(MESSAGE);
    await client.tool('own__play_later', { tag: 'aside', steps: [{ pause: 200 }, { log: 1 }] });
    await poll(() => [...stream.messages, ...busy.messages].length).toBe(2);
    expect(stream.messages).toMatchObject([{ params: { data: { tag: 'aside' } } }]);
    await client.tool('own__open_gate', { gate: 'busy' });
    expect((await busy.ended()).messages).toHaveLength(2);
    stream.drop();
  });
});

test('in front of a single upstream the message is relayed as it came', async () => {
  await withGateway({ ...QUICK, upstreams: { only: { url: peer.url } } }, async ({ url }) => {
    const client = await RawClient.open(url);
    const reply = await (await client.call('only__play', { tag: 'as is', steps: [{ log: 1 }] })).ended();
    expect(reply.messages[0]?.params).toEqual({ level: 'info', logger: 'play', data: { tag: 'as is', n: 1 } });
  });
});

describe('telling upstreams', () => {
  const handlers = { 'tools/call': () => textResult('called'), [SET_LEVEL]: () => ({}) };
  const capabilities = { logging: {} };
  const tools = [tool('go')];
  let good: ScriptedUpstream;
  let own: Gateway;

  beforeAll(async () => {
    good = await startUpstream({ tools, capabilities, handlers });
    const upstreams = { good: { url: good.url }, goodShared: { url: good.url, sharing: 'shared' } };
    own = await startGateway({ config: { ...QUICK, upstreams } });
  });

  afterAll(async () => {
    await own?.stop();
    await good?.close();
  });

  const call = (client: RawClient, upstream: string) => client.request('tools/call', { name: `${upstream}__go` });
  const linkOf = async (client: RawClient, upstream: string, at: ScriptedUpstream) => {
    await call(client, upstream);
    return at.of('tools/call').at(-1)!.headers['mcp-session-id'];
  };
  const toldOn = (link: unknown, at: ScriptedUpstream) =>
    at
      .of(SET_LEVEL)
      .filter(({ headers }) => headers['mcp-session-id'] === link)
      .map(({ params }) => params?.level);

  test('#62 the answer is {}, though one fails and one says nothing; the others are told', async () => {
    const refuse = ({ id }: { id?: unknown }, res: Parameters<typeof json>[0]) =>
      json(res, JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32603, message: 'no' } }));
    const failing = await startUpstream({ tools, capabilities, handlers: { ...handlers, [SET_LEVEL]: refuse } });
    const mute = await startUpstream({ tools, capabilities, handlers: { ...handlers, [SET_LEVEL]: () => undefined } });
    const plain = await startUpstream({ tools, handlers });
    const all = { failing, mute, plain, good };
    const upstreams = Object.fromEntries(Object.entries(all).map(([name, { url }]) => [name, { url }]));
    await withGateway({ ...QUICK, upstreams }, async ({ url }) => {
      const client = await RawClient.open(url);
      for (const upstream of ['failing', 'mute', 'plain']) await call(client, upstream);
      const link = await linkOf(client, 'good', good);
      const { result, error } = await client.request(SET_LEVEL, { level: 'notice' });
      expect([result, error]).toEqual([{}, undefined]);
      expect(toldOn(link, good)).toEqual(['notice']);
      expect(plain.of(SET_LEVEL)).toEqual([]);
      expect(await call(client, 'failing')).toMatchObject({ result: textResult('called') });
      // the one that says nothing is told, and not waited for a second time
      const began = performance.now();
      expect(await client.request(SET_LEVEL, { level: 'error' })).toMatchObject({ result: {} });
      expect(performance.now() - began).toBeLessThan(1_000);
      await poll(() => mute.of(SET_LEVEL).map(({ params }) => params?.level)).toContain('error');
    });
    for (const upstream of [failing, mute, plain]) await upstream.close();
  });

  test('#62 an upstream whose link opens later is told before its first call', async () => {
    const client = await RawClient.open(own.url);
    await setLevel(client, 'critical');
    const link = await linkOf(client, 'good', good);
    const of = good.received.filter(({ headers }) => headers['mcp-session-id'] === link).map(({ method }) => method);
    expect(toldOn(link, good)).toEqual(['critical']);
    expect(of.indexOf(SET_LEVEL)).toBeLessThan(of.indexOf('tools/call'));
  });

  test('a shared link is told the most verbose level of all; who set none counts as one that wants info', async () => {
    const [first, second] = [await RawClient.open(own.url), await RawClient.open(own.url)];
    const link = await linkOf(first, 'goodShared', good);
    const last = () => toldOn(link, good).at(-1);
    await setLevel(first, 'debug');
    expect(last()).toBe('debug');
    await setLevel(second, 'error');
    expect(last()).toBe('debug');
    await RawClient.open(own.url);
    await setLevel(first, 'error');
    expect(last()).toBe('info');
  });

  test.each(['verbose', '', 'INFO', 3, null])('level %j is refused with -32602, and nobody is told', async (level) => {
    const client = await RawClient.open(own.url);
    const link = await linkOf(client, 'good', good);
    expect((await client.request(SET_LEVEL, { level })).error?.code).toBe(-32602);
    expect(toldOn(link, good)).toEqual([]);
  });
});
