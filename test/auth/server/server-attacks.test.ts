/** The sign-in as attackers use it: each attempt is refused as the RFCs say, and nobody is sent where no client asked. */
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { PASSWORDS, type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { CERTIFICATE, startWeb, type Web } from '../https.ts';
import type { Browser, Stop } from './attack-browser.ts';
import { type Answer, Bench, CHALLENGE, expectGuarded, expectPage, type Tokens, VERIFIER, WEB } from './bench.ts';

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

describe('steps', () => {
  let browser: Browser;
  beforeEach(() => {
    browser = bench.browser();
  });
  const over = (stop: Stop): void => {
    expectPage(stop);
    expect(stop.html).toContain('This sign-in is over');
  };
  const login = { login: 'ada', password: PASSWORDS.ada };
  const failures = () => gateway.logs.filter(({ audit }) => audit === 'sign-in' || audit === 'sign-in failed').length;
  const consents = () => gateway.logs.filter(({ audit }) => audit === 'consent' || audit === 'consent denied').length;

  test('forms without their token, or with that of another step', async () => {
    const elsewhere = browser.form((await browser.go(bench.question(other))).html).fields.csrf!;
    const before = failures();
    const first = await browser.go(bench.question(web));
    const { action, fields } = browser.form(first.html);
    expect(fields.csrf).not.toBe(elsewhere);
    const wrong = [{}, { csrf: '' }, { csrf: 'x' }, { csrf: elsewhere }, { csrf: fields.csrf!.slice(0, -1) }];
    for (const csrf of wrong) over(await browser.send(action, { ...csrf, ...login }));
    const query = new URLSearchParams({ ...fields, ...login });
    expect((await browser.go(`${action}?${query}`)).status).toBe(404);
    expect(failures()).toBe(before);

    const consent = await browser.fill(first, login);
    const { action: decide } = browser.form(consent.html);
    const made = consents();
    for (const csrf of [...wrong, { csrf: fields.csrf! }])
      for (const decision of ['allow', 'deny', 'other']) over(await browser.send(decide, { ...csrf, decision }));
    expect(consents()).toBe(made);
    const { left } = await browser.fill(consent, { decision: 'allow' });
    expect(left?.searchParams.get('code')).toMatch(/./);
  });

  test('forms of other pages', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const before = failures();
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', `${bench.base}.evil.example`])
      over(await browser.send(action, { ...fields, ...login }, { origin }));
    expect(failures()).toBe(before);
    const consent = await browser.fill(stop, login);
    const decide = browser.form(consent.html);
    const made = consents();
    for (const origin of ['https://evil.example', 'null'])
      over(await browser.send(decide.action, { ...decide.fields, decision: 'allow' }, { origin }));
    for (const site of ['cross-site', 'same-site'])
      over(
        await browser.send(
          decide.action,
          { ...decide.fields, decision: 'allow' },
          { origin: bench.base, 'sec-fetch-site': site },
        ),
      );
    expect(consents()).toBe(made);
  });

  test('finished by another browser', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const stranger = bench.browser();
    over(await stranger.go(action.replace(/\/login$/, '')));
    over(await stranger.send(action, { ...fields, ...login }));
    // nor by one that is at a step of its own
    await stranger.go(bench.question(web));
    over(await stranger.send(action, { ...fields, ...login }));
    // nor by a program that shows the cookies of that step here, and its token
    const own = stranger.form((await stranger.go(bench.question(web))).html);
    for (const csrf of [fields.csrf!, own.fields.csrf!])
      over(await stranger.send(action, { csrf, ...login }, { cookie: stranger.cookies(own.action) }));
    const consent = await browser.fill(stop, login);
    const decide = browser.form(consent.html);
    over(await stranger.send(decide.action, { ...decide.fields, decision: 'allow' }));
    over(await stranger.go(decide.action.replace(/\/consent$/, '')));
  });

  test('gone on with by another browser', async () => {
    const stop = await browser.go(bench.question(web));
    const uid = browser.form(stop.html).action.split('/').at(-2);
    expectPage(await bench.browser().go(`/oauth/authorize/${uid}`));
    // the one that began is where it was
    expect((await browser.go(`/oauth/authorize/${uid}`)).html).toContain('name="password"');
  });

  test('taken twice', async () => {
    const stop = await browser.go(bench.question(web));
    const consent = await browser.fill(stop, login);
    over(await browser.fill(stop, login));
    expect((await browser.fill(consent, { decision: 'allow' })).left?.searchParams.get('code')).toMatch(/./);
    over(await browser.fill(consent, { decision: 'allow' }));
    over(await browser.go(browser.form(consent.html).action.replace(/\/consent$/, '')));
  });

  test('left out: there is no consent before somebody is signed in', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    over(await browser.send(action.replace(/login$/, 'consent'), { ...fields, decision: 'allow' }));
    over(await browser.send(action.replace(/login$/, 'provider'), fields));
  });

  test('a client asks each user anew, and a silent question gets no code', async () => {
    const consent = await bench.toConsent(browser, bench.question(web));
    await browser.fill(consent, { decision: 'allow' });
    const { left } = await browser.go(bench.question(other, { prompt: 'none' }));
    expect(Object.fromEntries(left!.searchParams)).toMatchObject({ error: 'consent_required', iss: bench.base });
    const again = await browser.go(bench.question(other));
    expect(again.html).toContain('value="allow"');
  });

  test('denied: the client is told, with the issuer', async () => {
    const { left } = await browser.fill(await bench.toConsent(browser, bench.question(web)), { decision: 'deny' });
    expect(left?.href.split('?')[0]).toBe(WEB);
    expect(Object.fromEntries(left!.searchParams)).toEqual({
      error: 'access_denied',
      error_description: expect.any(String),
      state: 'a state',
      iss: bench.base,
    });
  });

  test('what a step says that it leads to is what was asked', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const consent = await browser.send(action, {
      ...fields,
      ...login,
      redirect_uri: 'https://evil.example/',
      client_id: other,
    });
    const decide = browser.form(consent.html);
    const query = '?redirect_uri=https%3A%2F%2Fevil.example%2F&client_id=x';
    const { left } = await browser.send(decide.action + query, {
      ...decide.fields,
      decision: 'allow',
      redirect_uri: 'https://evil.example/',
    });
    expect(left?.href.split('?')[0]).toBe(WEB);
  });

  test('fields that are no texts, or too many', async () => {
    const stop = await browser.go(bench.question(web));
    const { action, fields } = browser.form(stop.html);
    const post = (body: string, type = 'application/x-www-form-urlencoded') =>
      fetch(new URL(action, bench.base), {
        method: 'POST',
        headers: { 'content-type': type, origin: bench.base },
        body,
      });
    const answers = [
      await post(`csrf=${fields.csrf}&csrf=x&login[]=a&login[]=b&__proto__[x]=1&constructor=1&password=x`),
      await post(''),
      await post('{"csrf":1}', 'application/json'),
      await post('x', 'text/plain'),
      await post(`login=${'x'.repeat(100_000)}`),
    ];
    for (const { status } of answers) expect([400, 413, 415]).toContain(status);
  });
});

test('pages are in no frame of another page, and run nothing', async () => {
  const browser = bench.browser();
  const stop = await browser.go(bench.question(web));
  const wrong = await browser.fill(stop, { login: 'ada', password: 'not it' });
  const consent = await browser.fill(wrong, { login: 'ada', password: PASSWORDS.ada });
  const pages = [
    stop,
    wrong,
    consent,
    await browser.go('/oauth/interaction/none'),
    await browser.go('/oauth/interaction/none/provider'),
    await browser.go('/oauth/federation?state=x'),
    await browser.go('/oauth/authorize/none'),
    await browser.go('/oauth/authorize'),
    await browser.go(bench.question('nobody')),
    await browser.send('/oauth/interaction/none/login', {}),
  ];
  expect(pages.map(({ status }) => status)).toEqual([200, 401, 200, ...Array.from({ length: 7 }, () => 400)]);
  for (const { headers, html } of pages) {
    expectGuarded(headers);
    expect(html).not.toMatch(/<script|\son[a-z]+=|javascript:/i);
  }
  const app = bench.browser();
  const left = await app.fill(await bench.toConsent(app, bench.question(native, { redirect_uri: APP })), {
    decision: 'allow',
  });
  expectGuarded(left.headers);
  expect(left.html).toContain(`content="0;url=${APP}?code=`);
  bench.secrets.add(/code=([^&]+)/.exec(left.html)![1]!);
});

test('what a client calls itself is text on a page', async () => {
  const name = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
  const client = await bench.register([WEB], { client_name: name, client_uri: 'javascript:alert(1)' });
  const { html } = await bench.toConsent(bench.browser(), bench.question(client));
  expect(html).not.toMatch(/<script|<img|javascript:/i);
  expect(html).toContain('&lt;script&gt;');
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
    const next = await bench.refresh(web, refresh_token);
    expect(next.status).toBe(200);
    const resource = 'https://other.example/mcp';
    refusedWith(await bench.refresh(web, String(next.body.refresh_token), { resource }), 'invalid_target');
  });

  test('taken back by another client: nothing happens; by its own, it ends', async () => {
    const { access_token, refresh_token } = await bench.tokens(web);
    const revoke = (client: string) =>
      fetch(`${bench.base}/oauth/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: client, token: refresh_token }),
      });
    await (await revoke(other)).body?.cancel();
    expect(await bench.knock(access_token)).toBe(400);
    expect((await revoke(web)).status).toBe(200);
    expect(await bench.knock(access_token)).toBe(401);
    refusedWith(await bench.refresh(web, refresh_token), 'invalid_grant');
  });

  test('are no access tokens, nor the other way round', async () => {
    const { access_token, refresh_token } = await bench.tokens(web);
    expect(await bench.knock(refresh_token)).toBe(401);
    refusedWith(await bench.refresh(web, access_token), 'invalid_grant');
    refusedWith(await bench.redeem(web, refresh_token), 'invalid_grant');
  });
});

describe('resources', () => {
  test.each(['https://other.example/mcp', 'http://127.0.0.1:1/mcp', 'mcp', 'urn:x', 'javascript:alert(1)'])(
    'of others: %s',
    async (resource) => {
      const { left } = await bench.browser().go(bench.question(web, { resource }));
      expect(left?.href.split('?')[0]).toBe(WEB);
      expect(Object.fromEntries(left!.searchParams)).toEqual({
        error: 'invalid_target',
        error_description: expect.any(String),
        state: 'a state',
        iss: bench.base,
      });
    },
  );

  test('of others beside this one, or that only begin like it', async () => {
    const beside = bench.question(web);
    beside.searchParams.append('resource', 'https://other.example/mcp');
    for (const url of [
      beside,
      ...['/mcp/more', '/mcp/../x', '/', '/mcp?x=1', '/mcp#x', '/MCP'].map((path) =>
        bench.question(web, { resource: bench.base + path }),
      ),
    ]) {
      const { left } = await bench.browser().go(url);
      expect(left?.searchParams.get('error')).toBe('invalid_target');
    }
  });

  test('another one for the code', async () => {
    const code = await bench.code(web);
    refusedWith(await bench.redeem(web, code, { resource: 'https://other.example/mcp' }), 'invalid_target');
  });
});

describe('other ways to ask', () => {
  test.each([
    { response_type: 'token' },
    { response_type: 'id_token' },
    { response_type: 'code token' },
    { response_type: 'none' },
    { response_mode: 'fragment' },
    { response_mode: 'form_post' },
    { response_mode: 'web_message' },
    { request: 'e30.e30.' },
    { request_uri: 'https://evil.example/request' },
    { scope: 'mcp \u0000' },
  ])('%j', async (changes) => {
    const stop = await bench.browser().go(bench.question(web, changes));
    if (stop.left) {
      expect(stop.left.href.split(/[?#]/)[0]).toBe(WEB);
      expect(stop.left.href).toContain(`iss=${encodeURIComponent(bench.base)}`);
      expect(stop.left.href).toContain('error=');
    } else expect(stop.status === 200 ? stop.html : 'name="password"').toContain('name="password"');
    expect(stop.html + stop.left).not.toMatch(/access_token|[?&#]code=/);
  });

  test.each(['password', 'client_credentials', 'implicit', 'urn:ietf:params:oauth:grant-type:token-exchange', ''])(
    'grant %j',
    async (grant) => {
      const answer = await bench.token({ grant_type: grant, client_id: web, username: 'ada', password: PASSWORDS.ada });
      expect(answer.status).toBe(400);
      expect(answer.body.access_token).toBeUndefined();
    },
  );
});

describe('clients that name themselves by a document', () => {
  const webs: Web[] = [];
  afterEach(async () => {
    for (const one of webs.splice(0)) await one.close();
  });
  const serve = async (listener: RequestListener, host?: string): Promise<Web> => {
    const started = await startWeb('https', listener, host);
    webs.push(started);
    return started;
  };
  const at = ({ port }: Web, path = '/client.json') => `https://client.example.test:${port}${path}`;
  /** A document about itself. */
  const document =
    (changes: object = {}): RequestListener =>
    (req, res) => {
      const about = {
        client_id: `https://${req.headers.host}${req.url}`,
        client_name: 'Document',
        redirect_uris: [WEB],
      };
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ ...about, ...changes }));
    };
  const ask = (client: string) => bench.browser().go(bench.question(client));
  /** An error page, whose text says nothing of what was found there. */
  const refused = async (client: string): Promise<void> => {
    const stop = await ask(client);
    expectPage(stop);
    expect(stop.html).not.toMatch(/ECONNREFUSED|127\.0\.0|not a public|certificate/);
  };

  test('a good one', async () => {
    const server = await serve(document());
    const stop = await ask(at(server));
    expect([stop.status, server.hits]).toEqual([200, 1]);
    expect(stop.html).toContain('name="password"');
  });

  test('at a private address: it is not asked', async () => {
    const inner = await serve(document(), '127.0.0.2');
    const { port } = inner;
    const reasons = () =>
      gateway.logs.filter(({ msg }) => msg === 'what a client named was not fetched').map(({ err }) => err);
    const reason = expect.stringContaining('is not a public address');
    for (const host of [
      `inner.example.test:${port}`,
      `127.0.0.2:${port}`,
      `2130706434:${port}`,
      `0x7f000002:${port}`,
      `0177.0.0.2:${port}`,
      `127.2:${port}`,
      `[::ffff:127.0.0.2]:${port}`,
      `[::1]:${port}`,
      `0.0.0.0:${port}`,
      '10.0.0.1',
      '169.254.169.254',
      '192.168.0.1',
      '[fd00::1]',
      '[fe80::1]',
      '[64:ff9b::7f00:2]',
    ]) {
      const before = reasons().length;
      await refused(`https://${host}/client.json`);
      await vi.waitFor(() => expect({ host, said: reasons().slice(before) }).toEqual({ host, said: [reason] }));
    }
    expect([inner.hits, inner.connections]).toEqual([0, 0]);
  });

  test('that is no https URL, or hides what it is: nobody is asked', async () => {
    const server = await serve(document());
    const { port } = server;
    for (const id of [
      `http://client.example.test:${port}/client.json`,
      `https://user@client.example.test:${port}/client.json`,
      `https://user:password@client.example.test:${port}/client.json`,
      `https://client.example.test:${port}/client.json#x`,
      `https://client.example.test:${port}/x/../client.json`,
      `https://client.example.test:${port}/%2e%2e/client.json`,
      `https:\\\\client.example.test:${port}\\client.json`,
      `ftp://client.example.test:${port}/client.json`,
      'file:///etc/passwd',
    ])
      await refused(id);
    expect(server.hits).toBe(0);
  });

  test('behind a redirect', async () => {
    const inner = await serve(document(), '127.0.0.2');
    const target = await serve(document());
    for (const to of [at(target), `https://127.0.0.2:${inner.port}/client.json`, `http://127.0.0.1:${target.port}/`])
      for (const status of [301, 302, 303, 307, 308]) {
        const server = await serve((_req, res) => void res.writeHead(status, { location: to }).end());
        await refused(at(server));
        expect(server.hits).toBe(1);
      }
    expect([inner.hits, target.hits]).toEqual([0, 0]);
  });

  test.each<[string, RequestListener]>([
    ['another client_id', document({ client_id: 'https://other.example/client.json' })],
    ['no client_id', document({ client_id: undefined })],
    ['a secret', document({ client_secret: 'x' })],
    ['a secret for a method', document({ token_endpoint_auth_method: 'client_secret_basic' })],
    ['no redirect URI', document({ redirect_uris: [] })],
    ['a redirect URI that runs', document({ redirect_uris: [WEB, 'javascript:alert(1)'] })],
    ['a redirect URI of another kind', document({ redirect_uris: WEB })],
    ['another redirect URI', document({ redirect_uris: ['https://other.example/callback'] })],
    ['too much', document({ client_name: 'x'.repeat(70 * 1_024) })],
    ['no end', (_req, res) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"client_id": "')],
    ['nothing', () => undefined],
    ['no JSON', (_req, res) => void res.setHeader('content-type', 'application/json').end('<html>')],
    ['a list', (_req, res) => void res.setHeader('content-type', 'application/json').end('[]')],
    ['null', (_req, res) => void res.setHeader('content-type', 'application/json').end('null')],
    ['a page', (_req, res) => void res.setHeader('content-type', 'text/html').end('{}')],
    ['an error', (_req, res) => void res.writeHead(500).end()],
    [
      'a bomb',
      (_req, res) =>
        void res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('x'),
    ],
  ])('with %s', { timeout: 15_000 }, async (_what, listener) => {
    const server = await serve(listener);
    const started = Date.now();
    await refused(at(server));
    expect([server.hits, Date.now() - started < 10_000]).toEqual([1, true]);
  });

  test('that asks for keys at a private address', async () => {
    const inner = await serve(document(), '127.0.0.2');
    const server = await serve(
      document({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://127.0.0.2:${inner.port}/jwks` }),
    );
    const { privateKey } = await generateKeyPair('ES256');
    const assertion = await new SignJWT({ jti: 'x' })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(at(server))
      .setSubject(at(server))
      .setAudience(bench.base)
      .setExpirationTime('1m')
      .sign(privateKey);
    const answer = await bench.redeem(at(server), 'x', {
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    refusedWith(answer, 'invalid_client', answer.status);
    expect([400, 401]).toContain(answer.status);
    expect([server.hits, inner.hits]).toEqual([1, 0]);
  });
});

describe('last', () => {
  test('a flood of registrations: after some, the address is to wait', async () => {
    const body = { redirect_uris: [WEB] };
    let answer = await bench.tryRegister(body);
    for (let i = 0; answer.status === 201 && i < REGISTRATIONS; i++) answer = await bench.tryRegister(body);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.body).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
    // under every name it has
    for (const path of ['/register', '/oauth/register/', '/register?x', '/oauth/register?x']) {
      const response = await fetch(bench.base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7' },
        body: JSON.stringify(body),
      });
      await response.body?.cancel();
      expect([429, 404]).toContain(response.status);
    }
    await gateway.waitForLog(({ audit, limit }) => audit === 'limited' && limit === 'auth.limits.registrations');
    // those who are there already still sign in
    expect(await bench.code(web)).toMatch(/./);
  });

  test('what was refused is in the log, with who and why', async () => {
    const line = (facts: object) => gateway.logs.find((found) => expect.objectContaining(facts).asymmetricMatch(found));
    const from = { audit: 'refused', level: 'info', address: '127.0.0.1' };
    const reason = (text: RegExp) => expect.stringMatching(text);
    for (const facts of [
      { fault: 'invalid_grant', client: web, reason: reason(/code already consumed/) },
      { fault: 'invalid_grant', client: web, reason: reason(/code_verifier does not match/) },
      { fault: 'invalid_grant', client: other, reason: reason(/client mismatch/) },
      { fault: 'invalid_grant', client: web, reason: reason(/refresh token already used/) },
      { fault: 'invalid_request', client: web, path: '/oauth/authorize', reason: reason(/code_challenge/) },
      { fault: 'invalid_redirect_uri', client: web, path: '/oauth/authorize' },
      { fault: 'invalid_redirect_uri', path: '/oauth/register' },
      { fault: 'invalid_target', client: web },
      { fault: 'step', reason: reason(/of another browser/) },
      { fault: 'step', reason: reason(/with its token/) },
      { fault: 'step', reason: reason(/another site/) },
    ])
      expect({ facts, line: line({ ...from, ...facts }) }).toEqual({ facts, line: expect.anything() });
  });

  test('no secret is in the log', async () => {
    await gateway.waitForLog(({ audit }) => audit === 'token issued');
    const log = JSON.stringify([gateway.logs, gateway.noise]);
    expect(bench.secrets.size).toBeGreaterThan(100);
    const found = [...bench.secrets].filter((secret) => secret.length >= 8 && log.includes(secret));
    expect(found.map((secret) => log.slice(log.indexOf(secret) - 200, log.indexOf(secret) + 60))).toEqual([]);
    for (const audit of ['sign-in', 'sign-in failed', 'consent', 'consent denied', 'token issued', 'token revoked'])
      expect({ audit, there: gateway.logs.some((line) => line.audit === audit) }).toEqual({ audit, there: true });
  });
});
