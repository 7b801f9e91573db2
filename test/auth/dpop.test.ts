/** Tokens that are bound to a key: each request shows that its sender has it (RFC 9449). */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { Session } from '../gateway/client.ts';
import { type Bench, byIntrospection, byJwt, challengeIn, knock, startBench } from './bench.ts';
import { seconds } from './issuer.ts';

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly jkt: string;
}

let bench: Bench;
let key: Key;
let other: Key;
beforeAll(async () => {
  bench = await startBench({
    auth: (issuer) => ({ ...byIntrospection(issuer), ...byJwt(issuer), mode: ['jwt', 'introspection'] }),
  });
  [key, other] = await Promise.all([makeKey(), makeKey()]);
});
afterAll(async () => bench?.[Symbol.asyncDispose]());

async function makeKey(alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) };
}

const url = () => bench.gateway.url;
const ath = (token: string) => createHash('sha256').update(token).digest('base64url');

interface Proof {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly by?: Key;
}

function proof(token: string, { claims = {}, header = {}, by = key }: Proof = {}): Promise<string> {
  return new SignJWT({ jti: randomUUID(), htm: 'POST', htu: url(), iat: seconds(), ath: ath(token), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: by.jwk, ...header })
    .sign(by.privateKey);
}

const bound = (format: 'jwt' | 'opaque' = 'jwt') => bench.token({ jkt: key.jkt, format });

/** What is wrong, as the sender is told; `undefined` when it was let in. */
async function problem(
  token: string,
  dpop: string | string[] | undefined,
  scheme = 'DPoP',
): Promise<string | undefined> {
  const answer = await knock(url(), { authorization: `${scheme} ${token}`, dpop: dpop as string });
  if (answer.status === 400) return undefined;
  const { scheme: asked, params } = challengeIn(answer.headers['www-authenticate']);
  expect([answer.status, asked]).toEqual([401, 'DPoP']);
  expect(params.algs?.split(' ')).toContain('ES256');
  expect(params.error).toMatch(/^invalid_(dpop_proof|token)$/);
  return answer.message.error?.message;
}

test.each(['jwt', 'opaque'] as const)('a good proof for a token of form %s, new each time', async (format) => {
  const token = await bound(format);
  const headers = async (method = 'POST') => ({
    authorization: `DPoP ${token}`,
    dpop: await proof(token, { claims: { htm: method } }),
  });
  const session = await Session.open(url(), { headers: await headers(), ready: false });
  const answer = await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, await headers());
  expect(answer.response(1).result).toEqual({});
  const stream = await session.send({
    method: 'GET',
    headers: { accept: 'text/event-stream', ...(await headers('GET')) },
  });
  expect(stream.status).toBe(200);
  await stream.close();
  expect((await session.send({ method: 'DELETE', headers: await headers('DELETE') })).status).toBe(200);
});

describe('a proof is refused', () => {
  const CASES: [string, Proof, RegExp][] = [
    [
      'by another key',
      {
        get by() {
          return other;
        },
      },
      /another key/,
    ],
    [
      'by another key, that names the right one',
      {
        get header() {
          return { jwk: other.jwk };
        },
      },
      /signature is wrong/,
    ],
    ['for another method', { claims: { htm: 'GET' } }, /another method/],
    ['for another URL', { claims: { htu: 'https://other.example/mcp' } }, /another URL/],
    [
      'for another path',
      {
        get claims() {
          return { htu: `${url()}/x` };
        },
      },
      /another URL/,
    ],
    ['for no URL', { claims: { htu: undefined } }, /another URL/],
    ['for another token', { claims: { ath: ath('other') } }, /another token/],
    ['for no token', { claims: { ath: undefined } }, /another token/],
    ['that is old', { claims: { iat: seconds(-90) } }, /too old/],
    ['from the future', { claims: { iat: seconds(60) } }, /in the future/],
    ['without a time', { claims: { iat: undefined } }, /too old/],
    ['without an id', { claims: { jti: undefined } }, /no jti/],
    ['of another type', { header: { typ: 'JWT' } }, /malformed/],
    ['with a private key in it', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }, /malformed/],
    ['without a key', { header: { jwk: undefined } }, /malformed/],
  ];
  test.each(CASES)('%s', async (_, options, reason) => {
    const token = await bound();
    expect(await problem(token, await proof(token, options))).toMatch(reason);
  });

  test('that was used before, with whatever token', async () => {
    const token = await bound();
    const once = await proof(token);
    expect(await problem(token, once)).toBeUndefined();
    expect(await problem(token, once)).toMatch(/used before/);
    const jti = randomUUID();
    expect(await problem(token, await proof(token, { claims: { jti } }))).toBeUndefined();
    expect(await problem(token, await proof(token, { claims: { jti, iat: seconds(-1) } }))).toMatch(/used before/);
  });

  test('that was used before an edit of the config, which forgets none', async () => {
    const token = await bound();
    const once = await proof(token);
    expect(await problem(token, once)).toBeUndefined();
    const { configPath, waitForLog } = bench.gateway;
    const config = parse(await readFile(configPath, 'utf8')) as { auth: object };
    await writeFile(configPath, stringify({ ...config, auth: { ...config.auth, scopes: { includes: { a: ['b'] } } } }));
    await waitForLog(({ msg }) => msg === 'config applied');
    expect(await problem(token, once)).toMatch(/used before/);
  });

  test('that is none, missing, or two', async () => {
    const token = await bound();
    expect(await problem(token, 'nonsense')).toMatch(/malformed/);
    expect(await problem(token, undefined)).toMatch(/missing/);
    expect(await problem(token, [await proof(token), await proof(token)])).toMatch(/malformed/);
    expect(await problem(token, 'x'.repeat(9_000))).toMatch(/malformed/);
  });

  test('with no algorithm, or a shared secret', async () => {
    const token = await bound();
    const [, payload = ''] = (await proof(token)).split('.');
    for (const alg of ['none', 'HS256']) {
      const head = Buffer.from(JSON.stringify({ alg, typ: 'dpop+jwt', jwk: key.jwk })).toString('base64url');
      expect(await problem(token, `${head}.${payload}.AAAA`)).toMatch(/malformed/);
    }
  });
});

test('query and default port do not matter in the URL', async () => {
  const token = await bound();
  expect(await problem(token, await proof(token, { claims: { htu: `${url()}?x=1#y` } }))).toBeUndefined();
  expect(await problem(token, await proof(token, { claims: { htu: url().replace('http', 'HTTP') } }))).toBeUndefined();
});

test('a bound token is no bearer token, a good proof beside it or not', async () => {
  const token = await bound();
  expect(await problem(token, await proof(token), 'Bearer')).toMatch(/bound to a key; send it as DPoP/);
  expect(await problem(token, undefined, 'Bearer')).toMatch(/bound to a key/);
});

test('a bearer token does not become bound by being called so', async () => {
  const token = await bench.token();
  const answer = await knock(url(), { authorization: `DPoP ${token}`, dpop: await proof(token) });
  expect(answer.status).toBe(401);
  expect(answer.message.error?.message).toMatch(/not bound to a key/);
});

test.each(['RS256', 'PS256', 'EdDSA', 'ES384'])('%s will do', async (alg) => {
  const by = await makeKey(alg);
  const token = await bench.token({ jkt: by.jkt });
  expect(await problem(token, await proof(token, { by, header: { alg } }))).toBeUndefined();
});
