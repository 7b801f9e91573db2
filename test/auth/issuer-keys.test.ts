/** Keys of an issuer: found, kept, and fetched anew no more often than is good for it. */
import { generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IssuerKeys } from '../../src/auth/issuer-keys.ts';
import { metadataUrls } from '../../src/auth/issuer-metadata.ts';
import { JwtVerifier } from '../../src/auth/jwt-verifier.ts';
import { createSafeFetch } from '../../src/auth/safe-fetch.ts';
import { authSchema } from '../../src/config/auth.ts';
import { type Issuer, seconds, startIssuer } from './issuer.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const AUDIENCE = 'https://gate.example/mcp';

let issuer: Issuer;
let now: number;
let lines: { msg: string; reason?: string; kept?: boolean }[];
beforeEach(async () => {
  issuer = await startIssuer();
  now = 1_000_000;
  lines = [];
});
afterEach(() => issuer.close());

const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
const keysOf = (url = issuer.url, jwksUri?: string) =>
  new IssuerKeys({ issuer: url, jwksUri, safeFetch: createSafeFetch({ allow: [] }), log, now: () => now });
const find = (keys: IssuerKeys, kid: string | undefined = issuer.kid) =>
  keys.find(kid === undefined ? { alg: 'RS256' } : { alg: 'RS256', kid }, { payload: '', signature: '' });
const fetches = (path = 'GET /jwks') => issuer.requests.filter((line) => line === path).length;
const problem = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error & { fault?: string }) => error.fault,
  );

describe('metadata', () => {
  test('is looked for where RFC 8414 and OpenID Connect have it', () => {
    expect(metadataUrls('https://a.example')).toEqual([
      'https://a.example/.well-known/oauth-authorization-server',
      'https://a.example/.well-known/openid-configuration',
    ]);
    expect(metadataUrls('https://a.example/x/y/')).toEqual([
      'https://a.example/.well-known/oauth-authorization-server/x/y',
      'https://a.example/.well-known/openid-configuration/x/y',
      'https://a.example/x/y/.well-known/openid-configuration',
    ]);
  });

  test.each(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])(
    'is taken from %s',
    async (path) => {
      for (const other of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])
        if (other !== path) issuer.overrides.set(other, (_req, res) => void res.writeHead(404).end());
      if (path === '/.well-known/oauth-authorization-server')
        issuer.overrides.set(
          path,
          (_req, res) => void res.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` })),
        );
      expect(await find(keysOf())).toHaveLength(1);
    },
  );

  test('of an issuer with a path is found by each of its three names', async () => {
    const realm = await startIssuer({ path: '/realms/one' });
    for (const path of metadataUrls(realm.url).map((url) => new URL(url).pathname)) {
      realm.overrides.clear();
      for (const { pathname } of metadataUrls(realm.url).map((url) => new URL(url)))
        realm.overrides.set(pathname, (_req, res) => {
          if (pathname !== path) return void res.writeHead(404).end();
          res.end(JSON.stringify({ issuer: realm.url, jwks_uri: `${realm.url}/jwks` }));
        });
      expect(await find(keysOf(realm.url), realm.kid)).toHaveLength(1);
    }
    await realm.close();
  });

  test('#166 of another issuer is not believed, and the log says what to write', async () => {
    const keys = keysOf(`${issuer.url}/`);
    expect(await problem(find(keys))).toBe('authUnavailable');
    expect(lines.at(-1)?.reason).toContain(`that of "${issuer.url}"; write the issuer as it calls itself`);
    expect(fetches()).toBe(0);
  });

  test('that is no metadata leads nowhere', async () => {
    for (const body of ['[]', 'null', '<html>', '{}', JSON.stringify({ issuer: issuer.url, jwks_uri: 'nothing' })]) {
      for (const path of metadataUrls(issuer.url).map((url) => new URL(url).pathname))
        issuer.overrides.set(path, (_req, res) => void res.end(body));
      expect(await problem(find(keysOf()))).toBe('authUnavailable');
    }
    expect(fetches()).toBe(0);
  });

  test('is not asked for where the config says where the keys are', async () => {
    expect(await find(keysOf(issuer.url, `${issuer.url}/jwks`))).toHaveLength(1);
    expect(issuer.requests).toEqual(['GET /jwks']);
  });
});

describe('fetches', () => {
  test('are one for many who ask at once', async () => {
    const keys = keysOf();
    await Promise.all(Array.from({ length: 50 }, () => find(keys)));
    expect(fetches()).toBe(1);
  });

  test('are made for a key that is not known, and found where it is new', async () => {
    const keys = keysOf();
    await find(keys);
    now += 11_000;
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    const { exportJWK } = await import('jose');
    const rotated = { ...(await exportJWK(publicKey)), kid: 'second', alg: 'RS256', use: 'sig' };
    issuer.overrides.set('/jwks', (_req, res) => void res.end(JSON.stringify({ keys: [rotated] })));
    expect(await find(keys, 'second')).toHaveLength(1);
    // and the one that is gone is gone
    expect(await problem(find(keys))).toBe('invalidToken');
  });

  test('are not made more often than every ten seconds for such', async () => {
    const keys = keysOf();
    await find(keys);
    for (let i = 0; i < 100; i++) expect(await problem(find(keys, `unknown ${i}`))).toBe('invalidToken');
    expect(fetches()).toBe(1);
    now += 11_000;
    const flood = Array.from({ length: 100 }, (_, i) => problem(find(keys, `later ${i}`)));
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['invalidToken']));
    expect(fetches()).toBe(2);
  });

  test('are made beside the work where keys are old', async () => {
    const keys = keysOf();
    await find(keys);
    now += 11 * MINUTE;
    expect(await find(keys)).toHaveLength(1);
    await expect.poll(() => fetches()).toBe(2);
  });
});

describe('an issuer that is away', () => {
  test('at first is asked again soon', async () => {
    await issuer.down();
    const keys = keysOf();
    expect(await problem(find(keys))).toBe('authUnavailable');
    await issuer.up();
    now += 1_001;
    expect(await find(keys)).toHaveLength(1);
  });

  test('later does not matter for a day', async () => {
    const keys = keysOf();
    await find(keys);
    await issuer.down();
    now += 23 * HOUR;
    expect(await find(keys)).toHaveLength(1);
    expect(await problem(find(keys, 'unknown'))).toBe('invalidToken');
    await expect.poll(() => lines.at(-1)).toMatchObject({ msg: 'the keys of an issuer cannot be fetched', kept: true });
    now += 2 * HOUR;
    expect(await problem(find(keys))).toBe('authUnavailable');
  });

  test('that answers with something else keeps its keys', async () => {
    const keys = keysOf();
    await find(keys);
    for (const body of ['<html>', '{"keys":{}}', '[]']) {
      issuer.overrides.set('/jwks', (_req, res) => void res.end(body));
      now += 11 * MINUTE;
      const before = fetches();
      expect(await find(keys)).toHaveLength(1);
      await expect.poll(() => fetches()).toBe(before + 1);
    }
  });
});

describe('a token', () => {
  const settings = (more: object = {}) => {
    const parsed = authSchema.parse({ jwt: [{ issuer: issuer.url, audience: AUDIENCE, clockSkew: 0, ...more }] });
    return parsed.jwt[0]!;
  };
  const verify = (token: string, more: object = {}) =>
    new JwtVerifier(settings(more), createSafeFetch({ allow: [] }), log).verify(token, () => false);
  const claims = (more: object = {}) => ({ aud: AUDIENCE, exp: seconds(60), ...more });
  const detail = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: { details?: { detail?: string } }) => error.details?.detail,
    );

  test('is good until its end and the skew', async () => {
    const exp = seconds(60);
    const found = await verify(await issuer.sign(claims({ exp })), { clockSkew: '30s' });
    expect(found.until).toBe((exp + 30) * 1_000);
    expect(found.principal.expiresAt).toBe(found.until);
    expect(
      await detail(verify(await issuer.sign(claims({ exp: seconds(-10) })), { clockSkew: '30s' })),
    ).toBeUndefined();
    expect(await detail(verify(await issuer.sign(claims({ exp: seconds(-40) })), { clockSkew: '30s' }))).toBe(
      'it has expired',
    );
    expect(await detail(verify(await issuer.sign(claims({ nbf: seconds(20) })), { clockSkew: '30s' }))).toBeUndefined();
    expect(await detail(verify(await issuer.sign(claims({ nbf: seconds(40) })), { clockSkew: '30s' }))).toBe(
      'it is not valid yet',
    );
  });

  test('may be meant for several, one of which is here', async () => {
    expect(await detail(verify(await issuer.sign(claims({ aud: ['x', AUDIENCE] }))))).toBeUndefined();
    expect(await detail(verify(await issuer.sign(claims({ aud: ['x', 'y'] }))))).toBe(
      'it is meant for another audience',
    );
  });

  test('needs the audience that is configured, and then not that of the endpoint', async () => {
    const verifier = new JwtVerifier(settings({ audience: ['api://one', 'two'] }), createSafeFetch({ allow: [] }), log);
    for (const aud of ['api://one', 'two']) await verifier.verify(await issuer.sign(claims({ aud })), () => false);
    expect(await detail(verifier.verify(await issuer.sign(claims()), () => true))).toBe(
      'it is meant for another audience',
    );
  });

  test('has one of the types that are let in, however it is spelled', async () => {
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', undefined])
      expect(await detail(verify(await issuer.sign(claims(), { typ })))).toBeUndefined();
    for (const typ of ['JWT', undefined, 'jwt'])
      expect(await detail(verify(await issuer.sign(claims(), { typ }), { types: ['at+jwt'] }))).toBe(
        'it is a token of another type',
      );
  });

  test('has one of the signatures that are let in', async () => {
    expect(await detail(verify(await issuer.sign(claims()), { algorithms: ['ES256'] }))).toBe(
      'it is signed in a way that is not let in',
    );
  });

  test('that names no key is tried with all that fit', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const { exportJWK } = await import('jose');
    const [first, second] = await Promise.all([issuer.key, privateKey].map((key) => exportJWK(key)));
    const jwks = {
      keys: [first, second].map(({ kty, n, e }: { kty?: string; n?: string; e?: string } = {}) => ({ kty, n, e })),
    };
    issuer.overrides.set('/jwks', (_req, res) => void res.end(JSON.stringify(jwks)));
    expect(publicKey.type).toBe('public');
    const token = await new SignJWT({ iss: issuer.url, sub: 'x', ...claims() })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(privateKey);
    expect((await verify(token)).principal.subject).toBe('x');
    expect(await detail(verify(`${token.slice(0, -4)}AAAA`))).toBe('its signature is wrong');
  });

  test('says who calls, by the claims that are configured', async () => {
    const all = {
      scope: 'a b a',
      scp: ['c'],
      azp: 'app',
      groups: ['g', 7],
      tid: 't',
      upn: 'alice@example.com',
      roles: 'r s',
    };
    const usual = await verify(await issuer.sign(claims(all)));
    expect(usual.principal).toMatchObject({
      issuer: issuer.url,
      subject: 'alice',
      clientId: 'host',
      scopes: ['a', 'b'],
      groups: ['g'],
    });
    expect(usual.principal).not.toHaveProperty('tenant');
    const names = { subject: 'upn', scopes: 'scp', client: 'azp', tenant: 'tid', groups: 'roles' };
    const named = await verify(await issuer.sign(claims(all)), { claims: names });
    expect(named.principal).toMatchObject({
      subject: 'alice@example.com',
      clientId: 'app',
      tenant: 't',
      scopes: ['c'],
      groups: ['r', 's'],
    });
    expect(named.principal.key).not.toBe(usual.principal.key);
    const azure = await verify(await issuer.sign(claims({ scp: 'x y', client_id: undefined, azp: 'app' })));
    expect(azure.principal).toMatchObject({ scopes: ['x', 'y'], clientId: 'app' });
  });
});
