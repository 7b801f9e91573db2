/**
 * Which era a request belongs to, and what a gateway answers to each. The body decides; the version header is a cross-check.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { callMessage, initializeMessage, Session } from './client.ts';
import { type Exchange, exchange } from './exchange.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const MODERN = '2026-07-28';
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';

let upstream: ScriptedUpstream;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  upstream = await startUpstream({
    tools: [tool('one'), tool('two')],
    handlers: { 'tools/call': ({ raw }) => textResult(raw) },
  });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } } } });
  session = await Session.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const envelope = (version: unknown) => ({ _meta: { [VERSION_KEY]: version, [CAPABILITIES_KEY]: {} } });
const listTools = (params?: object) => ({ jsonrpc: '2.0', id: 5, method: 'tools/list', ...(params ? { params } : {}) });
const withHeader = (version: string, body: unknown) =>
  exchange(gateway.url, { headers: { 'mcp-protocol-version': version }, body });

function expectRefusal(answer: Exchange, code: number): void {
  expect({ status: answer.status, code: answer.message.error?.code }).toEqual({ status: 400, code });
}

describe('initialize', () => {
  test.each(LEGACY)('%s is answered with the same version', async (version) => {
    const { server } = await Session.open(gateway.url, { version });
    expect(server.protocolVersion).toBe(version);
  });

  test.each(['1999-01-01', '2025-11-26', 'latest', ''])(
    '#20 version "%s" is answered with 2025-11-25',
    async (version) => {
      const { server } = await Session.open(gateway.url, { version });
      expect(server.protocolVersion).toBe('2025-11-25');
    },
  );

  test('#19 version 2026-07-28 without an envelope is a legacy handshake', async () => {
    const { server } = await Session.open(gateway.url, { version: MODERN });
    expect(server).toMatchObject({ protocolVersion: '2025-11-25', serverInfo: { name: 'patchbay' } });
  });

  test('a version that is no string → -32602, and no session', async () => {
    for (const version of [undefined, 20251125, null]) {
      const body = JSON.stringify({ ...initializeMessage(), params: { protocolVersion: version, capabilities: {} } });
      const answer = await exchange(gateway.url, { body });
      expect(answer.response(0).error?.code).toBe(-32602);
      expect(answer.headers).not.toHaveProperty('mcp-session-id');
    }
  });

  test('with a modern header and no envelope → 400 -32020', async () => {
    expectRefusal(await withHeader(MODERN, initializeMessage()), -32020);
  });
});

describe('a request of the modern era', () => {
  test('with header and envelope is served', async () => {
    const answer = await exchange(gateway.url, {
      headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/list' },
      body: listTools(envelope(MODERN)),
    });
    expect(answer.status).toBe(200);
    expect(answer.message.result).toMatchObject({ resultType: 'complete', cacheScope: 'private' });
  });

  test('#19 initialize with an envelope → 404 -32601; for a modern version without one → the newest legacy one', async () => {
    const modern = await exchange(gateway.url, {
      headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'initialize' },
      body: { ...initializeMessage(), params: envelope(MODERN) },
    });
    expect({ status: modern.status, code: modern.message.error?.code }).toEqual({ status: 404, code: -32601 });
    const legacy = await exchange(gateway.url, { body: initializeMessage(MODERN) });
    expect(legacy.message.result).toMatchObject({ protocolVersion: '2025-11-25' });
  });

  test('#13 an envelope without the header → 400 -32020, id echoed', async () => {
    const answer = await session.post(listTools(envelope(MODERN)));
    expectRefusal(answer, -32020);
    expect(answer.message.id).toBe(5);
  });

  test('#14 header and envelope that differ → 400 -32020, whether supported or not', async () => {
    expectRefusal(await withHeader(MODERN, listTools(envelope('v999.0.0'))), -32020);
    expectRefusal(await withHeader('2025-11-25', listTools(envelope(MODERN))), -32020);
  });

  test.each([MODERN, '2027-01-01', 'v999.0.0', '1.0'])('#16 header %s, no envelope → 400 -32602', async (version) => {
    for (const send of [withHeader, (v: string, body: unknown) => session.post(body, { 'mcp-protocol-version': v })]) {
      const answer = await send(version, listTools());
      expectRefusal(answer, -32602);
      expect(answer.message.id).toBe(5);
      for (const key of [VERSION_KEY, CAPABILITIES_KEY]) expect(answer.message.error?.message).toContain(key);
    }
  });

  test.each(['server/discover', 'subscriptions/listen'])('%s without an envelope → 400 -32602', async (method) => {
    expectRefusal(await session.post({ jsonrpc: '2.0', id: 5, method }), -32602);
    expectRefusal(await exchange(gateway.url, { body: { jsonrpc: '2.0', id: 5, method } }), -32602);
  });

  test('#27 GET and DELETE with a modern header → 405 with Allow', async () => {
    for (const method of ['GET', 'DELETE']) {
      const headers = { accept: 'text/event-stream', 'mcp-protocol-version': MODERN };
      const answer = await session.send({ method, headers });
      await answer.ended();
      expect({ method, status: answer.status, allow: answer.headers.allow }).toEqual({
        method,
        status: 405,
        allow: 'POST',
      });
    }
    expect(await session.result('ping')).toEqual({});
  });
});

describe('a legacy request', () => {
  test('#22 an unknown method → HTTP 200 with -32601', async () => {
    const answer = await session.post({ jsonrpc: '2.0', id: 'x', method: 'nothing/known', params: { any: 'thing' } });
    expect(answer.status).toBe(200);
    expect(answer.response('x').error).toMatchObject({
      code: -32601,
      message: expect.stringContaining('nothing/known'),
    });
  });

  test('params that are wrong → HTTP 200 with -32602', async () => {
    const wrong = [[], 'text', {}, { name: 7 }, { name: 'up__one', arguments: [] }, { name: 'up__one', _meta: 1 }];
    for (const params of wrong) {
      const { error } = await session.request('tools/call', params as object);
      expect({ params, code: error?.code }).toEqual({ params, code: -32602 });
    }
  });

  test('#44 headers that name another method or tool have no influence', async () => {
    const answer = await session.post(callMessage(1, 'up__one', { region: 'eu' }), {
      'mcp-method': 'tools/list',
      'mcp-name': 'up__two',
      'mcp-param-region': 'us',
    });
    expect(answer.response(1)).toHaveProperty('result');
    const sent = upstream.of('tools/call').at(-1);
    expect(sent?.params).toMatchObject({ name: 'one', arguments: { region: 'eu' } });
    expect(Object.keys(sent?.headers ?? {}).filter((name) => name.startsWith('mcp-param'))).toEqual([]);
  });

  test('a modern and a legacy request one after the other: the legacy one is served', async () => {
    for (let turn = 0; turn < 3; turn++) {
      expect((await withHeader(MODERN, listTools(envelope(MODERN)))).status).toBe(400);
      expect(await session.names()).toEqual(['up__one', 'up__two']);
    }
  });
});

describe('#26 a response', () => {
  const response = { jsonrpc: '2.0', id: 'nobody asked', result: {} };

  test('with a modern header → 400 -32600', async () => {
    expectRefusal(await session.post(response, { 'mcp-protocol-version': MODERN }), -32600);
  });

  test('of a legacy client to a request that was never made → 202', async () => {
    for (const body of [response, { jsonrpc: '2.0', id: 1, error: { code: -1, message: 'no' } }]) {
      const { status, text } = await session.post(body);
      expect({ status, text }).toEqual({ status: 202, text: '' });
    }
  });

  test('that has both a result and an error, or neither → 400 -32600', async () => {
    expectRefusal(await session.post({ ...response, error: { code: 1, message: 'both' } }), -32600);
    expectRefusal(await session.post({ jsonrpc: '2.0', id: 1 }), -32600);
  });
});
