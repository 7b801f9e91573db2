/** What a client may ask for, and what it is told that there is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORDS, type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { Bench, WEB } from './bench.ts';
import { START_MS } from './federated.ts';

let gateway: SignInGateway;
let bench: Bench;
beforeAll(async () => {
  gateway = await startSignInGateway({});
  bench = new Bench(gateway.base);
}, START_MS);
afterAll(() => gateway?.stop());

test.each([undefined, '', 'openid', 'openid profile email offline_access', 'unheard-of'])(
  'scope %j: the user is asked for everything, and the token says so',
  async (scope) => {
    const client = await bench.register([WEB]);
    const { html } = await bench.toConsent(bench.browser(), bench.question(client, { scope }));
    expect(html).toContain('use the tools, prompts and resources');
    const { body } = await bench.redeem(client, await bench.code(client, { scope }));
    expect(body).toMatchObject({ scope: 'mcp' });
  },
);

test('the page names all that is asked for beside', async () => {
  const client = await bench.register([WEB]);
  const scope = 'mcp profile email';
  const { html } = await bench.toConsent(bench.browser(), bench.question(client, { scope }));
  for (const words of [
    'use the tools, prompts and resources',
    'see your name and your groups',
    'see your e-mail address',
  ])
    expect(html).toContain(words);
});

test('a native app that asks again is told of with all that it asks for', async () => {
  const redirect_uri = 'http://127.0.0.1:4321/callback';
  const client = await bench.register([redirect_uri]);
  const browser = bench.browser();
  const url = bench.question(client, { redirect_uri, scope: 'mcp profile' });
  const pages: string[] = [];
  for (let i = 0; i < 2; i++) {
    const consent = await bench.toConsent(browser, url);
    pages.push(consent.html);
    await browser.fill(consent, { decision: 'allow' });
  }
  for (const html of pages)
    for (const words of ['use the tools, prompts and resources', 'see your name and your groups'])
      expect(html).toContain(words);
});

test('somebody else signs in where another is signed in', async () => {
  const client = await bench.register([WEB]);
  const browser = bench.browser();
  await bench.toConsent(browser, bench.question(client));
  const page = await browser.go(bench.question(client, { prompt: 'select_account' }));
  const consent = await browser.fill(page, { login: 'grace', password: PASSWORDS.grace });
  expect(consent.html).toMatch(/Signed in as <b><bdi>grace/);
  const { left } = await browser.fill(consent, { decision: 'allow' });
  expect(left?.searchParams.get('code')).toBeTruthy();
});

test('a token is good for what needs no scope, and its user is told so', async () => {
  const client = await bench.register([WEB]);
  const { body } = await bench.redeem(client, await bench.code(client, { scope: 'offline_access' }));
  expect(body).toMatchObject({ scope: 'mcp' });
});

test('a question in a form is not taken: nothing would look at what it asks for', async () => {
  const client = await bench.register([WEB]);
  for (const path of ['/oauth/authorize', '/authorize']) {
    const { searchParams: body } = bench.question(client, { scope: 'openid' });
    const { status } = await fetch(gateway.base + path, { method: 'POST', body, redirect: 'manual' });
    expect(status).toBeGreaterThanOrEqual(400);
  }
});

test('a token without a scope is good for nothing, whoever makes it so', async () => {
  const client = await bench.register([WEB]);
  const scope = 'openid mcp';
  const { body } = await bench.redeem(client, await bench.code(client, { scope }));
  const narrowed = await bench.refresh(client, String(body.refresh_token), { scope: 'openid' });
  expect(narrowed.status).toBe(200);
  expect(await bench.knock(String(narrowed.body.access_token))).toBe(401);
});

test('endpoints of the metadata are there, and a client is sent to no other', async () => {
  const answer = await fetch(`${gateway.base}/.well-known/oauth-authorization-server`);
  const metadata = (await answer.json()) as Record<string, unknown>;
  const named = Object.entries(metadata).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name));
  expect(named.map(([name]) => name)).toContain('token_endpoint');
  for (const [name, url] of named) {
    const statuses = await Promise.all(
      ['GET', 'POST'].map(async (method) => (await fetch(String(url), { method, redirect: 'manual' })).status),
    );
    expect({ name, found: statuses.some((status) => status !== 404) }).toEqual({ name, found: true });
  }
  const { body } = await bench.tryRegister({ client_name: 'App', redirect_uris: [WEB] });
  expect(Object.keys(body).filter((name) => name.startsWith('registration_'))).toEqual([]);
});
