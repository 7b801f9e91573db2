/** From requests to principals: a token is checked once, and not believed longer than it is good. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Addresses } from '../../src/auth/addresses.ts';
import { type Authenticate, authenticateByToken } from '../../src/auth/authenticate.ts';
import { TokenCache } from '../../src/auth/token-cache.ts';
import type { Verified } from '../../src/auth/verifier.ts';
import { Fault } from '../../src/errors.ts';
import type { Principal } from '../../src/protocol/call.ts';

const alice: Principal = { key: 'alice', subject: 'alice', scopes: [] };
const request = (token: string, scheme = 'Bearer') => ({
  method: 'POST',
  url: '/mcp',
  headers: { authorization: `${scheme} ${token}`, host: 'gate.example' },
});
const good = (more: Partial<Verified> = {}): Verified => ({ principal: alice, until: Date.now() + 60_000, ...more });

let asked: string[];
let proved: string[];
let answer: () => Promise<Verified>;
let cache: TokenCache;
let authenticate: Authenticate;
beforeEach(() => {
  asked = [];
  proved = [];
  answer = async () => good();
  cache = new TokenCache(2);
  authenticate = authenticateByToken({
    addresses: new Addresses('https://gate.example/'),
    cache,
    verifiers: [
      { takes: (token) => token === 'nobody', verify: () => Promise.reject(new Fault('internal')) },
      {
        takes: () => true,
        verify: (token, isAudience) => {
          expect([isAudience('https://gate.example/mcp'), isAudience('https://gate.example/other')]).toEqual([
            true,
            false,
          ]);
          asked.push(token);
          return answer();
        },
      },
    ],
    prove: async (_request, token, jkt) => void proved.push(`${token} ${jkt}`),
  });
});
const ask = async (token: string, scheme?: string) => authenticate(request(token, scheme), '/mcp');
const problem = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Fault) => error.fault,
  );

test('a token is checked once, and then known at once', async () => {
  expect(await ask('a')).toBe(alice);
  expect(authenticate(request('a'), '/mcp')).toBe(alice);
  expect(asked).toEqual(['a']);
});

test('many requests with a new token are one check, and share what comes of it', async () => {
  expect(new Set(await Promise.all(Array.from({ length: 20 }, () => ask('a'))))).toEqual(new Set([alice]));
  expect(asked).toEqual(['a']);
  answer = () => Promise.reject(new Fault('authUnavailable', { detail: 'x' }));
  const all = await Promise.all(Array.from({ length: 20 }, () => problem(ask('b'))));
  expect([new Set(all), asked]).toEqual([new Set(['authUnavailable']), ['a', 'b']]);
  // what failed is tried anew
  answer = async () => good();
  expect(await ask('b')).toBe(alice);
});

test('a token that was taken back while it was checked is not remembered', async () => {
  const { promise, resolve } = Promise.withResolvers<Verified>();
  answer = () => promise;
  const waiting = ask('a');
  cache.forget(() => true);
  resolve(good());
  expect(await waiting).toBe(alice);
  expect(cache.size).toBe(0);
});

test('a token is not believed beyond its end, nor when it is forgotten or has made room', async () => {
  answer = async () => good({ until: Date.now() - 1 });
  expect(await problem(ask('old'))).toBe('invalidToken');
  expect(cache.size).toBe(0);
  answer = async () => good();
  for (const token of ['a', 'b', 'c', 'a']) await ask(token);
  expect(asked).toEqual(['old', 'a', 'b', 'c', 'a']);
  cache.forget(({ principal }) => principal.key === 'alice');
  await ask('a');
  expect(asked.length).toBe(6);
});

describe('a bound token', () => {
  beforeEach(() => {
    answer = async () => good({ jkt: 'key' });
  });

  test('is proved with each request, known or not', async () => {
    for (let i = 0; i < 3; i++) expect(await ask('a', 'DPoP')).toBe(alice);
    expect([asked, proved]).toEqual([['a'], ['a key', 'a key', 'a key']]);
  });

  test('is no bearer token, known or not', async () => {
    expect(await problem(ask('a'))).toBe('invalidToken');
    await ask('a', 'DPoP');
    expect(await problem(ask('a'))).toBe('invalidToken');
  });
});

test('a token that is not bound is none that could be proved', async () => {
  expect(await problem(ask('a', 'DPoP'))).toBe('invalidToken');
});

describe('a connection whose requests are alike', () => {
  const raw = { socket: {} };
  const over = (token: string, more: object = {}) => ({ ...request(token), raw, ...more });
  const bob: Principal = { key: 'bob', subject: 'bob', scopes: [] };
  /** Thrown or rejected. */
  const tried = async (...of: Parameters<Authenticate>) => authenticate(...of);

  beforeEach(async () => {
    await ask('a');
    // once it is looked up, and then it is known by the connection
    for (let i = 0; i < 2; i++) expect(authenticate(over('a'), '/mcp')).toBe(alice);
    answer = async () => good({ principal: bob });
  });

  test('is asked for each token by itself', async () => {
    expect(await tried(over('b'), '/mcp')).toBe(bob);
    expect(await tried(over('b'), '/mcp')).toBe(bob);
    expect(authenticate(over('a'), '/mcp')).toBe(alice);
    expect(asked).toEqual(['a', 'b']);
  });

  test('lets in nobody without a token, or with two of them, or with one in the URL', async () => {
    const host = 'gate.example';
    expect(await problem(tried(over('a', { headers: { host } }), '/mcp'))).toBe('unauthenticated');
    const authorization = 'Bearer a';
    const two = over('a', { headers: { host, authorization, 'x-api-key': 'a' } });
    expect(await problem(tried(two, '/mcp'))).toBe('badCredentials');
    expect(await problem(tried(over('a', { url: '/mcp?access_token=a' }), '/mcp'))).toBe('badCredentials');
  });

  test('has its token checked for each endpoint, and anew when it was taken back', async () => {
    // for another profile it is another question, which the verifier here does not like
    await expect(tried(over('a'), '/mcp/other')).rejects.toThrow();
    cache.forget(() => true);
    expect(await tried(over('a'), '/mcp')).toBe(bob);
  });

  test('has its token checked anew when it has ended', async () => {
    answer = async () => good({ until: Date.now() + 30 });
    expect(await tried(over('short'), '/mcp')).toBe(alice);
    expect(authenticate(over('short'), '/mcp')).toBe(alice);
    await vi.waitFor(async () => {
      await tried(over('short'), '/mcp');
      expect(asked.filter((token) => token === 'short').length).toBeGreaterThan(1);
    });
  });
});
