/** Rounds between legacy clients and modern upstreams: the client is asked on the stream of its call. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { type Exchange, exchange, type Rpc } from './exchange.ts';
import { accepted, form, inputRequired, type ScriptedModern, startModern, stream } from './scripted-modern.ts';
import { tool } from './scripted-upstream.ts';

const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });
const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

let upstream: ScriptedModern;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  upstream = await startModern({ tools: [tool('one')] });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } } } });
});
beforeEach(async () => {
  upstream.script.handlers = {};
  session = await open();
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

/** A session whose client can be asked everything. */
async function open(): Promise<Session> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: CAPABILITIES,
    clientInfo: { name: 'test', version: '1' },
  };
  const answer = await exchange(gateway.url, { body: { jsonrpc: '2.0', id: 0, method: 'initialize', params } });
  return Session.adopt(gateway.url, String(answer.headers['mcp-session-id']));
}

const call = (progressToken?: string): Promise<Exchange> =>
  session.call('up__one', {}, { id: 1, ...(progressToken === undefined ? {} : { progressToken }) });
const asked = (reply: Exchange, method: string): Promise<Rpc> => reply.waitFor((message) => message.method === method);
const answer = (request: Rpc, result: object) => session.post({ jsonrpc: '2.0', id: request.id, ...result });
const finalOf = async (reply: Exchange): Promise<Rpc> =>
  reply.waitFor((message) => message.id === 1 && !message.method);

/** Asks this once, then shows the answers. */
const askOnce = (requests: object, state?: string) => {
  upstream.script.handlers = {
    'tools/call': ({ params }) =>
      params?.inputResponses ? text(JSON.stringify(params.inputResponses)) : inputRequired(requests, state),
  };
};

test('#126 three questions in one round are asked together, on the stream of the call', async () => {
  askOnce({
    a: form(),
    b: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
    c: { method: 'roots/list' },
  });
  const reply = await call();
  const requests = await Promise.all(
    ['elicitation/create', 'sampling/createMessage', 'roots/list'].map((m) => asked(reply, m)),
  );
  const results = [accepted(), { role: 'assistant', content: { type: 'text', text: 'hi' }, model: 'm' }, { roots: [] }];
  for (const [i, request] of requests.entries()) await answer(request, { result: results[i] });
  const { result } = await finalOf(reply);
  expect(result).toEqual(text(JSON.stringify({ a: results[0], b: results[1], c: results[2] })));
});

test('#127 a client that is gone while it is asked, and returns, finds the question and then the result', async () => {
  askOnce({ a: form() });
  const reply = await call();
  const request = await asked(reply, 'elicitation/create');
  const lastEventId = reply.eventIds.at(-1)!;
  await reply.close();
  await answer(request, { result: accepted() });
  const again = await session.send({
    method: 'GET',
    headers: { accept: 'text/event-stream', 'last-event-id': lastEventId },
  });
  expect((await finalOf(again)).result).toMatchObject({ content: [{ type: 'text' }] });
  expect(upstream.of('tools/call').at(-1)!.gone).toBe(false);
});

test('#128 progress goes on increasing from one round to the next', async () => {
  let round = 0;
  upstream.script.handlers = {
    'tools/call': ({ params }, res) => {
      const { progressToken } = (params?._meta ?? {}) as { progressToken?: number };
      for (const progress of [1, 2, 3].map((n) => n + round))
        stream(res, { method: 'notifications/progress', params: { progressToken, progress } });
      round++;
      return round < 3 ? inputRequired(undefined, 'again') : text('done');
    },
  };
  const reply = await call('mine');
  await finalOf(reply);
  const seen = reply.messages.filter(({ method }) => method === 'notifications/progress').map((m) => m.params);
  expect(seen).toEqual([1, 2, 3, 4, 5].map((progress) => ({ progressToken: 'mine', progress })));
});

test('#129 a round that only wants patience is repeated, later each time, with the state alone', async () => {
  const times: number[] = [];
  upstream.script.handlers = {
    'tools/call': () => {
      times.push(performance.now());
      return times.length < 3 ? inputRequired(undefined, 'busy') : text('done');
    },
  };
  const before = upstream.of('tools/call').length;
  expect((await finalOf(await call())).result).toEqual(text('done'));
  expect(times[2]! - times[1]!).toBeGreaterThan((times[1]! - times[0]!) * 1.2);
  for (const { params } of upstream.of('tools/call').slice(before + 1)) {
    expect(params).toMatchObject({ requestState: 'busy' });
    expect(params).not.toHaveProperty('inputResponses');
  }
});

test('#130 rounds without end have an end', async () => {
  upstream.script.handlers = { 'tools/call': () => inputRequired({ c: { method: 'roots/list' } }, 'more') };
  const reply = await call();
  const answered = new Set<unknown>();
  await expect
    .poll(
      async () => {
        for (const request of reply.messages)
          if (request.method === 'roots/list' && !answered.has(request.id)) {
            answered.add(request.id);
            await answer(request, { result: { roots: [] } });
          }
        return reply.messages.some((message) => message.id === 1 && !message.method);
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  expect((await finalOf(reply)).result).toMatchObject({ isError: true });
  expect(answered.size).toBe(10);
});

test('#131 a client that refuses ends the call, and the upstream is not asked again', async () => {
  askOnce({ b: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } } });
  const reply = await call();
  const before = upstream.of('tools/call').length;
  await answer(await asked(reply, 'sampling/createMessage'), { error: { code: -1, message: 'User rejected' } });
  expect((await finalOf(reply)).result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('User rejected') }],
  });
  expect(upstream.of('tools/call')).toHaveLength(before);
});

test('#133 an elicitation in URL mode gets an id', async () => {
  askOnce({ a: { method: 'elicitation/create', params: { mode: 'url', message: 'go', url: 'https://example.com/' } } });
  const reply = await call();
  const request = await asked(reply, 'elicitation/create');
  expect(request.params).toMatchObject({
    mode: 'url',
    url: 'https://example.com/',
    elicitationId: expect.stringMatching(/^[\w-]{8,}$/),
  });
  await answer(request, { result: { action: 'accept' } });
  expect((await finalOf(reply)).result).toEqual(text('{"a":{"action":"accept"}}'));
});
