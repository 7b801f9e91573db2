/** Requests of the modern era at the door: era, version, envelope, and headers that repeat the body. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { initializeMessage, Session } from './client.ts';
import { exchange } from './exchange.ts';
import { MODERN, ModernClient } from './modern-client.ts';
import { type ScriptedModern, startModern } from './scripted-modern.ts';
import { startUpstream } from './scripted-upstream.ts';

const KEY = 'io.modelcontextprotocol';
const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });
const header = (type: string, name: string): object => ({ type, 'x-mcp-header': name });
const tool = (name: string, properties: object = {}): object => ({ name, inputSchema: { type: 'object', properties } });

let upstream: ScriptedModern;
let gateway: Gateway;
let client: ModernClient;

const DECLARED = {
  region: header('string', 'Region'),
  count: header('integer', 'Count'),
  deep: { type: 'object', properties: { flag: header('boolean', 'Flag') } },
};

beforeAll(async () => {
  upstream = await startModern({
    tools: [
      tool('plain'),
      tool('größe'),
      tool('=?base64?x?='),
      tool('=?BASE64?cGxhaW4=?='),
      tool('=?base64?cGxhaW4='),
      tool('declared', DECLARED),
    ],
    handlers: { 'tools/call': ({ params }) => text(String(params?.name)) },
  });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } }, names: { prefix: 'never' } } });
  client = new ModernClient(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const answered = async (method: string, request: Parameters<ModernClient['ask']>[1] = {}) => {
  const { status, message, headers } = await client.ask(method, request);
  return { status, code: message.error?.code, data: message.error?.data, message, headers };
};
const call = (name: string, args: object, headers: Record<string, string | undefined> = {}) =>
  answered('tools/call', { params: { name, arguments: args }, headers });

describe('era and version', () => {
  test('#12 requests of both eras on one connection are both served', async () => {
    const { port } = new URL(gateway.url);
    const socket = connect(Number(port), '127.0.0.1');
    const post = (body: object, headers: object): void => {
      const json = JSON.stringify(body);
      const lines = Object.entries({
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(json),
        ...headers,
      });
      socket.write(
        `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${json}`,
      );
    };
    let answers = '';
    socket.on('data', (chunk) => {
      answers += String(chunk);
    });
    const meta = { _meta: { [`${KEY}/protocolVersion`]: MODERN, [`${KEY}/clientCapabilities`]: {} } };
    post(initializeMessage(), {});
    await expect.poll(() => answers).toContain('"protocolVersion":"2025-11-25"');
    post(
      { jsonrpc: '2.0', id: 2, method: 'server/discover', params: meta },
      { 'MCP-Protocol-Version': MODERN, 'Mcp-Method': 'server/discover' },
    );
    await expect.poll(() => answers).toContain('"supportedVersions":["2026-07-28"]');
    post(initializeMessage(), {});
    await expect.poll(() => answers.split('"protocolVersion"').length).toBe(3);
    socket.destroy();
  });

  test('#15 an unknown version in both places → 400 -32022 with those that are known', async () => {
    const unknown = {
      headers: { 'mcp-protocol-version': 'v999.0.0' },
      meta: { [`${KEY}/protocolVersion`]: 'v999.0.0' },
    };
    const { status, code, data } = await answered('tools/list', unknown);
    const { supportedVersions } = await client.result('server/discover');
    expect({ status, code, data }).toEqual({
      status: 400,
      code: -32022,
      data: { supported: supportedVersions, requested: 'v999.0.0' },
    });
  });

  test('#17 without clientInfo it is served; #18 without capabilities it is not', async () => {
    expect(await answered('tools/list', { meta: { [`${KEY}/clientInfo`]: undefined } })).toMatchObject({ status: 200 });
    for (const wrong of [undefined, null, [], 'x'])
      expect(await answered('tools/list', { meta: { [`${KEY}/clientCapabilities`]: wrong } })).toMatchObject({
        status: 400,
        code: -32602,
      });
  });

  test('#21 a session id is nothing to it', async () => {
    const { status, headers } = await answered('tools/list', {
      headers: { 'mcp-session-id': 'garbage', 'last-event-id': '1' },
    });
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty('mcp-session-id');
  });

  test.each(['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'x/y'])(
    '#23 %s is not of this era → 404 -32601',
    async (method) => {
      const { status, code, message } = await answered(method, { id: 'mine' });
      expect({ status, code, id: message.id }).toEqual({ status: 404, code: -32601, id: 'mine' });
    },
  );

  test('#28 a cancellation by notification cancels nothing', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((done) => {
      release = done;
    });
    upstream.script.handlers = {
      'tools/call': async () => {
        await held;
        return text('still there');
      },
    };
    const running = client.ask('tools/call', { id: 77, params: { name: 'plain', arguments: {} } });
    await upstream.waitFor('tools/call');
    const note = {
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 77, _meta: { [`${KEY}/protocolVersion`]: MODERN } },
    };
    expect((await exchange(gateway.url, { headers: { 'mcp-protocol-version': MODERN }, body: note })).status).toBe(202);
    release();
    expect((await running).message.result).toMatchObject(text('still there'));
    upstream.script.handlers = { 'tools/call': ({ params }) => text(String(params?.name)) };
  });
});

describe('headers of the request', () => {
  test('#29 Mcp-Method: its value is case-sensitive, it must be there, and its name is not case-sensitive', async () => {
    expect(await answered('tools/list', { headers: { 'mcp-method': 'TOOLS/LIST' } })).toMatchObject({
      status: 400,
      code: -32020,
    });
    expect(await answered('tools/list', { headers: { 'mcp-method': undefined } })).toMatchObject({
      status: 400,
      code: -32020,
    });
    expect(
      await answered('tools/list', { headers: { 'mcp-method': undefined, 'MCP-METHOD': 'tools/list' } }),
    ).toMatchObject({ status: 200 });
  });

  test.each([
    ['#30 between blanks', 'plain', '  plain ', 200],
    ['#31 in Base64', 'größe', `=?base64?${Buffer.from('größe').toString('base64')}?=`, 200],
    [
      '#32 in Base64 without its padding',
      'größe',
      `=?base64?${Buffer.from('größe').toString('base64').replace(/=+$/, '')}?=`,
      400,
    ],
    ['#32 with a character that is none of Base64', 'plain', '=?base64?cGxh!W4=?=', 400],
    ['#32 that is no UTF-8', 'plain', '=?base64?/w==?=', 400],
    ['#33 that only looks like it: upper case', 'plain', '=?BASE64?cGxhaW4=?=', 400],
    ['#33 that only looks like it: no end', 'plain', '=?base64?cGxhaW4=', 400],
    ['#33 of a tool that is called like that: upper case', '=?BASE64?cGxhaW4=?=', '=?BASE64?cGxhaW4=?=', 200],
    ['#33 of a tool that is called like that: no end', '=?base64?cGxhaW4=', '=?base64?cGxhaW4=', 200],
    ['of another tool', 'plain', 'declared', 400],
  ])('Mcp-Name %s', async (_, name, value, status) => {
    const answer = await answered('tools/call', { params: { name, arguments: {} }, headers: { 'mcp-name': value } });
    expect({ status: answer.status, code: answer.code }).toEqual({ status, code: status === 200 ? undefined : -32020 });
  });

  test('Mcp-Name is missing', async () => {
    expect(await call('plain', {}, { 'mcp-name': undefined })).toMatchObject({ status: 400, code: -32020 });
  });

  test.each([
    ['#36 an argument without its header', { region: 'eu' }, {}, 400],
    ['with its header', { region: 'eu' }, { 'mcp-param-region': 'eu' }, 200],
    ['with another value', { region: 'eu' }, { 'mcp-param-region': 'us' }, 400],
    ['#37 an integer in another spelling', { count: 42 }, { 'mcp-param-count': '42.0' }, 200],
    ['#37 an integer in another system', { count: 42 }, { 'mcp-param-count': '0x2a' }, 400],
    ['#38 null without a header', { region: null }, {}, 200],
    ['null with a header', { region: null }, { 'mcp-param-region': 'eu' }, 200],
    ['a boolean deep inside', { deep: { flag: true } }, { 'mcp-param-flag': 'true' }, 200],
    ['a boolean in another spelling', { deep: { flag: true } }, { 'mcp-param-flag': 'TRUE' }, 400],
  ])('%s', async (_, args, headers, status) => {
    const answer = await call('declared', args, headers);
    expect({ status: answer.status, code: answer.code }).toEqual({ status, code: status === 200 ? undefined : -32020 });
  });
});

describe('headers of what goes out', () => {
  const last = () => upstream.of('tools/call').at(-1)!;

  test('#34 a name that looks like Base64 is encoded', async () => {
    expect(await call('=?base64?x?=', {})).toMatchObject({ status: 200 });
    expect(last().headers['mcp-name']).toBe(`=?base64?${Buffer.from('=?base64?x?=').toString('base64')}?=`);
  });

  test('#39 a header that the tool does not declare is passed on as it is', async () => {
    expect(
      await call('declared', { region: null }, { 'mcp-param-foo': 'bar', 'mcp-param-region': 'eu' }),
    ).toMatchObject({ status: 200 });
    expect(last().headers).toMatchObject({ 'mcp-param-foo': 'bar' });
    expect(last().headers).not.toHaveProperty('mcp-param-region');
  });

  test('#40 they are made of the body for a legacy client', async () => {
    const session = await Session.open(gateway.url);
    await session.call('declared', { region: 'größer', count: 4, deep: { flag: false } });
    expect(last().headers).toMatchObject({
      'mcp-protocol-version': MODERN,
      'mcp-method': 'tools/call',
      'mcp-name': 'declared',
      'mcp-param-region': `=?base64?${Buffer.from('größer').toString('base64')}?=`,
      'mcp-param-count': '4',
      'mcp-param-flag': 'false',
    });
    await session.end();
  });

  test('#42 when the upstream has other headers by now, it is listed again and the call made once more', async () => {
    upstream.script.tools = [tool('declared', { region: header('string', 'Zone') }), tool('plain')];
    upstream.script.handlers = {
      'tools/call': ({ headers }) =>
        headers['mcp-param-zone'] === 'eu'
          ? text('fine')
          : { error: { code: -32020, message: 'mismatch' }, status: 400 },
    };
    const before = upstream.of('tools/call').length;
    expect((await call('declared', { region: 'eu' }, { 'mcp-param-region': 'eu' })).message.result).toMatchObject(
      text('fine'),
    );
    expect(upstream.of('tools/call')).toHaveLength(before + 2);
  });

  test('#132 a mismatch that stays is an internal error, not one of the client', async () => {
    upstream.script.handlers = { 'tools/call': () => ({ error: { code: -32020, message: 'never' }, status: 400 }) };
    expect(await call('plain', {})).toMatchObject({ status: 200, code: -32603 });
    upstream.script.handlers = { 'tools/call': ({ params }) => text(String(params?.name)) };
  });
});

describe('#43 tools with wrong annotations', () => {
  const names = (list: unknown): string[] => (list as { tools: { name: string }[] }).tools.map(({ name }) => name);
  const WRONG = [
    tool('on_number', { a: header('number', 'A') }),
    tool('below_items', { a: { type: 'array', items: header('string', 'A') } }),
    tool('under_oneof', { a: { oneOf: [header('string', 'A')] } }),
    tool('twice', { a: header('string', 'Same'), b: header('string', 'sAME') }),
    tool('no_token', { a: header('string', 'A B') }),
  ];

  test('are left out where the annotations count, the others stay', async () => {
    const other = await startModern({ tools: [tool('fine', DECLARED), ...WRONG] });
    const second = await startGateway({ config: { upstreams: { up: { url: other.url } } } });
    try {
      expect(names(await new ModernClient(second.url).result('tools/list'))).toEqual(['up__fine']);
    } finally {
      await second.stop();
      await other.close();
    }
  });

  test('lose them where they mean nothing', async () => {
    const other = await startUpstream({ tools: [tool('fine', DECLARED), ...WRONG] });
    const second = await startGateway({ config: { upstreams: { up: { url: other.url } } } });
    try {
      const list = await new ModernClient(second.url).result('tools/list');
      expect(names(list)).toHaveLength(1 + WRONG.length);
      expect(JSON.stringify(list).split('x-mcp-header')).toHaveLength(1 + 3);
    } finally {
      await second.stop();
      await other.close();
    }
  });
});

test('#35 #41 the first call after a start: the schema is fetched first, and the upstream hears its own name', async () => {
  const other = await startModern({
    tools: [tool('declared', DECLARED)],
    handlers: {
      'tools/call': ({ headers }) => text(JSON.stringify([headers['mcp-name'], headers['mcp-param-region']])),
    },
  });
  const second = await startGateway({ config: { upstreams: { up: { url: other.url } } } });
  try {
    const first = new ModernClient(second.url);
    const headers = { 'mcp-param-region': 'eu' };
    const result = await first.call('up__declared', { region: 'eu' }, { headers });
    expect(result).toMatchObject(text('["declared","eu"]'));
    expect(other.received.map(({ method }) => method).indexOf('tools/list')).toBeLessThan(
      other.received.map(({ method }) => method).indexOf('tools/call'),
    );
  } finally {
    await second.stop();
    await other.close();
  }
});
