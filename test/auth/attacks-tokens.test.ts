/** Tokens that are no good, as attackers make them: each is refused as the RFCs say, and leaves a line in the log without it. */
import { createHmac, createPublicKey, type KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { networkInterfaces } from 'node:os';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LogLine } from '../fixtures/gateway.ts';
import { initializeMessage, Session } from '../gateway/client.ts';
import { exchange } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { knock as enter } from '../multiplexer/door.ts';
import { type Bench, challengeIn, knock, startBench } from './bench.ts';
import { CERTIFICATE, startWeb, type Web } from './https.ts';
import { CLIENT, type Issuer, seconds, startIssuer } from './issuer.ts';

let bench: Bench;
let stranger: Issuer;
beforeAll(async () => {
  bench = await startBench({ config: { server: { port: 0, sse: true } } });
  stranger = await startIssuer();
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await stranger?.close();
});

const aud = () => bench.gateway.url;
const claims = (more: object = {}) => ({
  aud: aud(),
  iat: seconds(),
  exp: seconds(600),
  jti: crypto.randomUUID(),
  ...more,
});
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A token of which the signature is made by hand. */
const byHand = (header: object, payload: object, sign: (text: string) => string): string => {
  const text = `${encode(header)}.${encode({ iss: bench.issuer.url, sub: 'alice', client_id: CLIENT, ...payload })}`;
  return `${text}.${sign(text)}`;
};

/** Sends it at every door, and looks for what is left of it. */
async function refused(token: string, reason: RegExp): Promise<void> {
  const seen = bench.gateway.logs.length;
  const answer = await knock(aud(), bearer(token));
  expect(answer.status).toBe(401);
  const { scheme, params } = challengeIn(answer.headers['www-authenticate']);
  expect(scheme).toBe('Bearer');
  expect(params).toMatchObject({ error: 'invalid_token', resource_metadata: expect.stringMatching(/^http/) });
  expect(answer.message.error?.message).toMatch(reason);
  const modern = await new ModernClient(aud(), {}, bearer(token)).ask('server/discover');
  expect(modern.status).toBe(401);
  const line = await bench.gateway.waitForLog(
    (one) => bench.gateway.logs.indexOf(one) >= seen && one.audit === 'refused' && reason.test(String(one.reason)),
  );
  expect(line).toMatchObject({
    level: 'info',
    fault: 'invalidToken',
    address: '127.0.0.1',
    reason: expect.stringMatching(reason),
  });
  const [head = '', payload = '', signature = ''] = token.split('.');
  const text = JSON.stringify([bench.gateway.logs, bench.gateway.noise, answer.text]);
  for (const part of [token, payload, signature === '' ? payload : signature]) expect(text).not.toContain(part);
  expect(head).not.toBe('');
}

test('the token that all of these are made from is good', async () => {
  const session = await Session.open(aud(), { headers: bearer(await bench.issuer.sign(claims())) });
  expect(await session.callText('legacy__read')).toBe('read');
});

describe('claims', () => {
  test('#161 another audience', async () => {
    await refused(await bench.token({ audience: 'https://other.example/mcp' }), /another audience/);
    await refused(await bench.issuer.sign(claims({ aud: `${aud()}/more` })), /another audience/);
    await refused(await bench.issuer.sign(claims({ aud: new URL(aud()).origin })), /another audience/);
    await refused(await bench.issuer.sign(claims({ aud: undefined })), /another audience/);
    await refused(await bench.issuer.sign(claims({ aud: [] })), /another audience/);
    await refused(await bench.issuer.sign(claims({ aud: { [aud()]: true } })), /another audience/);
  });

  test('an ID token, which is meant for the client', async () => {
    await refused(await bench.issuer.sign(claims({ aud: CLIENT }), { typ: undefined }), /another audience/);
  });

  test('another issuer, and one that only says that it is this one', async () => {
    await refused(await stranger.token({ audience: aud() }), /no kind that is known/);
    await refused(await stranger.sign({ ...claims(), iss: bench.issuer.url }), /signature is wrong/);
    await refused(
      await stranger.sign({ ...claims(), iss: bench.issuer.url }, { kid: 'foreign' }),
      /a key that its issuer does not have/,
    );
    await refused(await bench.issuer.sign(claims({ iss: `${bench.issuer.url}/` })), /no kind that is known/);
    await refused(await bench.issuer.sign(claims({ iss: bench.issuer.url.toUpperCase() })), /no kind that is known/);
    await refused(await bench.issuer.sign(claims({ iss: [bench.issuer.url] })), /no kind that is known/);
  });

  test('expired, not valid yet, and without an end', async () => {
    await refused(await bench.issuer.sign(claims({ exp: seconds(-5) })), /expired/);
    await refused(await bench.issuer.sign(claims({ nbf: seconds(300) })), /not valid yet/);
    await refused(await bench.issuer.sign(claims({ exp: undefined })), /does not say when it ends/);
    await refused(await bench.issuer.sign(claims({ exp: '9999999999' })), /exp|end/);
  });

  test('nobody\u2019s', async () => {
    await refused(await bench.issuer.sign(claims({ sub: undefined, client_id: undefined })), /whose it is/);
    await refused(await bench.issuer.sign(claims({ sub: '', client_id: '' })), /whose it is/);
  });

  test('a token of another type', async () => {
    await refused(await bench.issuer.sign(claims(), { typ: 'dpop+jwt' }), /another type/);
    await refused(await bench.issuer.sign(claims(), { typ: 'logout+jwt' }), /another type/);
  });

  test('bound to a certificate, which cannot be checked, or to nothing that makes sense', async () => {
    await refused(await bench.issuer.sign(claims({ cnf: { 'x5t#S256': 'x' } })), /bound in a way/);
    await refused(await bench.issuer.sign(claims({ cnf: {} })), /bound in a way/);
    await refused(await bench.issuer.sign(claims({ cnf: { jkt: 7 } })), /bound in a way/);
    await refused(await bench.issuer.sign(claims({ cnf: 'x' })), /bound in a way/);
  });

  test('bound to a key that the sender does not show', async () => {
    const answer = await knock(aud(), bearer(await bench.issuer.sign(claims({ cnf: { jkt: 'thumbprint' } }))));
    expect(answer.status).toBe(401);
    expect(challengeIn(answer.headers['www-authenticate'])).toMatchObject({
      scheme: 'DPoP',
      params: { error: 'invalid_token' },
    });
  });
});

describe('signatures', () => {
  const none = (alg: string) => byHand({ alg, typ: 'at+jwt' }, claims(), () => '');

  test.each(['none', 'None', 'NONE', 'nOnE', ''])('algorithm %j', async (alg) => {
    await refused(none(alg), /not let in|no kind that is known/);
  });

  test('none, with a signature all the same', async () => {
    await refused(
      byHand({ alg: 'none', kid: bench.issuer.kid }, claims(), () => 'AAAA'),
      /not let in/,
    );
  });

  test.each(['HS256', 'HS384', 'HS512'])('%s with the public key as the secret', async (alg) => {
    const key = createPublicKey(bench.issuer.key as unknown as KeyObject);
    const spellings = [
      key.export({ type: 'spki', format: 'pem' }),
      key.export({ type: 'spki', format: 'der' }),
      JSON.stringify(await exportJWK(key)),
    ];
    for (const secret of spellings) {
      const sign = (text: string) => createHmac(alg.replace('HS', 'sha'), secret).update(text).digest('base64url');
      await refused(byHand({ alg, kid: bench.issuer.kid, typ: 'at+jwt' }, claims(), sign), /not let in/);
    }
  });

  test('of another key, under the id of the right one', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const token = await new SignJWT({ iss: bench.issuer.url, sub: 'alice', ...claims() })
      .setProtectedHeader({ alg: 'RS256', kid: bench.issuer.kid, typ: 'at+jwt' })
      .sign(privateKey);
    await refused(token, /signature is wrong/);
  });

  test('of another text, cut off, or none', async () => {
    const [head = '', , signature = ''] = (await bench.issuer.sign(claims())).split('.');
    const other = encode({ iss: bench.issuer.url, sub: 'bob', ...claims() });
    await refused(`${head}.${other}.${signature}`, /signature is wrong/);
    const whole = await bench.issuer.sign(claims());
    await refused(whole.slice(0, -8), /signature is wrong|malformed/);
    await refused(whole.slice(0, whole.lastIndexOf('.') + 1), /signature is wrong|malformed/);
  });

  test('by a key that the token brings along, or says where to get: nobody fetches it', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const keys = (_req: IncomingMessage, res: ServerResponse) =>
      void res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [{ ...jwk, kid: 'own' }] }));
    const server = await startWeb('http', keys);
    const at = `http://127.0.0.1:${server.port}/keys`;
    const sign = (header: object) =>
      new SignJWT({ iss: bench.issuer.url, sub: 'alice', ...claims() })
        .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...header })
        .sign(privateKey);
    for (const kid of [bench.issuer.kid, 'own', undefined])
      for (const header of [{ jwk }, { jku: at }, { x5u: at }, { x5c: ['AAAA'] }, { jku: at, x5u: at, jwk }])
        await refused(await sign({ ...(kid ? { kid } : {}), ...header }), /signature is wrong|does not have/);
    expect(server.hits).toBe(0);
    await server.close();
  });

  test('with an extension that must be understood', async () => {
    await refused(
      byHand({ alg: 'RS256', kid: bench.issuer.kid, crit: ['exp'], exp: 1 }, claims(), () => 'AAAA'),
      /malformed|wrong/,
    );
  });

  test.each(['x', 'a.b.c', 'a.b', '...', 'a.b.c.d.e', 'ey.ey.', `${'a'.repeat(9_000)}.a.a`])(
    'of what is no token: %.20s',
    async (token) => {
      const answer = await knock(aud(), bearer(token));
      expect(answer.status).toBe(401);
    },
  );
});

test('keys that do not exist: a flood of them is no flood of fetches', async () => {
  const fetches = () => bench.issuer.requests.filter((line) => line === 'GET /jwks').length;
  const [before, seen] = [fetches(), bench.gateway.logs.length];
  const tokens = await Promise.all(
    Array.from({ length: 200 }, (_, i) => bench.issuer.sign(claims(), { kid: `unknown ${i}` })),
  );
  const answers = await Promise.all(tokens.map((token) => knock(aud(), bearer(token))));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  // one for them all, and none again for as long as that one is new
  expect(fetches() - before).toBeLessThanOrEqual(1);
  const isTold = ({ audit, reason }: LogLine) => audit === 'refused' && /does not have/.test(String(reason));
  await expect.poll(() => bench.gateway.logs.slice(seen).filter(isTold).length).toBe(tokens.length);
  const good = await knock(aud(), await bench.bearer());
  expect(good.status).toBe(400);
});

describe('where credentials do not belong', () => {
  test.each(['access_token', 'ACCESS_TOKEN', 'api_key'])('#161 in the query: %s', async (name) => {
    const token = await bench.token();
    for (const headers of [{}, bearer(token)]) {
      const answer = await knock(`${aud()}?x=1&${name}=${token}`, headers);
      expect(answer.status).toBe(400);
      expect(challengeIn(answer.headers['www-authenticate']).params).toMatchObject({ error: 'invalid_request' });
    }
    await bench.gateway.waitForLog(({ audit, fault }) => audit === 'refused' && fault === 'badCredentials');
    expect(JSON.stringify(bench.gateway.logs)).not.toContain(token);
  });

  test('two at once, and what is no credential', async () => {
    const token = await bench.token();
    for (const headers of [
      { authorization: `Bearer ${token}`, 'x-api-key': 'k' },
      { authorization: `Bearer ${token}, Bearer ${token}` },
      { authorization: `Bearer ${token} ${token}` },
      { authorization: `Basic ${btoa('alice:secret')}` },
      { authorization: 'Bearer' },
      { authorization: `Bearer\t${token}` },
      { authorization: token },
    ]) {
      const seen = bench.gateway.logs.length;
      const answer = await knock(aud(), headers);
      await bench.gateway.waitForLog(
        (line) => line.fault === 'badCredentials' && bench.gateway.logs.indexOf(line) >= seen,
      );
      expect(answer.status).toBe(400);
      expect(challengeIn(answer.headers['www-authenticate']).params).toMatchObject({ error: 'invalid_request' });
    }
  });

  test('in the body of a form', async () => {
    const answer = await knock(aud(), { 'content-type': 'application/x-www-form-urlencoded' });
    expect(answer.status).toBe(401);
  });
});

test('a session id with the token of another user, or without one, is worth nothing', async () => {
  const session = await Session.open(aud(), { headers: await bench.bearer({ user: 'alice' }) });
  const stolen = { 'mcp-session-id': session.id };
  const bob = await bench.bearer({ user: 'bob' });
  expect((await knock(aud(), stolen)).status).toBe(401);
  const answer = await knock(aud(), { ...stolen, ...bob });
  const unknown = await knock(aud(), { 'mcp-session-id': crypto.randomUUID(), ...bob });
  expect([answer.status, answer.text]).toEqual([404, unknown.text]);
  const line = await bench.gateway.waitForLog(({ audit, fault }) => audit === 'refused' && fault === 'sessionUnknown');
  expect(line).toMatchObject({
    principal: 'bob',
    status: 404,
    address: '127.0.0.1',
    reason: expect.stringMatching(/another principal/),
  });
  expect(JSON.stringify(bench.gateway.logs)).not.toContain(session.id);
  expect((await knock(aud(), { ...stolen, ...(await bench.bearer({ client: 'other' })) })).status).toBe(404);
  expect(await session.callText('legacy__read')).toBe('read');
});

test('so is the address to which a host of HTTP+SSE posts', async () => {
  const own = await bench.bearer({ user: 'alice' });
  const door = await enter(new URL('/sse', aud()).href, own);
  const post = (headers: object) =>
    exchange(door.post.href, { headers: { ...headers }, body: initializeMessage('2024-11-05') });
  expect((await post({})).status).toBe(401);
  const seen = bench.gateway.logs.length;
  expect((await post(await bench.bearer({ user: 'mallory' }))).status).toBe(404);
  const line = await bench.gateway.waitForLog(
    (one) => bench.gateway.logs.indexOf(one) >= seen && one.fault === 'sessionUnknown',
  );
  expect(line).toMatchObject({ audit: 'refused', principal: 'mallory', status: 404, method: 'POST' });
  expect((await post(own)).status).toBe(202);
  door.stream.drop();
});

describe('issuers at private addresses', () => {
  const webs: Web[] = [];
  afterEach(async () => {
    for (const web of webs.splice(0)) await web.close();
  });
  /** An address of this machine that is not loopback: in a private network, or treated like one. */
  const own = Object.values(networkInterfaces())
    .flat()
    .find(
      (found) => found?.family === 'IPv4' && !found.internal && /^(10|172|192\.168)\./.test(found.address),
    )?.address;

  /** Starts a gateway that trusts `issuer`, and gives what it says when a token of it comes. */
  async function problem(issuer: string, more: object = {}): Promise<string> {
    await using other = await startBench({
      auth: () => ({ mode: 'jwt', jwt: [{ issuer, clockSkew: 0, ...more }] }),
      env: {
        NODE_EXTRA_CA_CERTS: CERTIFICATE,
        NODE_OPTIONS: `--import=${new URL('./names.ts', import.meta.url).href}`,
      },
    });
    const token = await bench.issuer.sign({ ...claims(), iss: issuer, aud: other.gateway.url });
    const answer = await knock(other.gateway.url, bearer(token));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBeDefined();
    // what went wrong there is for the admin alone
    expect(answer.message.error?.message).toBe(
      'The access token cannot be checked now: the keys of its issuer are not to be had',
    );
    const line = await other.gateway.waitForLog(({ msg }) => msg === 'the keys of an issuer cannot be fetched');
    return String(line.reason);
  }

  const issuing =
    (more: (url: string) => object) =>
    (req: IncomingMessage, res: ServerResponse): void => {
      const issuer = `https://${req.headers.host}`;
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ issuer, ...more(issuer) }));
    };
  const web = async (
    listener: (req: IncomingMessage, res: ServerResponse) => void,
    scheme: 'http' | 'https' = 'https',
  ) => {
    const started = await startWeb(scheme, listener, '0.0.0.0');
    webs.push(started);
    return started;
  };

  test('metadata at one', async () => {
    const server = await web(issuing((url) => ({ jwks_uri: `${url}/jwks` })));
    expect(await problem(`https://10.255.255.254:${server.port}`)).toMatch(/10\.255\.255\.254 is not a public address/);
    if (own) expect(await problem(`https://${own}:${server.port}`)).toMatch(/is not a public address/);
    expect(server.hits).toBe(0);
  });

  test('metadata at a name that resolves to one', async () => {
    const server = await web(issuing((url) => ({ jwks_uri: `${url}/jwks` })));
    const reason = await problem(`https://login.example.test:${server.port}`);
    expect(reason).toMatch(/login\.example\.test \(127\.0\.0\.1\) is not a public address/);
    expect(server.hits).toBe(0);
  });

  test('keys at one, named by metadata', async () => {
    const inner = await web(() => undefined, 'http');
    const server = await web(issuing(() => ({ jwks_uri: 'https://169.254.169.254/latest/meta-data' })));
    const trusted = { allowAddresses: ['127.0.0.1'] };
    await using other = await startBench({
      auth: () => ({ mode: 'jwt', jwt: [{ issuer: `https://login.example.test:${server.port}` }], ...trusted }),
      env: {
        NODE_EXTRA_CA_CERTS: CERTIFICATE,
        NODE_OPTIONS: `--import=${new URL('./names.ts', import.meta.url).href}`,
      },
    });
    const line = await other.gateway.waitForLog(({ msg }) => msg === 'the keys of an issuer cannot be fetched');
    expect(line.reason).toMatch(/169\.254\.169\.254 is not a public address/);
    expect([server.hits > 0, inner.hits]).toEqual([true, 0]);
  });

  test('keys behind a redirect to one', async () => {
    const inner = await web(() => undefined, 'http');
    const to = `http://127.0.0.1:${inner.port}/jwks`;
    const issuer = bench.issuer;
    issuer.overrides.set('/redirected', (_req, res) => void res.writeHead(302, { location: to }).end());
    issuer.overrides.set(
      '/far',
      (_req, res) => void res.writeHead(307, { location: 'https://[::ffff:10.0.0.1]/' }).end(),
    );
    expect(await problem(`${issuer.url}/x`, { jwksUri: `${issuer.url}/redirected` })).toMatch(/not a public address/);
    expect(await problem(`${issuer.url}/x`, { jwksUri: `${issuer.url}/far` })).toMatch(/not a public address/);
    expect(inner.hits).toBe(0);
  });
});
