/** Opaque tokens, of which only their issuer knows what they are good for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Session } from '../gateway/client.ts';
import { type Bench, byIntrospection, challengeIn, knock, startBench } from './bench.ts';
import { CLIENT, GATEWAY, type Issuer, seconds, startIssuer } from './issuer.ts';

/** Stands for a body that is too long. */
const LONG = 'long';
const PATH = '/token/introspection';

let second: Issuer;
let bench: Bench;
beforeAll(async () => {
  second = await startIssuer();
  bench = await startBench({
    auth: (issuer) => ({
      ...byIntrospection(issuer),
      introspection: [
        { issuer: issuer.url, ...GATEWAY, cache: '200ms' },
        { issuer: second.url, ...GATEWAY, cache: '1h' },
      ],
    }),
  });
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await second?.close();
});
afterEach(() => bench.issuer.overrides.clear());

const url = () => bench.gateway.url;
const opaque = (options: object = {}) => bench.token({ format: 'opaque', ...options });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const asked = (issuer: Issuer = bench.issuer) => issuer.requests.filter((line) => line === `POST ${PATH}`).length;
/** What is wrong with a token, as its sender is told; `undefined` when it was let in. */
async function problem(token: string): Promise<string | undefined> {
  const answer = await knock(url(), bearer(token));
  if (answer.status === 400) return undefined;
  return `${answer.status} ${answer.message.error?.message}`;
}
/** The first issuer answers like this. */
function answers(body: unknown, status = 200): void {
  const reply = (_req: IncomingMessage, res: ServerResponse) =>
    void res
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  bench.issuer.overrides.set(PATH, reply);
}
const active = (more: object = {}) => ({
  active: true,
  sub: 'alice',
  client_id: CLIENT,
  aud: url(),
  exp: seconds(60),
  ...more,
});
let last = 0;
const fresh = (): string => `token-${++last}`;

test('a good one lets its user in, of whichever issuer it is', async () => {
  for (const token of [await opaque(), await second.token({ audience: url(), format: 'opaque' })]) {
    expect(token).not.toContain('.');
    const session = await Session.open(url(), { headers: bearer(token) });
    expect(await session.callText('legacy__read')).toBe('read');
  }
});

test('a JWT is asked for at its own issuer', async () => {
  const before = asked();
  expect(await problem(await second.token({ audience: url(), format: 'opaque' }))).toBeUndefined();
  const signed = await second.sign({ aud: url(), exp: seconds(60) });
  const then = [asked(), asked(second)];
  expect(await problem(signed)).toMatch(/^401 .*does not know it/);
  expect([asked(), asked(second)]).toEqual([then[0], then[1]! + 1]);
  expect(asked()).toBeGreaterThan(before);
});

test('the issuer is asked with clientId and clientSecret, encoded as they must be', async () => {
  let seen: { authorization?: string | undefined; type?: string | undefined; body?: string } = {};
  bench.issuer.overrides.set(PATH, async (req, res) => {
    seen = { authorization: req.headers.authorization, type: req.headers['content-type'], body: await text(req) };
    res.end(JSON.stringify(active()));
  });
  const token = fresh();
  expect(await problem(token)).toBeUndefined();
  const [id, secret] = Buffer.from(seen.authorization!.replace('Basic ', ''), 'base64').toString().split(':');
  expect([id, decodeURIComponent(secret!.replaceAll('+', ' '))]).toEqual([GATEWAY.clientId, GATEWAY.clientSecret]);
  expect(seen.type).toBe('application/x-www-form-urlencoded');
  expect(Object.fromEntries(new URLSearchParams(seen.body))).toEqual({ token, token_type_hint: 'access_token' });
});

describe('an answer', () => {
  test('is believed for the time that is configured, and no longer', async () => {
    const token = await opaque();
    const before = asked();
    for (let i = 0; i < 5; i++) expect(await problem(token)).toBeUndefined();
    expect(asked() - before).toBe(1);
    await expect
      .poll(async () => [await problem(token), asked() - before > 1], { interval: 50 })
      .toEqual([undefined, true]);
  });

  test('is one for all who come with the token at once', async () => {
    const token = await opaque();
    const before = asked();
    expect(new Set(await Promise.all(Array.from({ length: 30 }, () => problem(token))))).toEqual(new Set([undefined]));
    expect(asked() - before).toBe(1);
  });

  test('is not believed longer than the token is good', async () => {
    const token = await second.token({ audience: url(), format: 'opaque', lifetime: 2 });
    expect(await problem(token)).toBeUndefined();
    await expect.poll(() => problem(token), { timeout: 5_000, interval: 100 }).toMatch(/^401/);
  });
});

test('a token that was taken back is refused as soon as the last answer has aged', async () => {
  const token = await opaque({ user: 'carol' });
  expect(await problem(token)).toBeUndefined();
  await bench.issuer.revoke('carol');
  await expect.poll(() => problem(token), { interval: 50 }).toMatch(/^401 .*does not know it, or not any more/);
  const { params } = challengeIn((await knock(url(), bearer(token))).headers['www-authenticate']);
  expect(params.error).toBe('invalid_token');
});

test('a bad token is not asked for each time that it comes', async () => {
  const token = fresh();
  const before = asked();
  for (let i = 0; i < 10; i++) expect(await problem(token)).toMatch(/^401/);
  expect(asked() - before).toBe(1);
});

test('a refresh token is no access token', async () => {
  expect(await problem(await bench.issuer.refreshToken('alice'))).toMatch(/^401/);
});

describe('an active token is refused', () => {
  const CASES: [string, () => object, RegExp][] = [
    ['for another audience', () => ({ aud: 'https://other.example' }), /another audience/],
    ['for no audience', () => ({ aud: undefined }), /meant for no audience; its issuer must say which/],
    ['of another issuer', () => ({ iss: 'https://other.example' }), /another issuer/],
    ['of another type', () => ({ token_type: 'refresh_token' }), /another type/],
    ['that has ended', () => ({ exp: seconds(-1) }), /expired/],
    ['whose end makes no sense', () => ({ exp: 'soon' }), /expired/],
    ['that has not begun', () => ({ nbf: seconds(100) }), /not valid yet/],
    ['bound to a certificate', () => ({ cnf: { 'x5t#S256': 'x' } }), /cannot be checked here/],
    ['of nobody', () => ({ sub: undefined, client_id: undefined }), /whose it is/],
  ];
  test.each(CASES)('%s', async (_, more, reason) => {
    answers(active(more()));
    expect(await problem(fresh())).toMatch(reason);
  });

  test.each([{}, { active: 'true' }, { active: 1 }, { active: false, sub: 'alice' }])(
    'that is not said to be active: %j',
    async (body) => {
      answers(body);
      expect(await problem(fresh())).toMatch(/^401 .*does not know it/);
    },
  );

  test('with all of it right, it is let in', async () => {
    answers(active({ iss: bench.issuer.url, token_type: 'Bearer', aud: ['x', url()], nbf: seconds(-1) }));
    expect(await problem(fresh())).toBeUndefined();
    answers(active({ sub: undefined, exp: undefined }));
    expect(await problem(fresh())).toBeUndefined();
  });
});

describe('an issuer that cannot be asked', () => {
  const CASES: [unknown, number, RegExp][] = [
    ['', 401, /refuses clientId and clientSecret/],
    ['', 500, /HTTP 500/],
    ['<html>', 200, /no JSON object/],
    [LONG, 200, /more than 262144 bytes/],
  ];
  test.each(CASES)(
    'since it answers %s with HTTP %s: says so in the log, and 503 to the client',
    async (body, status, reason) => {
      answers(body === LONG ? 'x'.repeat(300_000) : body, status);
      const seen = bench.gateway.logs.length;
      const token = fresh();
      expect(await problem(token)).toBe('503 The access token cannot be checked now: its issuer cannot be asked');
      const said = (one: Readonly<Record<string, unknown>>) =>
        bench.gateway.logs.indexOf(one) >= seen && one.msg === 'an issuer cannot be asked about tokens';
      expect(await bench.gateway.waitForLog(said)).toMatchObject({
        level: 'warn',
        issuer: bench.issuer.url,
        reason: expect.stringMatching(reason),
      });
      expect(JSON.stringify(bench.gateway.logs)).not.toContain(token);
      bench.issuer.overrides.clear();
      expect(await problem(token)).toMatch(/^401/);
    },
  );

  test('does not keep the other from being asked', async () => {
    const token = await second.token({ audience: url(), format: 'opaque', user: 'dora' });
    answers('', 500);
    expect(await problem(token)).toBeUndefined();
  });

  test('is asked again when it is back', async () => {
    const token = await opaque({ user: 'erin' });
    await bench.issuer.down();
    expect(await problem(token)).toMatch(/^503/);
    await bench.issuer.up();
    expect(await problem(token)).toBeUndefined();
  });
});
