/** What appears on which stream of a session, and in which form. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { callMessage, Session } from './client.ts';
import { type Exchange, ended, type Rpc } from './exchange.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startFixture('peer-server');
  const upstreams = { peer: { url: peer.url }, local: stdioUpstream('peer-server') };
  // no reply becomes a stream for its time alone: the machine may be slow
  gateway = await startGateway({ config: { server: { port: 0, hold: 0 }, upstreams } });
  // the first catalogs are announced as well, 100 ms after they came
  await (await Session.open(gateway.url)).callText('peer__sleep', { ms: 200 });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const isProgress = ({ method }: Rpc) => method === 'notifications/progress';
const isChange = ({ method }: Rpc) => method === TOOLS_CHANGED;
const tokens = ({ messages }: Exchange) => messages.filter(isProgress).map(({ params }) => params?.progressToken);

describe('the reply to a POST', () => {
  test('a plain answer is JSON, of the length it says', async () => {
    const session = await Session.open(gateway.url);
    const answer = await ended(session.call('local__add', { a: 2, b: 3 }));
    expect(answer.type).toBe('application/json');
    expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.text));
    expect(answer.message.result).toEqual({ content: [{ type: 'text', text: '5' }] });
  });

  test('progress makes it a stream: progress first, the answer last, then its end', async () => {
    const session = await Session.open(gateway.url);
    const answer = await ended(session.call('peer__sleep', { ms: 150 }, { id: 1, progressToken: 'p' }));
    expect(answer.type).toBe('text/event-stream');
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' });
    expect(answer.messages.at(-1)).toMatchObject({ id: 1, result: { content: [{ text: 'slept 150 ms' }] } });
    const reports = answer.messages.slice(0, -1);
    expect(reports.length).toBeGreaterThan(1);
    expect(reports.every(isProgress)).toBe(true);
    const amounts = reports.map(({ params }) => Number(params?.progress));
    expect(amounts).toEqual([...amounts].sort((a, b) => a - b));
    expect(reports[0]?.params).toMatchObject({ total: 150, message: expect.stringMatching(/ of 150 ms$/) });
  });

  test('without a progress token there is no progress', async () => {
    const session = await Session.open(gateway.url);
    expect((await ended(session.call('local__sleep', { ms: 60 }))).type).toBe('application/json');
  });
});

describe('progress tokens', () => {
  test('#84 7 comes back as 7 and "7" as "7", each on its own reply', async () => {
    const session = await Session.open(gateway.url);
    const asked = [7, '7', 0, '', 'größe 🔧'];
    const call = (progressToken: string | number) => session.call('peer__sleep', { ms: 150 }, { progressToken });
    const replies = await Promise.all(asked.map((token) => ended(call(token))));
    for (const [i, reply] of replies.entries()) {
      expect(tokens(reply).length).toBeGreaterThan(0);
      expect(new Set(tokens(reply))).toEqual(new Set([asked[i]]));
    }
  });

  test('#84 two clients with the same id and token see only their own', async () => {
    const clients = await Promise.all(['A', 'B'].map((name) => Session.open(gateway.url, { name })));
    const totals = [200, 240];
    const call = (client: Session, i: number) =>
      ended(client.call('peer__sleep', { ms: totals[i] }, { id: 1, progressToken: 1 }));
    const replies = await Promise.all(clients.map(call));
    for (const [i, { messages }] of replies.entries()) {
      const seen = messages.filter(isProgress).map(({ params }) => params?.total);
      expect(seen.length).toBeGreaterThan(0);
      expect(new Set(seen)).toEqual(new Set([totals[i]]));
      expect(messages.at(-1)).toMatchObject({ id: 1, result: { content: [{ text: `slept ${totals[i]} ms` }] } });
    }
  });
});

describe('the GET stream', () => {
  test('#52 #74 list_changed comes there, only there, once, and after the list has changed', async () => {
    const session = await Session.open(gateway.url);
    const bystander = await Session.open(gateway.url);
    const [stream, others] = [await session.listen(), await bystander.listen()];
    const busy = session.call('peer__sleep', { ms: 400 }, { progressToken: 'busy' });
    await (await busy).waitFor(isProgress);

    const change = await ended(session.call('peer__add_tool', { name: 'added' }));
    await stream.waitFor(isChange);
    expect(await session.names()).toContain('peer__added');
    await others.waitFor(isChange);
    const back = await ended(session.call('peer__remove_tool', { name: 'added' }));
    await expect.poll(() => stream.messages.filter(isChange)).toHaveLength(2);
    expect(await session.names()).not.toContain('peer__added');

    expect((await ended(busy)).messages.filter((message) => !isProgress(message))).toHaveLength(1);
    expect([...change.messages, ...back.messages].filter(({ method }) => method)).toEqual([]);
    expect(stream.messages).toEqual([TOOLS_CHANGED, TOOLS_CHANGED].map((method) => ({ jsonrpc: '2.0', method })));
    await stream.close();
    await others.close();
  });

  test('#51 with three replies and a GET stream open, each message is on one of them', async () => {
    const session = await Session.open(gateway.url);
    const stream = await session.listen();
    const ids = [1, 2, 3];
    const call = (id: number) => session.call('peer__sleep', { ms: 200 }, { id, progressToken: `token ${id}` });
    const replies = await Promise.all(ids.map((id) => call(id)));
    await session.callText('peer__add_tool', { name: 'meanwhile' });
    await stream.waitFor(isChange);
    await Promise.all(replies.map((reply) => reply.ended()));
    for (const [i, reply] of replies.entries()) {
      expect(new Set(tokens(reply))).toEqual(new Set([`token ${ids[i]}`]));
      expect(reply.messages.filter((message) => !isProgress(message)).map(({ id }) => id)).toEqual([ids[i]]);
    }
    expect(stream.messages.map(({ method }) => method)).toEqual([TOOLS_CHANGED]);
    await session.callText('peer__remove_tool', { name: 'meanwhile' });
    await expect.poll(() => stream.messages.length).toBe(2);
    await stream.close();
  });

  test('#50 a newer one takes the place of the older one', async () => {
    const session = await Session.open(gateway.url);
    const older = await session.listen();
    const newer = await session.listen();
    await older.ended();
    await session.callText('peer__add_tool', { name: 'for_the_newer' });
    await newer.waitFor(isChange);
    expect(older.messages).toEqual([]);
    await session.callText('peer__remove_tool', { name: 'for_the_newer' });
    await expect.poll(() => newer.messages.length).toBe(2);
    await newer.close();
  });

  test('one that is closed and opened again works', async () => {
    const session = await Session.open(gateway.url);
    await (await session.listen()).close();
    const again = await session.listen();
    await session.callText('peer__add_tool', { name: 'again' });
    await again.waitFor(isChange);
    await session.callText('peer__remove_tool', { name: 'again' });
    await again.close();
  });
});

describe('a quiet reply', () => {
  const quick = { a: 1, b: 1 };

  async function withServer(server: object, run: (url: string) => Promise<void>): Promise<void> {
    const upstreams = { local: stdioUpstream('peer-server') };
    const own = await startGateway({ config: { server: { port: 0, ...server }, upstreams } });
    await run(own.url).finally(() => own.stop());
  }

  test('server.keepAlive: it becomes a stream that comments keep open, as they do the GET stream', async () => {
    await withServer({ keepAlive: '400ms' }, async (url) => {
      const session = await Session.open(url, { version: '2025-06-18' });
      const stream = await session.listen();
      await session.callText('local__add', quick);
      expect((await session.post(callMessage(1, 'local__add', quick))).type).toBe('application/json');

      const reply = await session.call('local__sleep', { ms: 1_500 }, { id: 2 });
      expect(reply.type).toBe('text/event-stream');
      expect(reply.messages).toEqual([]);
      await reply.waitForComments(2);
      await reply.ended();
      expect(reply.message).toMatchObject({ id: 2, result: { content: [{ text: 'slept 1500 ms' }] } });
      await stream.waitForComments(2);
      await stream.close();
    });
  });

  test('#56 server.hold: for a client that can resume it, it becomes a stream with an event id', async () => {
    await withServer({ hold: '300ms' }, async (url) => {
      const session = await Session.open(url);
      await session.callText('local__add', quick);
      expect((await session.post(callMessage(1, 'local__add', quick))).type).toBe('application/json');
      const older = await Session.open(url, { version: '2025-06-18' });
      await older.callText('local__add', quick);
      const plain = ended(older.call('local__sleep', { ms: 700 }, { id: 2 }));

      const started = performance.now();
      const reply = await session.call('local__sleep', { ms: 60_000 }, { id: 2 });
      expect(performance.now() - started).toBeGreaterThan(280);
      expect(reply.type).toBe('text/event-stream');
      await expect.poll(() => reply.eventIds.length).toBe(1);
      expect(reply.messages).toEqual([]);
      await session.notify('notifications/cancelled', { requestId: 2 });
      await reply.ended();
      expect((await plain).type).toBe('application/json');
    });
  });
});
