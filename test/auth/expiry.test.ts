/** Tokens end while streams are open: the streams end with them, in a way from which clients can go on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callMessage, initializeMessage, Session } from '../gateway/client.ts';
import { exchange } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { textResult } from '../gateway/scripted-upstream.ts';
import { knock as enter } from '../multiplexer/door.ts';
import { type Bench, knock, startBench } from './bench.ts';

/** Seconds; one that is not the least, since times in tokens are whole seconds. */
const SHORT = 2;
const ACK = 'notifications/subscriptions/acknowledged';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ config: { server: { port: 0, sse: true }, sessions: { retry: '50ms' } } });
});
afterAll(async () => bench?.[Symbol.asyncDispose]());

const open = async (lifetime: number, version?: string) =>
  Session.open(bench.gateway.url, { headers: await bench.bearer({ lifetime }), ...(version ? { version } : {}) });
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

test('a token that was good is refused from the moment on that it ends', async () => {
  const headers = await bench.bearer({ lifetime: SHORT });
  const session = await Session.open(bench.gateway.url, { headers });
  expect((await session.post(ping)).status).toBe(200);
  await expect.poll(async () => (await session.post(ping)).status, { timeout: 5_000 }).toBe(401);
  // the session is still there for the next one
  const answer = await session.post(ping, await bench.bearer());
  expect(answer.response(1).result).toEqual({});
});

describe('the stream of a session', () => {
  test.each(['2025-11-25', '2025-06-18'])('of %s ends with the token, and goes on with the next', async (version) => {
    const session = await open(SHORT, version);
    const stream = await session.listen();
    await stream.ended(6_000);
    expect(stream.text).toMatch(/retry: ?50/);
    const refused = await session.send({ method: 'GET', headers: { accept: 'text/event-stream' } });
    expect(refused.status).toBe(401);
    // what happens in the meantime is not lost
    const next = await bench.bearer();
    const headers = { accept: 'text/event-stream', ...next };
    const last = stream.eventIds.at(-1);
    const again = await session.send({
      method: 'GET',
      headers: { ...headers, ...(last ? { 'last-event-id': last } : {}) },
    });
    expect(again.status).toBe(200);
    await again.close();
  });

  test('does not end where a newer token was used in the session', async () => {
    const session = await open(SHORT);
    const stream = await session.listen();
    const next = await bench.bearer({ lifetime: 600 });
    expect((await session.post(ping, next)).status).toBe(200);
    await expect.poll(async () => (await session.post(ping)).status, { timeout: 5_000 }).toBe(401);
    // the old one has ended; the stream takes what comes
    bench.legacy.script.handlers = { ...bench.legacy.script.handlers, 'resources/subscribe': () => ({}) };
    const subscribe = { jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: 'l://open' } };
    await session.post(subscribe, next);
    bench.legacy.push({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'l://open' } });
    await stream.waitFor(({ method }) => method === 'notifications/resources/updated');
    await stream.close();
  });

  test('ends with the newer one, then', async () => {
    const session = await open(SHORT);
    const stream = await session.listen();
    await session.post(ping, await bench.bearer({ lifetime: SHORT + 2 }));
    await expect.poll(async () => (await session.post(ping)).status, { timeout: 5_000 }).toBe(401);
    expect(stream.comments + stream.eventIds.length).toBeGreaterThan(0);
    const before = Date.now();
    await stream.ended(6_000);
    expect(Date.now() - before).toBeGreaterThan(500);
  });
});

test('a call that is in progress when its token ends is answered', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  const handlers = bench.legacy.script.handlers!;
  bench.legacy.script.handlers = { ...handlers, 'tools/call': () => promise };
  const session = await open(SHORT);
  const call = await session.send({ body: callMessage(5, 'legacy__read') });
  await expect.poll(async () => (await session.post(ping)).status, { timeout: 5_000 }).toBe(401);
  resolve(textResult('late'));
  await call.waitFor(({ id }) => id === 5);
  expect(call.response(5).result).toMatchObject(textResult('late'));
  bench.legacy.script.handlers = handlers;
});

test('#102 a listen ends with a result, and no event comes after it', async () => {
  const client = new ModernClient(bench.gateway.url, {}, await bench.bearer({ lifetime: SHORT }));
  const reply = await client.send('subscriptions/listen', {
    id: 'listen',
    params: { notifications: { toolsListChanged: true } },
  });
  await reply.waitFor(({ method }) => method === ACK);
  await reply.ended(6_000);
  expect(reply.messages.at(-1)).toMatchObject({
    id: 'listen',
    result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen' } },
  });
  const count = reply.messages.length;
  bench.modern.push('notifications/tools/list_changed');
  expect((await knock(bench.gateway.url, await bench.bearer())).status).toBe(400);
  expect(reply.messages.length).toBe(count);
});

describe('the stream of a host of HTTP+SSE, which is its session', () => {
  const url = () => new URL('/sse', bench.gateway.url).href;
  const short = () => bench.bearer({ lifetime: SHORT });

  test('ends with the token', async () => {
    const door = await enter(url(), await short());
    await door.stream.ended(6_000);
  });

  test('does not end where a newer token was used', async () => {
    const [old, next] = [await short(), await bench.bearer()];
    const door = await enter(url(), old);
    const post = (body: object, headers: object) => exchange(door.post.href, { headers: { ...headers }, body });
    expect((await post(initializeMessage('2024-11-05'), next)).status).toBe(202);
    await expect.poll(async () => (await post(ping, old)).status, { timeout: 5_000 }).toBe(401);
    expect((await post({ ...ping, id: 'late' }, next)).status).toBe(202);
    expect((await door.stream.response('late')).result).toEqual({});
    door.stream.drop();
  });
});
