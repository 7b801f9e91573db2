/** Two users behind one gateway: whatever one of them was given is nothing in the hands of the other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture } from '../fixtures/child.ts';
import { itemsOf, Session } from '../gateway/client.ts';
import { exchange } from '../gateway/exchange.ts';
import { ModernClient, TASKS } from '../gateway/modern-client.ts';
import { accepted, form, inputRequired } from '../gateway/scripted-modern.ts';
import { textResult } from '../gateway/scripted-upstream.ts';
import { type Bench, startBench } from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({
    config: {
      lists: { firstWait: '60s', pageSize: 2 },
    },
  });
});
afterAll(async () => bench?.[Symbol.asyncDispose]());

const open = async (user: string, more: object = {}) =>
  Session.open(bench.gateway.url, { headers: await bench.bearer({ user, ...more }) });
const modern = async (user: string, capabilities: object = { elicitation: { form: {} } }) =>
  new ModernClient(bench.gateway.url, capabilities, await bench.bearer({ user }));

describe('#45 #46 sessions', () => {
  test('of one user are not there for the other, whatever is tried', async () => {
    const session = await open('alice');
    const bob = await bench.bearer({ user: 'bob' });
    for (const method of ['POST', 'GET', 'DELETE'] as const) {
      const body = method === 'POST' ? { jsonrpc: '2.0', id: 1, method: 'ping' } : undefined;
      const accept = method === 'GET' ? { accept: 'text/event-stream' } : {};
      const of = (id: string) =>
        exchange(bench.gateway.url, { method, headers: { ...bob, ...accept, 'mcp-session-id': id }, body });
      const [stolen, unknown] = [await of(session.id), await of(crypto.randomUUID())];
      expect([stolen.status, stolen.text]).toEqual([404, unknown.text]);
    }
    expect(await session.callText('legacy__read')).toBe('read');
  });

  test('of one user with another client are not those of the first', async () => {
    const session = await open('alice');
    const headers = { 'mcp-session-id': session.id, ...(await bench.bearer({ user: 'alice', client: 'other' })) };
    const answer = await exchange(bench.gateway.url, { headers, body: { jsonrpc: '2.0', id: 1, method: 'ping' } });
    expect(answer.status).toBe(404);
  });

  test('go on with the next token of the same user', async () => {
    const session = await open('alice');
    const next = await bench.bearer({ user: 'alice', scope: 'more', lifetime: 900 });
    const answer = await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, next);
    expect(answer.response(1).result).toEqual({});
  });

  test('event ids of one lead nowhere in those of the other', async () => {
    const alice = await open('alice');
    const bob = await open('bob');
    const stream = await alice.listen();
    await expect.poll(() => stream.eventIds.length).toBeGreaterThan(0);
    const [event = ''] = stream.eventIds;
    const answer = await bob.send({ method: 'GET', headers: { accept: 'text/event-stream', 'last-event-id': event } });
    await answer.ended();
    const unknown = await bob.send({
      method: 'GET',
      headers: { accept: 'text/event-stream', 'last-event-id': 'nothing' },
    });
    await unknown.ended();
    expect([answer.status, answer.text]).toEqual([400, unknown.text]);
    await stream.close();
  });

  test('a cancellation by one does not reach the call of the other under the same id', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')];
    const slow = await alice.call('legacy__read', {}, { id: 7 });
    await bob.notify('notifications/cancelled', { requestId: 7 });
    await slow.ended();
    expect(slow.response(7).result).toMatchObject(textResult('read'));
  });
});

test('#70 a cursor of one user is none of the other', async () => {
  const [alice, bob] = [await open('alice'), await open('bob')];
  const first = await alice.result('tools/list');
  const { nextCursor: cursor } = first;
  expect(typeof cursor).toBe('string');
  const { error } = await bob.request('tools/list', { cursor });
  const { error: unknown } = await bob.request('tools/list', { cursor: 'nothing' });
  expect(error).toEqual(unknown);
  expect(error?.code).toBe(-32602);
  expect(itemsOf(await alice.result('tools/list', { cursor }), 'tools').length).toBeGreaterThan(0);
  const stranger = await modern('bob');
  const answer = await stranger.ask('tools/list', { params: { cursor } });
  expect(answer.message.error?.code).toBe(-32602);
});

test('#108 the requestState of one user is not valid for the other', async () => {
  bench.modern.script.handlers = {
    'tools/call': ({ params }) =>
      params?.requestState ? textResult('done') : inputRequired({ who: form() }, 'state of the upstream'),
  };
  const alice = await modern('alice');
  const asked = await alice.call('modern__one');
  const params = {
    name: 'modern__one',
    arguments: {},
    inputResponses: { who: accepted() },
    requestState: asked.requestState,
  };
  const sent = bench.modern.of('tools/call').length;
  const stolen = await (await modern('bob')).ask('tools/call', { params });
  expect(stolen.message.error).toMatchObject({
    code: -32602,
    message: expect.stringMatching(/requestState is not valid/),
  });
  expect(bench.modern.of('tools/call').length).toBe(sent);
  expect(await alice.result('tools/call', { params })).toMatchObject(textResult('done'));
});

describe('#137 tasks', () => {
  let upstream: HttpFixture;
  let tasks: Bench;
  beforeAll(async () => {
    upstream = await startFixture('eras-server', { args: ['modern'] });
    tasks = await startBench({ config: { upstreams: { modern: { url: upstream.url } } } });
  });
  afterAll(async () => {
    await tasks?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });

  test('of one user are unknown to the other, for clients of both eras', async () => {
    const session = await Session.open(tasks.gateway.url, { headers: await tasks.bearer({ user: 'alice' }) });
    const name = (await session.names()).find((one) => one.endsWith('test_simple_text'))!;
    const { task } = (await session.result('tools/call', { name, arguments: {}, task: {} })) as {
      task: { taskId: string };
    };
    const { taskId } = task;
    expect(await session.result('tasks/get', { taskId })).toMatchObject({ taskId });
    const bob = await Session.open(tasks.gateway.url, { headers: await tasks.bearer({ user: 'bob' }) });
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      const { error } = await bob.request(method, { taskId });
      const { error: unknown } = await bob.request(method, { taskId: 'nothing' });
      expect(error).toMatchObject({ code: unknown?.code, message: unknown?.message.replace('nothing', taskId) });
    }
    expect(await bob.result('tasks/list')).toEqual({ tasks: [] });
    expect(itemsOf(await session.result('tasks/list'), 'tasks')).toHaveLength(1);
    const capabilities = { extensions: { [TASKS]: {} } };
    const other = new ModernClient(tasks.gateway.url, capabilities, await tasks.bearer({ user: 'bob' }));
    const answer = await other.ask('tasks/get', { params: { taskId } });
    expect(answer.message.error?.message).toBe(`Unknown task: ${taskId}`);
  });
});

describe('#172 lists', () => {
  test.each([
    ['public', 'public'],
    ['private', 'private'],
  ])('of an upstream that says %s are %s for both users', async (said, cacheScope) => {
    await using sole = await startBench({
      upstreams: ({ modern: upstream }) => ({ modern: { url: upstream.url, sharing: 'shared' } }),
      caching: { cacheScope: said },
    });
    for (const user of ['alice', 'bob']) {
      const client = new ModernClient(sole.gateway.url, {}, await sole.bearer({ user }));
      expect(await client.result('tools/list')).toMatchObject({ cacheScope });
    }
  });

  test('are private where one of the upstreams does not say so, and so is what one user reads', async () => {
    expect(await (await modern('alice')).result('tools/list')).toMatchObject({ cacheScope: 'private' });
    const read = { params: { uri: 'l://open' } };
    expect(await (await modern('bob')).result('resources/read', read)).toMatchObject({ cacheScope: 'private' });
  });
});

test('URIs that one user was shown do not lead the other to an upstream', async () => {
  const uri = 'odd://only/alice';
  const handlers = bench.legacy.script.handlers as Record<string, unknown>;
  const before = handlers['tools/call'];
  handlers['tools/call'] = () => ({ content: [{ type: 'resource_link', uri, name: 'x' }] });
  const [alice, bob] = [await open('alice'), await open('bob')];
  await alice.result('tools/call', { name: 'legacy__read', arguments: {} });
  handlers['tools/call'] = before;
  expect((await alice.result('resources/read', { uri })).contents).toBeDefined();
  const reads = bench.legacy.of('resources/read').length;
  const { error } = await bob.request('resources/read', { uri });
  expect(error).toMatchObject({ code: -32002 });
  expect(bench.legacy.of('resources/read').length).toBe(reads);
});
