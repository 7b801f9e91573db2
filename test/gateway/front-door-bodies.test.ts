/** What a POST may hold, and what the gateway says of the rest. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { callMessage, initializeMessage, Session } from './client.ts';
import { exchange } from './exchange.ts';
import { expectRefusal } from './refusal.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';
import { chunks, talk } from './socket.ts';

const KIB = 1_024;
const MAX_BODY = 256 * KIB;
const MAX_DEPTH = 32;

let upstream: ScriptedUpstream;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  upstream = await startUpstream({
    tools: [tool('raw')],
    prompts: [{ name: 'plain' }],
    handlers: { 'tools/call': ({ raw }) => textResult(raw) },
  });
  const server = { port: 0, maxBodySize: MAX_BODY, maxDepth: MAX_DEPTH };
  gateway = await startGateway({ config: { server, upstreams: { up: { url: upstream.url } } } });
  session = await Session.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

async function expectAlive(): Promise<void> {
  expect(await session.result('ping')).toEqual({});
}

describe('JSON', () => {
  const BROKEN: Record<string, string | Buffer> = {
    nothing: '',
    blanks: ' \r\n\t',
    'an open object': '{"jsonrpc":"2.0","id":1,"method":"ping"',
    'a trailing comma': '{"jsonrpc":"2.0","id":1,"method":"ping",}',
    'two values': `${JSON.stringify(PING)}${JSON.stringify(PING)}`,
    'single quotes': `{'jsonrpc':'2.0','id':1,'method':'ping'}`,
    'a comment': '{"jsonrpc":"2.0","id":1,/* hi */"method":"ping"}',
    'a raw control character': '{"jsonrpc":"2.0","id":"a\nb","method":"ping"}',
    'a number with leading zeros': '{"jsonrpc":"2.0","id":01,"method":"ping"}',
    NaN: '{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
    'bytes that are no UTF-8': Buffer.from([
      ...Buffer.from('{"jsonrpc":"2.0","id":"'),
      0xff,
      ...Buffer.from('","method":"ping"}'),
    ]),
    'a broken escape': '{"jsonrpc":"2.0","id":"\\u12G4","method":"ping"}',
  };

  test.each(Object.keys(BROKEN))('#7 invalid JSON (%s) → 400 -32700 without id', async (what) => {
    expectRefusal(await session.post(BROKEN[what]), 400, -32700);
  });

  test('#7 and without a session as well', async () => {
    expectRefusal(await exchange(gateway.url, { body: '{' }), 400, -32700);
  });

  test('JSON that is no JSON-RPC message → 400 -32600 without id', async () => {
    const values = [
      42,
      'text',
      null,
      true,
      {},
      { jsonrpc: '2.0' },
      { ...PING, jsonrpc: '1.0' },
      { ...PING, jsonrpc: 2 },
    ];
    for (const value of [...values, { id: 1, method: 'ping' }, { ...PING, method: 7 }, { ...PING, method: null }]) {
      const answer = await session.post(JSON.stringify(value));
      expectRefusal(answer, 400, -32600);
    }
  });
});

describe('ids', () => {
  test.each(['null', '1.5', '{}', '[]', 'true', '1e-1'])('#8 id %s → 400 -32600 without id', async (id) => {
    expectRefusal(await session.post(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`), 400, -32600);
  });

  test.each(['0', '-1', '"1"', '""', '"größe 🔧"', '9007199254740993', '"9007199254740993"', '"__proto__"'])(
    'id %s comes back as it was',
    async (id) => {
      const answer = await session.post(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
      expect(answer.text).toContain(`"id":${id},`);
      expect(answer.message.result).toEqual({});
    },
  );

  test('#9 "1" and 1 in flight together get their own answers, each with its own type', async () => {
    const before = upstream.of('tools/call').length;
    const { promise: both, resolve: release } = Promise.withResolvers<void>();
    const held = { ...upstream.script.handlers };
    upstream.script.handlers = {
      'tools/call': async ({ params }) => {
        await both;
        return textResult(JSON.stringify(params?.arguments));
      },
    };
    const calls = [
      session.call('up__raw', { is: 'text' }, { id: '1' }),
      session.call('up__raw', { is: 'number' }, { id: 1 }),
    ];
    await upstream.waitFor('tools/call', before + 2);
    release();
    const [text, number] = await Promise.all(calls);
    await Promise.all([text!.ended(), number!.ended()]);
    upstream.script.handlers = held;
    expect(text!.message).toMatchObject({ id: '1', result: textResult('{"is":"text"}') });
    expect(number!.message).toMatchObject({ id: 1, result: textResult('{"is":"number"}') });
  });
});

describe('size and depth', () => {
  const HEAD = 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';

  test('#10 a body that announces 100 MB → 413, and the process lives', async () => {
    const head = `${HEAD}Content-Length: 100000000\r\n\r\n`;
    expect(await talk(gateway.url, [head, '{"jsonrpc":"2.0",'])).toMatch(/^HTTP\/1\.1 413 .*server\.maxBodySize/s);
    await expectAlive();
  });

  test('#10 a body that announces nothing → 413 as soon as it is too large, and the process lives', async () => {
    const head = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
    const tooLarge = chunks('x'.repeat(64 * KIB), MAX_BODY / (64 * KIB) + 1);
    expect(await talk(gateway.url, [head, ...tooLarge])).toMatch(/^HTTP\/1\.1 413 /);
    // a peer that goes on sending may see a reset instead of the answer
    await talk(gateway.url, [head, ...chunks('x'.repeat(64 * KIB), 1_600)]);
    await expectAlive();
  });

  test('server.maxBodySize is the largest body that is served', async () => {
    const sized = (size: number) => {
      const body = (pad: string) => JSON.stringify({ ...PING, params: { pad } });
      return session.post(body('x'.repeat(size - body('').length)));
    };
    expect((await sized(MAX_BODY)).status).toBe(200);
    expectRefusal(await sized(MAX_BODY + 1), 413, -32000);
  });

  const nested = (depth: number, open = '[', close = ']') =>
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"deep":${open.repeat(depth)}0${close.repeat(depth)}}}`;

  test('#10 a body nested 100 000 deep → 400, and the process lives', async () => {
    const answer = await session.post(nested(100_000));
    expectRefusal(answer, 400, -32600);
    expect(answer.message.error?.message).toMatch(/server\.maxDepth \(32\)/);
    expectRefusal(await session.post(nested(40_000, '{"a":', '}')), 400, -32600);
    expectRefusal(await session.post('['.repeat(100_000)), 400, -32600);
    await expectAlive();
  });

  test('server.maxDepth is the deepest body that is served', async () => {
    expect((await session.post(nested(MAX_DEPTH - 2))).status).toBe(200);
    expectRefusal(await session.post(nested(MAX_DEPTH - 1)), 400, -32600);
  });
});

describe('names from the prototype chain', () => {
  const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

  test.each(NAMES)('#11 %s is no tool, prompt, method or session', async (name) => {
    expect((await session.request('tools/call', { name })).error?.code).toBe(-32602);
    expect((await session.request('prompts/get', { name })).error?.code).toBe(-32602);
    expect((await session.request(name)).error?.code).toBe(-32601);
    expect((await session.post(PING, { 'mcp-session-id': name })).status).toBe(404);
    expect((await session.request('tools/call', { name: `up__${name}` })).error?.code).toBe(-32602);
  });

  test('#11 as argument keys they arrive as they were', async () => {
    const args = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}';
    const answer = await session.post(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__raw","arguments":${args},"__proto__":{"x":1}}}`,
    );
    expect(answer.status).toBe(200);
    expect(upstream.of('tools/call').at(-1)?.raw).toContain(`"arguments":${args},"__proto__":{"x":1}`);
    const fresh = await Session.open(gateway.url);
    expect(await fresh.result('ping')).toEqual({});
  });

  test('#11 as members of a handshake they change nothing', async () => {
    const message = JSON.stringify(initializeMessage()).replace(
      '"capabilities":{}',
      '"capabilities":{"__proto__":{"tools":1}},"__proto__":{"protocolVersion":"x"}',
    );
    const answer = await exchange(gateway.url, { body: message });
    expect(answer.message.result).toMatchObject({ protocolVersion: '2025-11-25' });
    expect((await session.post(callMessage(1, 'up__raw'))).status).toBe(200);
  });
});
