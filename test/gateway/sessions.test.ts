/** The life of a legacy session: opened, used, cancelled in, ended. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { callMessage, firstText, initializeMessage, Session } from './client.ts';
import { type Exchange, ended, exchange } from './exchange.ts';
import { event, type Handler, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

interface CallParams {
  readonly name: string;
  readonly arguments: { readonly key?: unknown };
  readonly _meta?: { readonly progressToken: unknown };
}

/** How to answer the calls that wait, by the key in their arguments. */
const waiting = new Map<unknown, (text: string) => void>();

/** `echo` answers at once; `wait` tells its progress where it is asked for, and answers when the test says so. */
const answers: Handler = ({ id, params }, res) => {
  const { name, arguments: args, _meta } = params as unknown as CallParams;
  if (name === 'echo') return textResult(JSON.stringify(args));
  if (_meta) event(res, { jsonrpc: '2.0', method: 'notifications/progress', params: { ..._meta, progress: 1 } });
  waiting.set(args.key, (text) => {
    event(res, { jsonrpc: '2.0', id, result: textResult(text) });
    res.end();
  });
  return undefined;
};

let upstream: ScriptedUpstream;
let gateway: Gateway;

beforeAll(async () => {
  const tools = [tool('echo'), tool('wait')];
  upstream = await startUpstream({ tools, handlers: { 'tools/call': answers } });
  gateway = await startGateway({ config: { log: { level: 'debug' }, upstreams: { up: { url: upstream.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const ways = (id: string | undefined) => [
  { body: PING, headers: { 'mcp-session-id': id } },
  { method: 'GET', headers: { 'mcp-session-id': id, accept: 'text/event-stream' } },
  { method: 'DELETE', headers: { 'mcp-session-id': id } },
];

async function statuses(id: string | undefined): Promise<number[]> {
  const answers = await Promise.all(ways(id).map((way) => exchange(gateway.url, way)));
  for (const { message } of answers) expect(message.error).toBeDefined();
  return answers.map(({ status }) => status);
}

/** Starts a call that waits, and resolves when the upstream has it. */
async function startWaiting(session: Session, key: string, id: string | number): Promise<{ reply: Promise<Exchange> }> {
  const reply = session.call('up__wait', { key }, { id });
  await expect.poll(() => waiting.has(key)).toBe(true);
  return { reply };
}

describe('session ids', () => {
  test('are visible ASCII, long and different', async () => {
    const ids = (await Promise.all(Array.from({ length: 20 }, () => Session.open(gateway.url)))).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{22,}$/);
  });

  test('have nothing to do with those of upstreams', async () => {
    const session = await Session.open(gateway.url);
    const answer = await session.post(callMessage(1, 'up__echo'));
    const sent = upstream.of('tools/call').at(-1)?.headers['mcp-session-id'];
    expect(sent).toMatch(/^upstream-session-\d+$/);
    expect(JSON.stringify(answer.headers)).not.toContain(sent);
    expect(session.id).not.toContain(sent);
  });

  test('#48 none → 400 that names the header, an unknown one → 404, on POST, GET and DELETE', async () => {
    expect(await statuses(undefined)).toEqual([400, 400, 400]);
    expect(await statuses('00000000-0000-4000-8000-000000000000')).toEqual([404, 404, 404]);
    const answer = await exchange(gateway.url, { body: PING });
    expect(answer.message.error?.message).toContain('Mcp-Session-Id');
  });

  test('#49 a second initialize on a live session → 400, and the session survives', async () => {
    const session = await Session.open(gateway.url, { version: '2025-06-18' });
    const answer = await session.post(initializeMessage());
    expect({ status: answer.status, code: answer.message.error?.code }).toEqual({ status: 400, code: -32600 });
    expect(await session.callText('up__echo', { still: 'here' })).toBe('{"still":"here"}');
  });

  test('#61 requests before notifications/initialized are served', async () => {
    const session = await Session.open(gateway.url, { ready: false });
    expect(await session.result('ping')).toEqual({});
    expect(await session.names()).toEqual(['up__echo', 'up__wait']);
    expect(await session.callText('up__echo', { early: true })).toBe('{"early":true}');
  });
});

describe('#47 DELETE', () => {
  test('ends the session: later requests → 404', async () => {
    const session = await Session.open(gateway.url);
    expect((await session.end()).status).toBe(200);
    expect(await statuses(session.id)).toEqual([404, 404, 404]);
  });

  test('is accepted with the Content-Type that some clients send along', async () => {
    const session = await Session.open(gateway.url);
    const answer = await session.send({ method: 'DELETE', headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(200);
    expect(await statuses(session.id)).toEqual([404, 404, 404]);
  });

  test('ends its stream, its calls and its session upstream, and nobody else’s', async () => {
    const [session, other] = [await Session.open(gateway.url), await Session.open(gateway.url)];
    const stream = await session.listen();
    const { reply } = await startWaiting(session, 'ended with its session', 1);
    const asked = upstream.of('tools/call').at(-1);
    await other.callText('up__echo');
    const others = upstream.of('tools/call').at(-1)?.headers['mcp-session-id'];

    await session.end();
    await stream.ended();
    expect((await ended(reply)).messages).toEqual([]);
    const own = asked?.headers['mcp-session-id'];
    await expect.poll(() => upstream.ended).toContain(own);
    const cancelled = await upstream.waitFor('notifications/cancelled');
    expect(cancelled.map(({ params }) => params?.requestId)).toContain(asked?.id);
    expect(await other.callText('up__echo', { other: true })).toBe('{"other":true}');
    expect(upstream.ended).not.toContain(others);
  });
});

describe('ids in flight', () => {
  test('one that is in flight already → HTTP 200 with -32600, and the first call goes on', async () => {
    const session = await Session.open(gateway.url);
    const { reply } = await startWaiting(session, 'first of two', 'same');
    const second = await session.post(callMessage('same', 'up__echo'));
    expect(second.status).toBe(200);
    expect(second.response('same').error?.code).toBe(-32600);
    waiting.get('first of two')?.('the first');
    expect(firstText((await ended(reply)).response('same').result ?? {})).toBe('the first');
    expect(await session.request('ping', {}, 'same')).toMatchObject({ id: 'same', result: {} });
  });

  test('#57 three requests at once in one session are answered on their own replies', async () => {
    const session = await Session.open(gateway.url);
    const ids = ['a', 'b', 'c'];
    const list = (id: string) => session.post({ jsonrpc: '2.0', id, method: 'tools/list' });
    const replies = await Promise.all(ids.map(list));
    expect(replies.map(({ message }) => message.id)).toEqual(ids);
    for (const { message } of replies) expect(message.result?.tools).toHaveLength(2);
  });

  test('#84 two clients with the same ids at once get their own results', async () => {
    const clients = await Promise.all(['A', 'B', 'C'].map((name) => Session.open(gateway.url, { name })));
    const calls = await Promise.all(clients.map((client, i) => startWaiting(client, `client ${i}`, 1)));
    for (const i of [2, 0, 1]) waiting.get(`client ${i}`)?.(`for client ${i}`);
    for (const [i, { reply }] of calls.entries()) {
      expect(firstText((await ended(reply)).response(1).result ?? {})).toBe(`for client ${i}`);
    }
  });
});

describe('notifications/cancelled', () => {
  test('cancels exactly one call, upstream as well, and ends its reply without an answer', async () => {
    const [session, other] = [await Session.open(gateway.url), await Session.open(gateway.url)];
    const cancelled = await startWaiting(session, 'cancelled', 1);
    const asked = upstream.of('tools/call').at(-1);
    const neighbour = await startWaiting(session, 'neighbour', 2);
    const namesake = await startWaiting(other, 'namesake', 1);
    const before = upstream.of('notifications/cancelled').length;

    await session.notify('notifications/cancelled', { requestId: 1, reason: 'changed my mind' });
    const told = await upstream.waitFor('notifications/cancelled', before + 1);
    expect(told[before]?.params).toEqual({ requestId: asked?.id, reason: 'changed my mind' });
    expect(told[before]?.headers['mcp-session-id']).toBe(asked?.headers['mcp-session-id']);
    expect((await ended(cancelled.reply)).messages).toEqual([]);

    waiting.get('cancelled')?.('too late');
    waiting.get('neighbour')?.('the neighbour');
    waiting.get('namesake')?.('the namesake');
    expect(firstText((await ended(neighbour.reply)).response(2).result ?? {})).toBe('the neighbour');
    expect(firstText((await ended(namesake.reply)).response(1).result ?? {})).toBe('the namesake');
    expect(upstream.of('notifications/cancelled')).toHaveLength(before + 1);
  });

  test('#60 of a finished, an unknown or no request → 202 and nothing else', async () => {
    const session = await Session.open(gateway.url);
    const { reply } = await startWaiting(session, 'bystander', '7');
    const before = upstream.of('notifications/cancelled').length;
    await session.request('ping', {}, 1);
    for (const params of [{ requestId: 1 }, { requestId: 7 }, { requestId: null }, {}, undefined, { requestId: {} }]) {
      await session.notify('notifications/cancelled', params);
    }
    waiting.get('bystander')?.('untouched');
    expect(firstText((await ended(reply)).response('7').result ?? {})).toBe('untouched');
    expect(upstream.of('notifications/cancelled')).toHaveLength(before);
  });

  test('#53 a reply whose connection is dropped cancels nothing', async () => {
    const session = await Session.open(gateway.url);
    const before = upstream.of('notifications/cancelled').length;
    const dropped = await session.call('up__wait', { key: 'dropped' }, { id: 1, progressToken: 'token' });
    await dropped.waitFor(({ method }) => method === 'notifications/progress');
    await dropped.close();
    // the session knows of the call until the upstream answers it
    const again = await session.post(callMessage(1, 'up__echo'));
    expect(again.response(1).error?.code).toBe(-32600);
    waiting.get('dropped')?.('nobody reads this');
    await expect.poll(async () => (await session.post(callMessage(1, 'up__echo'))).response(1).result).toBeDefined();
    expect(upstream.of('notifications/cancelled')).toHaveLength(before);
  });
});
