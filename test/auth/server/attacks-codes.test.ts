/** Codes and tokens as attackers use them: what is no answer to one's own question is worth nothing. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Attacked, expectSilent, expectTold, NATIVE, refusedWith, startAttacked } from './attacked.ts';
import { type Bench, CHALLENGE, type Tokens, VERIFIER, WEB } from './bench.ts';

let attacked: Attacked;
let bench: Bench;
let web: string;
let native: string;
let other: string;
beforeAll(async () => {
  attacked = await startAttacked();
  ({ bench, web, native, other } = attacked);
}, 60_000);
afterAll(() => attacked?.gateway.stop());

describe('codes', () => {
  test('used again, which ends all that was made of it', async () => {
    const code = await bench.code(web);
    const { body } = await bench.redeem(web, code);
    const { access_token, refresh_token } = body as Record<string, string>;
    expect(await bench.knock(access_token!)).toBe(400);
    refusedWith(await bench.redeem(web, code), 'invalid_grant');
    expect(await bench.knock(access_token!)).toBe(401);
    refusedWith(await bench.refresh(web, refresh_token!), 'invalid_grant');
  });

  test('used by two at once: one gets an answer at most, and nothing of it lasts', async () => {
    const code = await bench.code(web);
    const answers = await Promise.all(Array.from({ length: 6 }, () => bench.redeem(web, code)));
    const got = answers.filter(({ status }) => status === 200);
    expect(got.length).toBeLessThanOrEqual(1);
    for (const { body } of got) expect(await bench.knock(String(body.access_token))).toBe(401);
  });

  test('of another client', async () => {
    const code = await bench.code(web);
    refusedWith(await bench.redeem(other, code), 'invalid_grant');
    refusedWith(await bench.redeem('nobody', code), 'invalid_client', 401);
    expect((await bench.redeem(web, code)).status).toBe(200);
  });

  test('with another redirect URI', async () => {
    const code = await bench.code(web);
    refusedWith(await bench.redeem(web, code, { redirect_uri: `${WEB}/` }), 'invalid_grant');
    refusedWith(await bench.redeem(web, code, { redirect_uri: 'https://evil.example/' }), 'invalid_grant');
    const own = await bench.code(native, { redirect_uri: NATIVE });
    refusedWith(await bench.redeem(native, own, { redirect_uri: 'http://127.0.0.1:3001/callback' }), 'invalid_grant');
    refusedWith(await bench.redeem(native, own, { redirect_uri: '' }), 'invalid_request');
  });

  test('made up', async () => {
    for (const code of ['x', randomBytes(32).toString('base64url'), '../../etc/passwd', "' OR 1=1 --"])
      refusedWith(await bench.redeem(web, code), 'invalid_grant');
  });
});

describe('PKCE', () => {
  /** What the client is told, in the address that it registered. */
  async function told(changes: Record<string, string | undefined>): Promise<Record<string, string>> {
    const { left } = await bench.browser().go(bench.question(web, changes));
    expect(left?.href.split('?')[0]).toBe(WEB);
    return Object.fromEntries(left!.searchParams);
  }
  const refusal = () => ({
    error: 'invalid_request',
    error_description: expect.any(String),
    state: 'a state',
    iss: bench.base,
  });

  test('left out, plain, of an unknown method, or no hash', async () => {
    expect(await told({ code_challenge: undefined, code_challenge_method: undefined })).toEqual(refusal());
    expect(await told({ code_challenge: undefined })).toEqual(refusal());
    expect(await told({ code_challenge: '' })).toEqual(refusal());
    expect(await told({ code_challenge: VERIFIER, code_challenge_method: 'plain' })).toEqual(refusal());
    // the default method is plain (RFC 7636 §4.3)
    expect(await told({ code_challenge_method: undefined })).toEqual(refusal());
    expect(await told({ code_challenge_method: 'S512' })).toEqual(refusal());
    expect(await told({ code_challenge_method: 's256' })).toEqual(refusal());
    expect(await told({ code_challenge: 'short' })).toEqual(refusal());
    expect(await told({ code_challenge: `${CHALLENGE} ` })).toEqual(refusal());
  });

  test('a wrong verifier, none, the challenge itself; the right one is still good', async () => {
    const code = await bench.code(web);
    refusedWith(await bench.redeem(web, code, { code_verifier: `${VERIFIER}x` }), 'invalid_grant');
    refusedWith(await bench.redeem(web, code, { code_verifier: CHALLENGE }), 'invalid_grant');
    const { code_verifier: _none, ...rest } = {
      grant_type: 'authorization_code',
      client_id: web,
      code,
      redirect_uri: WEB,
      code_verifier: VERIFIER,
    };
    refusedWith(await bench.token(rest), 'invalid_grant');
    expect((await bench.redeem(web, code)).status).toBe(200);
  });
});

describe('refresh tokens', () => {
  test('used again, which ends them all, and the access tokens', async () => {
    const first = await bench.tokens(web);
    const second = (await bench.refresh(web, first.refresh_token)).body as unknown as Tokens;
    const third = (await bench.refresh(web, second.refresh_token)).body as unknown as Tokens;
    for (const { access_token } of [first, second, third]) expect(await bench.knock(access_token)).toBe(400);
    refusedWith(await bench.refresh(web, second.refresh_token), 'invalid_grant');
    refusedWith(await bench.refresh(web, third.refresh_token), 'invalid_grant');
    for (const { access_token } of [first, second, third]) expect(await bench.knock(access_token)).toBe(401);
  });

  test('of another client, or for more than was allowed', async () => {
    const { refresh_token } = await bench.tokens(web);
    refusedWith(await bench.refresh(other, refresh_token), 'invalid_grant');
    refusedWith(await bench.refresh(web, refresh_token, { scope: 'mcp admin' }), 'invalid_scope');
    expect((await bench.refresh(web, refresh_token)).status).toBe(200);
  });

  test('for another resource, which does not use them up', async () => {
    const { access_token, refresh_token } = await bench.tokens(web);
    for (const resource of ['https://other.example/mcp', `${bench.endpoint}/more`, 'x'])
      refusedWith(await bench.refresh(web, refresh_token, { resource }), 'invalid_target');
    const next = await bench.refresh(web, refresh_token, { resource: bench.endpoint });
    expect(next.status).toBe(200);
    // used once only: what came of it is still good
    expect(await bench.knock(access_token)).toBe(400);
    expect((await bench.refresh(web, String(next.body.refresh_token))).status).toBe(200);
  });

  test.each(['refresh_token', 'access_token'] as const)(
    'taken back by another client: nothing happens; by its own, all of the grant ends: %s',
    async (which) => {
      const tokens = await bench.tokens(web);
      const { access_token, refresh_token } = tokens;
      const newer = (await bench.refresh(web, refresh_token)).body as unknown as Tokens;
      const token = which === 'access_token' ? access_token : newer.refresh_token;
      expect((await bench.revoke(other, token)).status).toBe(200);
      expect(await bench.knock(access_token)).toBe(400);
      const answer = await bench.revoke(web, token);
      expect([answer.status, await answer.text()]).toEqual([200, '']);
      for (const each of [access_token, newer.access_token]) expect(await bench.knock(each)).toBe(401);
      refusedWith(await bench.refresh(web, newer.refresh_token), 'invalid_grant');
    },
  );

  test('that nobody knows are no error where they are taken back (RFC 7009 §2.2); a client has to be known', async () => {
    const { access_token } = await bench.tokens(web);
    const [head, body] = access_token.split('.');
    for (const token of ['x', 'a.b.c', `${head}.${body}.${'A'.repeat(86)}`])
      expect((await bench.revoke(web, token)).status).toBe(200);
    expect(await bench.knock(access_token)).toBe(400);
    expect((await bench.revoke('nobody', access_token)).status).toBe(401);
    expect((await bench.revoke(web, access_token, [['token', access_token]])).status).toBe(400);
    expect(await bench.knock(access_token)).toBe(400);
  });

  test('are no access tokens, nor the other way round', async () => {
    const { access_token, refresh_token } = await bench.tokens(web);
    expect(await bench.knock(refresh_token)).toBe(401);
    refusedWith(await bench.refresh(web, access_token), 'invalid_grant');
    refusedWith(await bench.redeem(web, refresh_token), 'invalid_grant');
  });
});

describe('last', () => {
  test('what was refused is in the log, with who and why', () => {
    const reason = (text: RegExp) => expect.stringMatching(text);
    expectTold(attacked.gateway, [
      { fault: 'invalid_grant', client: web, reason: reason(/code already consumed/) },
      { fault: 'invalid_grant', client: web, reason: reason(/code_verifier does not match/) },
      { fault: 'invalid_grant', client: other, reason: reason(/client mismatch/) },
      { fault: 'invalid_grant', client: web, reason: reason(/refresh token already used/) },
      { fault: 'invalid_request', client: web, path: '/oauth/authorize', reason: reason(/code_challenge/) },
    ]);
  });

  test('no secret is in the log', () =>
    expectSilent(attacked, ['sign-in', 'consent', 'token issued', 'token revoked']));
});
