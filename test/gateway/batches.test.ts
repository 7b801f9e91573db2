/** JSON-RPC batches, which only revision 2025-03-26 has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { callMessage, initializeMessage, Session } from './client.ts';
import { exchange, type Rpc } from './exchange.ts';
import { expectRefusal } from './refusal.ts';
import { event, type Handler, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

/** Answers each tool in its own way: `never` not at all, `refuse` with an error; with progress where it is asked for. */
const answers: Handler = ({ params, id }, res) => {
  const { name, _meta } = params as { name: string; _meta?: { progressToken: unknown } };
  if (name === 'never') return undefined;
  if (name === 'refuse') {
    event(res, { jsonrpc: '2.0', id, error: { code: 1234, message: 'refused' } });
    return void res.end();
  }
  if (_meta) {
    const report = { progressToken: _meta.progressToken, progress: 1 };
    event(res, { jsonrpc: '2.0', method: 'notifications/progress', params: report });
    event(res, { jsonrpc: '2.0', id, result: textResult(name) });
    return void res.end();
  }
  return textResult(name);
};

let upstream: ScriptedUpstream;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  const tools = ['quick', 'never', 'refuse'].map(tool);
  upstream = await startUpstream({ tools, handlers: { 'tools/call': answers } });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } } } });
  session = await Session.open(gateway.url, { version: '2025-03-26' });
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
const NOTE = { jsonrpc: '2.0', method: 'notifications/unknown' };
const RESPONSE = { jsonrpc: '2.0', id: 'nobody asked', result: {} };
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

const byId = (messages: readonly Rpc[]) => Object.fromEntries(messages.map((m) => [JSON.stringify(m.id), m]));

describe('on a 2025-03-26 session', () => {
  test('#25 every request is answered, in one JSON array', async () => {
    const answer = await session.post([ping(1), callMessage('1', 'up__quick'), { ...ping(2), method: 'tools/list' }]);
    expect(answer.status).toBe(200);
    expect(Array.isArray(JSON.parse(answer.text))).toBe(true);
    expect(answer.messages).toHaveLength(3);
    expect(answer.response(1).result).toEqual({});
    expect(answer.response('1').result).toEqual(textResult('quick'));
    expect(answer.response(2).result?.tools).toHaveLength(3);
  });

  test('#25 a batch of one is answered with an array of one', async () => {
    const answer = await session.post([ping(1)]);
    expect(JSON.parse(answer.text)).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
  });

  test('#25 notifications and responses only → 202 without a body', async () => {
    for (const batch of [[NOTE], [NOTE, NOTE], [RESPONSE], [NOTE, RESPONSE]]) {
      const { status, text } = await session.post(batch);
      expect({ status, text }).toEqual({ status: 202, text: '' });
    }
  });

  test('requests among notifications and responses: only requests are answered', async () => {
    const answer = await session.post([NOTE, ping('a'), RESPONSE, NOTE, ping('b')]);
    expect(answer.messages.map(({ id }) => id).sort()).toEqual(['a', 'b']);
  });

  test('each element has its own error', async () => {
    const unknown = { ...ping(3), method: 'nothing/known' };
    const calls = [callMessage(1, 'up__refuse'), callMessage(2, 'up__unknown'), unknown, callMessage(4, 'up__quick')];
    const answer = byId((await session.post(calls)).messages);
    expect(answer).toMatchObject({ 1: { error: { code: 1234, message: 'refused' } }, 2: { error: { code: -32602 } } });
    expect(answer).toMatchObject({ 3: { error: { code: -32601 } }, 4: { result: textResult('quick') } });
  });

  test('a malformed element gets an error of its own, with its id where that can be read', async () => {
    const broken = [42, null, 'text', [], {}, { jsonrpc: '1.0', id: 7, method: 'ping' }, ping(null), ping(1.5)];
    const { status, messages } = await session.post([ping('before'), ...broken, ping('after')]);
    expect(status).toBe(200);
    expect(messages).toHaveLength(broken.length + 2);
    const errors = messages.filter(({ error }) => error);
    expect(errors.map(({ error }) => error?.code)).toEqual(broken.map(() => -32600));
    expect(errors.filter((message) => Object.hasOwn(message, 'id')).map(({ id }) => id)).toEqual([7]);
    expect(byId(messages)).toMatchObject({ '"before"': { result: {} }, '"after"': { result: {} } });
  });

  test('an id used twice in one batch: one is served, the other refused', async () => {
    const { messages } = await session.post([callMessage(1, 'up__quick'), callMessage(1, 'up__quick')]);
    expect(messages.map(({ id }) => id)).toEqual([1, 1]);
    expect(messages.filter(({ result }) => result)).toHaveLength(1);
    expect(messages.find(({ error }) => error)?.error?.code).toBe(-32600);
  });

  test('progress before the answers makes the reply a stream with one message an event', async () => {
    const answer = await session.post([callMessage(1, 'up__quick', {}, 'token'), ping(2), callMessage(3, 'up__quick')]);
    expect(answer.type).toBe('text/event-stream');
    expect(answer.messages.every((message) => !Array.isArray(message))).toBe(true);
    expect(answer.messages.filter(({ method }) => method === 'notifications/progress')).toHaveLength(1);
    for (const id of [1, 2, 3]) expect(answer.response(id)).toHaveProperty('result');
    expect(answer.messages).toHaveLength(4);
  });

  test('cancelling one element leaves the others and ends the reply', async () => {
    const before = upstream.of('tools/call').length;
    const reply = session.send({ body: [callMessage('stuck', 'up__never'), callMessage('fine', 'up__quick')] });
    await upstream.waitFor('tools/call', before + 2);
    await session.notify('notifications/cancelled', { requestId: 'stuck' });
    const answer = await reply;
    await answer.ended();
    expect(answer.messages.map(({ id }) => id)).toEqual(['fine']);
  });
});

describe('refused as a whole', () => {
  test.each(['2024-11-05', '2025-06-18', '2025-11-25'])('#25 a batch on a %s session → 400', async (version) => {
    const other = await Session.open(gateway.url, { version });
    const answer = await other.post([ping(1)]);
    expectRefusal(answer, 400, -32600);
    expect(answer.message.error?.message).toContain('2025-03-26');
    expectRefusal(await other.post([NOTE]), 400, -32600);
  });

  test('an empty batch → 400', async () => {
    expectRefusal(await session.post([]), 400, -32600);
    expectRefusal(await exchange(gateway.url, { body: '[]' }), 400, -32600);
  });

  test('initialize in a batch of a session → 400', async () => {
    expectRefusal(await session.post([ping(1), initializeMessage('2025-03-26')]), 400, -32600);
  });

  test('initialize in a batch without a session → 400 -32600', async () => {
    expectRefusal(await exchange(gateway.url, { body: [initializeMessage('2025-03-26')] }), 400, -32600);
  });

  test('#24 a modern envelope in any element → 400, and nothing is executed', async () => {
    const before = upstream.of('tools/call').length;
    const modern = { ...callMessage(2, 'up__quick'), params: { name: 'up__quick', _meta: ENVELOPE } };
    expectRefusal(await session.post([callMessage(1, 'up__quick'), modern]), 400, -32600);
    expectRefusal(
      await session.post([callMessage(1, 'up__quick')], { 'mcp-protocol-version': '2026-07-28' }),
      400,
      -32600,
    );
    await session.callText('up__quick', { after: true });
    const sent = upstream.of('tools/call').slice(before);
    expect(sent.map(({ params }) => params?.arguments)).toEqual([{ after: true }]);
  });
});
