/** Limits and headers of the routes where clients and people sign in, on stand-ins for those routes. */
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { pageHeaders } from '../../src/auth/server/pages/csp.ts';
import { STYLE } from '../../src/auth/server/pages/style.ts';
import { protectPages } from '../../src/gateway/browser-headers.ts';
import type { SignInLimits } from '../../src/gateway/door.ts';
import { limitSignIn } from '../../src/gateway/limits.ts';

let app: FastifyInstance;
let audited: unknown[][];
afterEach(() => app.close());

const ROUTES = ['/oauth/authorize', '/oauth/token', '/oauth/register', '/register', '/oauth/interaction/:uid'];
const FREE = ['/oauth/jwks', '/.well-known/oauth-authorization-server', '/.well-known/openid-configuration/mcp'];

async function serve(limits: SignInLimits, https = true): Promise<void> {
  audited = [];
  app = Fastify({ trustProxy: ['127.0.0.1'] });
  app.get('/healthz', async () => 'ok');
  await app.register(async (scope) => {
    await protectPages(scope, https);
    await limitSignIn(
      scope,
      () => limits,
      (...line) => audited.push(line),
    );
    for (const url of [...ROUTES, ...FREE])
      scope.route({ method: ['GET', 'POST', 'OPTIONS'], url, handler: async () => 'fine' });
    scope.get('/oauth/raw', async (_request, reply) => {
      reply.hijack();
      reply.raw.end('raw');
    });
    scope.get('/oauth/page', async (_request, reply) =>
      reply.header('content-security-policy', "default-src 'none'; form-action https://app.example.com").send('page'),
    );
  });
}

const ask = (url: string, options: { method?: 'GET' | 'POST' | 'OPTIONS'; from?: string; accept?: string } = {}) =>
  app.inject({
    ...{ method: options.method ?? 'POST', url },
    headers: { 'x-forwarded-for': options.from ?? '192.0.2.1', accept: options.accept ?? '*/*' },
  });

const statuses = async (times: number, url: string, options = {}): Promise<number[]> => {
  const found: number[] = [];
  for (let i = 0; i < times; i++) found.push((await ask(url, options)).statusCode);
  return found;
};

describe('limits', () => {
  test('all requests of an address count together; another address is not concerned', async () => {
    await serve({ signIn: 4, registrations: 0 });
    expect(await statuses(2, '/oauth/token')).toEqual([200, 200]);
    expect(await statuses(2, '/oauth/interaction/abc?x=1', { method: 'GET' })).toEqual([200, 200]);
    const refused = await ask('/oauth/token');
    expect(refused.statusCode).toBe(429);
    expect(refused.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: expect.stringMatching(/^Too many requests from this address; try again in \d+ s\.$/),
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
    expect(await statuses(1, '/oauth/token', { from: '192.0.2.2' })).toEqual([200]);
    await statuses(5, '/oauth/token');
    expect(audited).toEqual([['limited', { limit: 'auth.limits.signIn', address: '192.0.2.1' }]]);
  });

  test('a network of IPv6 is one address', async () => {
    await serve({ signIn: 2, registrations: 0 });
    const found: number[] = [];
    for (let i = 1; i < 5; i++) found.push((await ask('/oauth/token', { from: `2001:db8:1:2::${i}` })).statusCode);
    expect(found).toEqual([200, 200, 429, 429]);
    expect(await statuses(1, '/oauth/token', { from: '2001:db8:1:3::1' })).toEqual([200]);
  });

  test('registrations have a limit of their own, by whichever path', async () => {
    await serve({ signIn: 0, registrations: 3 });
    expect(await statuses(2, '/oauth/register')).toEqual([200, 200]);
    expect(await statuses(3, '/register/')).toEqual([404, 404, 404]);
    expect(await statuses(2, '/register')).toEqual([200, 429]);
    expect(await statuses(3, '/oauth/token')).toEqual([200, 200, 200]);
    const wait = Number((await ask('/oauth/register')).headers['retry-after']);
    expect(wait).toBeGreaterThan(60);
    expect(wait).toBeLessThanOrEqual(3_600);
  });

  test('registrations count as such however their path is spelled', async () => {
    await serve({ signIn: 0, registrations: 2 });
    expect(await statuses(3, '/oauth/%72egister')).toEqual([200, 200, 429]);
    expect(await statuses(1, '/%72%65gister?x')).toEqual([429]);
  });

  test('metadata, keys, preflights and what is elsewhere are free', async () => {
    await serve({ signIn: 1, registrations: 1 });
    for (const url of FREE) expect(await statuses(5, url, { method: 'GET' })).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(5, '/oauth/token', { method: 'OPTIONS' })).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(5, '/healthz', { method: 'GET' })).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(2, '/oauth/token')).toEqual([200, 429]);
  });

  test('a person is told by a page that looks like the others, and is guarded like them', async () => {
    await serve({ signIn: 1, registrations: 1 });
    await ask('/oauth/authorize', { method: 'GET' });
    const refused = await ask('/oauth/authorize', { method: 'GET', accept: 'text/html,*/*' });
    expect(refused.statusCode).toBe(429);
    expect(refused.headers).toMatchObject({
      ...pageHeaders(),
      'content-type': 'text/html; charset=utf-8',
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
    });
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
    expect(refused.body).toContain(STYLE);
    expect(refused.body).toMatch(/<h1>Too many requests<\/h1>.*Try again in \d+ seconds?:/s);
  });
});

describe('headers for browsers', () => {
  test('nothing is loaded, framed or leaked, also where the framework does not write the answer', async () => {
    await serve({ signIn: 0, registrations: 0 });
    for (const url of ['/oauth/authorize', '/oauth/raw']) {
      const { headers } = await ask(url, { method: 'GET' });
      expect(headers['content-security-policy']).toBe(
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      );
      expect(headers).toMatchObject({
        ...{ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' },
        'strict-transport-security': 'max-age=31536000',
      });
      // clients wait in the window that opened this one, and read metadata from other origins
      expect(headers).not.toHaveProperty('cross-origin-opener-policy');
      expect(headers['cross-origin-resource-policy']).toBe('cross-origin');
    }
  });

  test('a page sets a policy of its own over it', async () => {
    await serve({ signIn: 0, registrations: 0 });
    const { headers } = await ask('/oauth/page', { method: 'GET' });
    expect(headers['content-security-policy']).toBe("default-src 'none'; form-action https://app.example.com");
  });

  test('without https nobody is told to insist on it', async () => {
    await serve({ signIn: 0, registrations: 0 }, false);
    expect((await ask('/oauth/authorize', { method: 'GET' })).headers).not.toHaveProperty('strict-transport-security');
  });

  test('a refusal has them, too', async () => {
    await serve({ signIn: 1, registrations: 0 });
    await ask('/oauth/token');
    expect((await ask('/oauth/token')).headers['x-frame-options']).toBe('DENY');
  });
});
