/** The checks before anything is read: method, Host, Origin, preflight, their order. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { initializeMessage, Session } from './client.ts';
import { exchange, type SendOptions } from './exchange.ts';
import { expectRefusal } from './refusal.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';
import { talk } from './socket.ts';

const ALLOWED = 'https://app.example.com';

let upstream: ScriptedUpstream;
let gateway: Gateway;
let url: string;

beforeAll(async () => {
  upstream = await startUpstream({ tools: [tool('hello')], handlers: { 'tools/call': () => textResult('hello') } });
  const server = { port: 0, allowedOrigins: [ALLOWED], allowedHosts: ['gateway.example'], maxBodySize: '64KiB' };
  gateway = await startGateway({ config: { server, upstreams: { up: { url: upstream.url } } } });
  url = gateway.url;
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

/** Every way to reach the endpoint; each answers something other than 403 when it is let in. */
const WAYS: Readonly<Record<'POST' | 'GET' | 'DELETE' | 'OPTIONS', SendOptions>> = {
  POST: { body: initializeMessage() },
  GET: { headers: { accept: 'text/event-stream' } },
  DELETE: {},
  OPTIONS: {},
};

const via = (method: keyof typeof WAYS, headers: Record<string, string>) =>
  exchange(url, { method, ...WAYS[method], headers: { ...WAYS[method].headers, ...headers } });

describe('methods', () => {
  test.each(['PUT', 'PATCH', 'PROPFIND'])('%s → 405, with the methods that are served', async (method) => {
    const answer = await exchange(url, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, GET, DELETE, OPTIONS');
  });

  test('HEAD → 405', async () => {
    const answer = await exchange(url, { method: 'HEAD' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, GET, DELETE, OPTIONS');
  });

  test('a path that is not served → 404', async () => {
    for (const path of ['/', '/mcp2', '/mcp/nothing']) {
      expect((await exchange(new URL(path, url).href, { body: initializeMessage() })).status).toBe(404);
    }
  });

  test('/healthz and /readyz answer 200', async () => {
    for (const path of ['/healthz', '/readyz']) {
      expect((await exchange(new URL(path, url).href, { method: 'GET' })).status).toBe(200);
    }
  });
});

describe('Host', () => {
  const EVIL = ['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', ''];

  test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('#1 %s with a foreign Host → 403', async (way) => {
    for (const host of EVIL) expect((await via(way, { host })).status, `Host "${host}"`).toBe(403);
    expectRefusal(await via('POST', { host: EVIL[0]! }), 403, -32000, /Host/);
  });

  test('#1 loopback names with any port are served', async () => {
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.0.0.1:65535', '[::1]', '[::1]:8080']) {
      expect((await via('POST', { host })).status, host).toBe(200);
    }
  });

  test('server.allowedHosts adds a name, with any port', async () => {
    for (const host of ['gateway.example', 'Gateway.Example:8443']) {
      expect((await via('POST', { host })).status, host).toBe(200);
    }
  });

  test('a request of HTTP/1.0 without Host → 403', async () => {
    expect(await talk(url, ['GET /mcp HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n'])).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('Origin', () => {
  const EVIL = [
    'https://evil.example',
    'null',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'https://app.example.com/',
    'http://localhost.evil.example',
    'not a URL',
  ];

  test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('#2 %s from a foreign Origin → 403', async (way) => {
    for (const origin of EVIL) {
      const answer = await via(way, { origin });
      expect(answer.status, `Origin "${origin}"`).toBe(403);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
    expectRefusal(await via('POST', { origin: EVIL[0]! }), 403, -32000, /Origin/);
  });

  test('#2 without Origin and from an allowed one: served', async () => {
    expect((await via('POST', {})).status).toBe(200);
    const answer = await via('POST', { origin: ALLOWED });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(ALLOWED);
    expect(answer.headers.vary).toMatch(/\bOrigin\b/);
  });

  test('a page of this machine may connect to a gateway on loopback', async () => {
    const answer = await via('POST', { origin: 'http://localhost:6274' });
    expect(answer.headers['access-control-allow-origin']).toBe('http://localhost:6274');
    expect(answer.status).toBe(200);
  });

  test('#2 Origin: null is served where server.allowedOrigins lists it', async () => {
    const own = await startGateway({
      config: { server: { port: 0, allowedOrigins: ['null'] }, upstreams: { up: { url: upstream.url } } },
    });
    try {
      const answer = await exchange(own.url, { headers: { origin: 'null' }, body: initializeMessage() });
      expect(answer.status).toBe(200);
      expect(answer.headers['access-control-allow-origin']).toBe('null');
    } finally {
      await own.stop();
    }
  });
});

describe('browsers', () => {
  const list = (value: unknown) => String(value).toLowerCase().split(/, */);
  const preflight = (headers: Record<string, string> = {}) =>
    via('OPTIONS', { origin: ALLOWED, 'access-control-request-method': 'POST', ...headers });

  test('#3 a preflight without a token → 204 with everything a browser asks for', async () => {
    const { status, headers, text } = await preflight();
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(headers).not.toHaveProperty('www-authenticate');
    expect(headers['access-control-allow-origin']).toBe(ALLOWED);
    expect(list(headers['access-control-allow-methods'])).toEqual(['post', 'get', 'delete', 'options']);
    expect(Number(headers['access-control-max-age'])).toBeGreaterThan(0);
    expect(list(headers.vary)).toEqual(expect.arrayContaining(['origin', 'access-control-request-headers']));
    const sent =
      'authorization content-type accept mcp-protocol-version mcp-session-id last-event-id mcp-method mcp-name';
    expect(list(headers['access-control-allow-headers'])).toEqual(
      expect.arrayContaining([...sent.split(' '), 'traceparent', 'tracestate', 'baggage']),
    );
  });

  test('#4 Mcp-Param-* headers are echoed, others are not', async () => {
    const asked = 'Mcp-Param-Region, x-evil, mcp-param-a.b, mcp-param-';
    const { headers } = await preflight({ 'access-control-request-headers': asked });
    const allowed = list(headers['access-control-allow-headers']);
    expect(allowed).toEqual(expect.arrayContaining(['mcp-param-region', 'mcp-param-a.b']));
    expect(allowed).not.toContain('x-evil');
    expect(allowed).not.toContain('mcp-param-');
  });

  test('#5 every answer lets a browser read the session id and the challenge', async () => {
    const session = await Session.open(url, { headers: { origin: ALLOWED } });
    const stream = await session.listen();
    const refusals = [
      await session.send({ method: 'GET', headers: { accept: 'application/json' } }),
      await session.send({ body: '{' }),
      await session.send({ body: {}, headers: { 'content-type': 'text/plain' } }),
      await exchange(url, { headers: { origin: ALLOWED, 'mcp-session-id': 'unknown' }, body: callHello }),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([406, 400, 415, 404]);
    for (const { headers } of [
      await via('POST', { origin: ALLOWED }),
      await session.post(callHello),
      stream,
      ...refusals,
    ]) {
      expect(headers['access-control-allow-origin']).toBe(ALLOWED);
      const exposed = list(headers['access-control-expose-headers']);
      expect(exposed).toEqual(expect.arrayContaining(['mcp-session-id', 'www-authenticate']));
    }
    await stream.close();
  });
});

const callHello = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'up__hello' } };

describe('the first check that fails answers', () => {
  test('method, then Host, then Origin', async () => {
    const evil = { host: 'evil.example', origin: 'https://evil.example' };
    expect((await exchange(url, { method: 'PUT', headers: evil })).status).toBe(405);
    expectRefusal(await via('POST', evil), 403, -32000, /Host/);
    expectRefusal(await via('OPTIONS', { origin: evil.origin }), 403, -32000, /Origin/);
  });

  test('Origin, then the type of the body, then its JSON', async () => {
    const plain = { 'content-type': 'text/plain' };
    expect((await exchange(url, { headers: { ...plain, origin: 'https://evil.example' }, body: '{' })).status).toBe(
      403,
    );
    expect((await exchange(url, { headers: plain, body: '{' })).status).toBe(415);
  });

  test('the size of the body, then its type', async () => {
    const body = 'x'.repeat(65 * 1024);
    expect((await exchange(url, { headers: { 'content-type': 'text/plain' }, body })).status).toBe(413);
  });

  test('JSON, then what it says, then the session', async () => {
    expectRefusal(await exchange(url, { body: '{' }), 400, -32700, /not valid JSON/);
    expectRefusal(await exchange(url, { body: { id: 1, method: 'tools/list' } }), 400, -32600, /JSON-RPC 2\.0/);
    expect((await exchange(url, { body: callHello })).message.error?.message).toMatch(/Mcp-Session-Id/);
  });
});
