/** The sign-in as attackers use it: each attempt is refused as the RFCs say, and nobody is sent where no client asked. */
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PASSWORDS, type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { CERTIFICATE, startWeb, type Web } from '../https.ts';
import { type Answer, Bench, CHALLENGE, expectGuarded, expectPage, VERIFIER, WEB } from './bench.ts';
import type { Browser } from './browser.ts';

/** More than all tests of this file make, and few enough to be reached. */
const REGISTRATIONS = 60;
const NATIVE = 'http://127.0.0.1:3000/callback';
const APP = 'cursor://anysphere.cursor-retrieval/oauth/callback';

let gateway: SignInGateway;
let bench: Bench;
/** A web application, one on the user's computer, and one that has nothing to do with them. */
let web: string;
let native: string;
let other: string;
beforeAll(async () => {
  gateway = await startSignInGateway(
    {},
    {
      auth: { limits: { registrations: REGISTRATIONS }, allowAddresses: ['127.0.0.1'] },
      config: { log: { level: 'trace' } },
      env: {
        NODE_EXTRA_CA_CERTS: CERTIFICATE,
        NODE_OPTIONS: `--import=${new URL('../names.ts', import.meta.url).href}`,
      },
    },
  );
  bench = new Bench(gateway.base);
  web = await bench.register([WEB]);
  native = await bench.register([NATIVE, 'http://localhost/here', APP]);
  other = await bench.register([WEB]);
});
afterAll(() => gateway?.stop());

const refusedWith = ({ status, body }: Answer, error: string, code = 400): void =>
  expect({ status, error: body.error }).toEqual({ status: code, error });

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

describe('redirect URIs', () => {
  /** An error page, and nothing that leads there. */
  async function nowhere(client: string, uri: string | undefined): Promise<void> {
    const stop = await bench.browser().go(bench.question(client, { redirect_uri: uri }));
    expectPage(stop);
    expect(stop.html).not.toMatch(/href=/);
    const wrong = await bench.browser().go(bench.question(client, { redirect_uri: uri, code_challenge: undefined }));
    expectPage(wrong);
  }

  test.each([
    'https://evil.example/callback',
    'https://app.example.com/callback/',
    'https://app.example.com/callback/more',
    'https://app.example.com/callbackmore',
    'https://app.example.com/call',
    'https://app.example.com/',
    'https://app.example.com',
    'https://app.example.com/callback?x=1',
    'https://app.example.com/callback?',
    'https://app.example.com/callback#',
    'https://app.example.com/callback#x',
    'https://app.example.com/x/../callback',
    'https://app.example.com/callback/..',
    'https://app.example.com/callback/../../evil',
    'https://app.example.com//callback',
    'https://app.example.com/%63allback',
    'https://app.example.com%2fcallback',
    'https://app.example.com/callback%2f..%2fevil',
    'https://app.example.com/callback%00',
    'https://app.example.com\\callback',
    'https:\\\\app.example.com\\callback',
    'https://app.example.com.evil.example/callback',
    'https://evil.example/app.example.com/callback',
    'https://evilapp.example.com/callback',
    'https://app.example.com@evil.example/callback',
    'https://evil.example@app.example.com/callback',
    'https://user:password@app.example.com/callback',
    'https://evil.example\\@app.example.com/callback',
    'https://app.example.com:443/callback',
    'https://app.example.com:8443/callback',
    'https://APP.example.com/callback',
    'HTTPS://app.example.com/callback',
    'https://app.example.com/Callback',
    'https://app.example.com./callback',
    'http://app.example.com/callback',
    'https://*.example.com/callback',
    'https://app.example.com/*',
    'https://аpp.example.com/callback',
    '//app.example.com/callback',
    '/callback',
    'callback',
    ' https://app.example.com/callback',
    'https://app.example.com/callback ',
    'https://app.example.com/callback\r\nlocation: https://evil.example',
    'javascript:alert(1)',
    'javascript://app.example.com/callback%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'http://127.0.0.1:3000/callback',
    'http://localhost/callback',
  ])('of a web application: %j', async (uri) => {
    await nowhere(web, uri);
  });

  test.each([
    'http://127.0.0.1:3000/other',
    'http://127.0.0.1:3000/callback/../other',
    'http://127.0.0.1:3000/callback?x',
    'http://127.0.0.1:3000/callback#x',
    'http://127.0.0.1:99999/callback',
    'http://127.0.0.1:x/callback',
    'http://127.0.0.1:3000@evil.example/callback',
    'http://user@127.0.0.1:3000/callback',
    'http://evil.example@127.0.0.1:3000/callback',
    'https://127.0.0.1:3000/callback',
    'http://127.0.0.2:3000/callback',
    'http://0.0.0.0:3000/callback',
    'http://[::1]:3000/callback',
    'http://localhost:3000/callback',
    'http://localhost.evil.example/here',
    'http://127.0.0.1.evil.example:3000/callback',
    'http://127.0.0.1:3000.evil.example/callback',
    'http://2130706433:3000/callback',
    'cursor://evil/oauth/callback',
    'cursor://anysphere.cursor-retrieval/oauth/callback/x',
    'cursor://anysphere.cursor-retrieval:80/oauth/callback',
    'vscode://anysphere.cursor-retrieval/oauth/callback',
    'cursor:anysphere.cursor-retrieval/oauth/callback',
    '',
    undefined,
  ])('of a program: %s', async (uri) => {
    await nowhere(native, uri);
  });

  test.each([
    NATIVE,
    'http://127.0.0.1:51234/callback',
    'http://127.0.0.1/callback',
    'http://localhost:51234/here',
    APP,
  ])('of a program, at any port of this computer: %s', async (uri) => {
    const stop = await bench.browser().go(bench.question(native, { redirect_uri: uri }));
    expect([stop.status, stop.html.includes('name="password"')]).toEqual([200, true]);
  });

  test('left out: the only one counts (OAuth 2.1 §4.1.1)', async () => {
    for (const uri of ['', undefined]) {
      const { left } = await bench.browser().go(bench.question(web, { redirect_uri: uri, code_challenge: undefined }));
      expect(left?.href.split('?')[0]).toBe(WEB);
    }
  });

  test('two of them', async () => {
    for (const [client, uri] of [
      [web, WEB],
      [native, NATIVE],
    ] as const) {
      for (const uris of [
        [uri, 'https://evil.example/callback'],
        ['https://evil.example/callback', uri],
        [uri, uri],
      ]) {
        const url = bench.question(client, { redirect_uri: undefined });
        for (const each of uris) url.searchParams.append('redirect_uri', each);
        const { status, left } = await bench.browser().go(url);
        if (left === undefined) expect(status).toBe(400);
        else expect([left.href.split('?')[0], left.searchParams.get('error')]).toEqual([uri, 'invalid_request']);
      }
    }
  });

  test.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://app.example.com/x',
    'about:blank',
    'view-source:https://app.example.com/',
    'http://evil.example/callback',
    'http://10.0.0.1/callback',
    'https://app.example.com/callback#fragment',
    'https://app.example.com/callback#',
    '/callback',
    '',
  ])('that no client can have: %j', async (uri) => {
    for (const type of ['native', 'web']) {
      const answer = await bench.tryRegister({ redirect_uris: [uri], application_type: type });
      refusedWith(answer, 'invalid_redirect_uri');
    }
  });
});
