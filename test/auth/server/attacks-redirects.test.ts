/** Answers never go where they were not registered to go. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APP, type Attacked, expectTold, NATIVE, refusedWith, startAttacked } from './attacked.ts';
import { type Bench, expectPage, WEB } from './bench.ts';

let attacked: Attacked;
let bench: Bench;
let web: string;
let native: string;
beforeAll(async () => {
  attacked = await startAttacked();
  ({ bench, web, native } = attacked);
}, 60_000);
afterAll(() => attacked?.gateway.stop());

describe('redirect URIs', () => {
  /** An error page, and nothing that leads there. */
  async function nowhere(client: string, uri: string | undefined): Promise<void> {
    const stop = await bench.browser().go(bench.question(client, { redirect_uri: uri }));
    expectPage(stop);
    expect(stop.html).toContain('This sign-in cannot go on');
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

test('what was refused is in the log, with who and why', () =>
  expectTold(attacked.gateway, [
    { fault: 'invalid_redirect_uri', client: web, path: '/oauth/authorize' },
    { fault: 'invalid_redirect_uri', path: '/oauth/register' },
  ]));
