/** Clients with tokens of a company's identity provider, and what clients without one are told. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Session } from '../gateway/client.ts';
import { exchange, send } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { type Bench, challengeIn, freePort, knock, startBench } from './bench.ts';
import { startIssuer } from './issuer.ts';

const REQUIRED = ['tools', 'files'];

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({
    auth: ({ url }) => ({ mode: 'jwt', jwt: [{ issuer: url, clockSkew: 0 }], scopes: { required: REQUIRED } }),
    config: { server: { port: 0, sse: true } },
  });
});
afterAll(async () => bench?.[Symbol.asyncDispose]());

const scope = REQUIRED.join(' ');
const origin = () => new URL(bench.gateway.url).origin;
const metadataUrl = () => `${origin()}/.well-known/oauth-protected-resource/mcp`;

describe('a good token', () => {
  test('lets clients of both eras in', async () => {
    const headers = await bench.bearer({ scope });
    const session = await Session.open(bench.gateway.url, { headers });
    expect(await session.callText('legacy__read')).toBe('read');
    const client = new ModernClient(bench.gateway.url, {}, headers);
    expect(await client.call('legacy__read')).toMatchObject({ content: [{ text: 'read' }] });
  });

  test('lets the SDK in, by the answers that it gets without one', async () => {
    const token = await bench.token({ scope });
    const transport = new StreamableHTTPClientTransport(new URL(bench.gateway.url), {
      authProvider: { token: async () => token },
    });
    const client = new Client({ name: 'sdk', version: '1.0.0' });
    await client.connect(transport);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('legacy__read');
    await client.close();
  });

  test('lets hosts of HTTP+SSE in', async () => {
    const headers = await bench.bearer({ scope });
    const stream = await send(`${origin()}/sse`, { method: 'GET', headers });
    expect(stream.status).toBe(200);
    await stream.close();
  });

  test('#162 is sent to no upstream, nor logged', async () => {
    const token = await bench.token({ scope });
    const session = await Session.open(bench.gateway.url, { headers: { authorization: `Bearer ${token}` } });
    await session.callText('legacy__write');
    const sent = bench.legacy.received.map(({ raw, headers }) => JSON.stringify([raw, headers])).join();
    const [, , signature = ''] = token.split('.');
    expect(sent).toContain('write');
    expect(sent).not.toContain(signature);
    expect(sent).not.toMatch(/authorization/i);
    expect(JSON.stringify([bench.gateway.logs, bench.gateway.noise])).not.toContain(signature);
  });
});

test('#162 an upstream\u2019s own challenge does not reach the client', async () => {
  const { handlers } = bench.legacy.script;
  bench.legacy.script.handlers = {
    ...handlers,
    'tools/call': (_message, res) =>
      void res.writeHead(401, { 'www-authenticate': 'Bearer resource_metadata="https://upstream.example/"' }).end(),
  };
  const headers = await bench.bearer({ scope });
  const session = await Session.open(bench.gateway.url, { headers });
  const modern = new ModernClient(bench.gateway.url, {}, headers);
  for (const answer of [
    await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'legacy__read' } }),
    await modern.ask('tools/call', { params: { name: 'legacy__read' } }),
  ]) {
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([200, undefined]);
    expect(answer.text).not.toContain('upstream.example');
  }
  bench.legacy.script.handlers = handlers!;
});

describe('without a token', () => {
  const REQUESTS = [
    ['POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }],
    ['POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'ping' }],
    ['GET', '/mcp', undefined],
    ['DELETE', '/mcp', undefined],
    ['GET', '/sse', undefined],
    ['POST', '/messages?sessionId=x', { jsonrpc: '2.0', id: 1, method: 'ping' }],
  ] as const;

  test.each(REQUESTS)('%s %s is answered with where to get one', async (method, path, body) => {
    const headers = method === 'GET' ? { accept: 'text/event-stream' } : {};
    const answer = await exchange(`${origin()}${path}`, { method, headers, body });
    expect(answer.status).toBe(401);
    expect(challengeIn(answer.headers['www-authenticate'])).toEqual({
      scheme: 'Bearer',
      params: { resource_metadata: metadataUrl(), scope },
    });
  });

  test('modern requests are, too', async () => {
    const answer = await new ModernClient(bench.gateway.url).ask('server/discover');
    expect(answer.status).toBe(401);
    expect(challengeIn(answer.headers['www-authenticate']).params).not.toHaveProperty('error');
  });

  test('a preflight needs none', async () => {
    const answer = await exchange(bench.gateway.url, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:1', 'access-control-request-method': 'POST' },
    });
    expect(answer.status).toBe(204);
  });

  test('#5 web pages may read the challenge', async () => {
    const page = 'http://localhost:6274';
    const answer = await knock(bench.gateway.url, { origin: page });
    expect(answer.status).toBe(401);
    expect(answer.headers['access-control-allow-origin']).toBe(page);
    expect(answer.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
  });

  test('on this machine, everything is under the name that the user wrote', async () => {
    const url = bench.gateway.url.replace('127.0.0.1', 'localhost');
    const { params } = challengeIn((await knock(url)).headers['www-authenticate']);
    expect(params.resource_metadata).toBe(metadataUrl().replace('127.0.0.1', 'localhost'));
    const document = await exchange(params.resource_metadata!, { method: 'GET' });
    expect(document.messages[0]).toMatchObject({ resource: url });
    const token = await bench.token({ scope, audience: url });
    expect((await knock(bench.gateway.url, { authorization: `Bearer ${token}` })).status).toBe(400);
  });

  test('the Host header does not count for more than that', async () => {
    const url = metadataUrl();
    for (const host of ['evil.example', `evil.example:${new URL(url).port}`, 'localhost:1']) {
      const answer = await exchange(url, { method: 'GET', headers: { host } });
      expect(answer.messages[0]).toMatchObject({ resource: bench.gateway.url });
    }
  });
});

test('with a token that lacks a scope that all need, the answer names them all', async () => {
  const answer = await knock(bench.gateway.url, await bench.bearer({ scope: 'tools' }));
  expect(answer.status).toBe(403);
  expect(challengeIn(answer.headers['www-authenticate']).params).toMatchObject({
    error: 'insufficient_scope',
    scope,
    resource_metadata: metadataUrl(),
  });
});

describe('metadata', () => {
  test.each(['', '/mcp'])('#160 is at the well-known path with %j behind it, for everyone', async (suffix) => {
    const answer = await exchange(`${origin()}/.well-known/oauth-protected-resource${suffix}`, {
      method: 'GET',
      headers: { origin: 'https://elsewhere.example', 'mcp-protocol-version': '2025-06-18' },
    });
    expect(answer.status).toBe(200);
    expect(answer.messages[0]).toEqual({
      resource: bench.gateway.url,
      authorization_servers: [bench.issuer.url],
      scopes_supported: REQUIRED,
      bearer_methods_supported: ['header'],
      resource_name: 'Patchbay',
    });
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=300',
      'content-type': expect.stringContaining('application/json'),
    });
  });

  test('answers HEAD and preflights', async () => {
    const head = await exchange(metadataUrl(), { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
    const preflight = await exchange(metadataUrl(), {
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example', 'access-control-request-headers': 'mcp-protocol-version' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': '*, Authorization',
    });
  });

  test('of another endpoint is not there', async () => {
    const answer = await exchange(`${origin()}/.well-known/oauth-protected-resource/other`, { method: 'GET' });
    expect(answer.status).toBe(404);
  });
});

test('#159 behind a proxy everything is under the public URL, whatever the Host', async () => {
  const port = await freePort();
  const publicUrl = 'https://MCP.example.com:443/gate/';
  const resource = 'https://mcp.example.com/gate/mcp';
  const document = 'https://mcp.example.com/.well-known/oauth-protected-resource/gate/mcp';
  await using behind = await startBench({ config: { server: { port, publicUrl, allowedHosts: ['inner'] } } });
  const inside = `http://127.0.0.1:${port}`;
  for (const host of ['inner', `127.0.0.1:${port}`, 'mcp.example.com']) {
    for (const path of ['', '/mcp', '/gate/mcp']) {
      const url = `${inside}/.well-known/oauth-protected-resource${path}`;
      const answer = await exchange(url, { method: 'GET', headers: { host, 'x-forwarded-host': 'evil.example' } });
      expect(answer.messages[0]).toMatchObject({ resource });
    }
    const refused = await knock(`${inside}/mcp`, { host });
    expect(challengeIn(refused.headers['www-authenticate']).params).toEqual({ resource_metadata: document });
  }
  const good = await behind.bearer({ audience: resource });
  expect((await knock(`${inside}/mcp`, good)).message.error?.message).toMatch(/Mcp-Session-Id/);
  const inner = await behind.bearer({ audience: `${inside}/mcp` });
  expect((await knock(`${inside}/mcp`, inner)).status).toBe(401);
});

test('an issuer that is down does not keep the gateway from starting, and is used when it is there', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using early = await startBench({ auth: () => ({ mode: 'jwt', jwt: [{ issuer: url }] }) });
  await early.gateway.waitForLog(({ msg }) => msg === 'the keys of an issuer cannot be fetched');
  const issuer = await startIssuer({ port });
  const headers = { authorization: `Bearer ${await issuer.token({ audience: early.gateway.url })}` };
  await expect.poll(async () => (await knock(early.gateway.url, headers)).status, { timeout: 5_000 }).toBe(400);
  await issuer.close();
  // and does not matter once its keys are known
  const next = { authorization: `Bearer ${await issuer.token({ audience: early.gateway.url, user: 'bob' })}` };
  expect((await knock(early.gateway.url, next)).status).toBe(400);
});

test('where there are keys alone, nobody is sent to a server that is not there', async () => {
  await using keys = await startBench({ auth: () => ({ mode: 'apiKeys' }) });
  const answer = await knock(keys.gateway.url);
  expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  const { origin: base } = new URL(keys.gateway.url);
  const document = await exchange(`${base}/.well-known/oauth-protected-resource/mcp`, { method: 'GET' });
  expect(document.status).toBe(404);
});

test('with auth.mode none there is nothing to be found', async () => {
  await using open = await startBench({ auth: () => ({ mode: 'none' }) });
  const { origin: base } = new URL(open.gateway.url);
  for (const suffix of ['', '/mcp']) {
    const answer = await exchange(`${base}/.well-known/oauth-protected-resource${suffix}`, { method: 'GET' });
    expect(answer.status).toBe(404);
  }
  const answer = await knock(open.gateway.url, { authorization: 'Bearer whatever' });
  expect([answer.status, answer.headers['www-authenticate']]).toEqual([400, undefined]);
});
