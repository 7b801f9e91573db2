/** What the sign-in refuses, as the RFCs say: answers never go where they were not registered to go. */
import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PASSWORDS, type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { HELLO, Host, type ServerMetadata, type Tokens } from '../../hosts/host.ts';
import { Visitor } from '../../hosts/visitor.ts';

const WEB = 'https://good.example/cb';
const NATIVE = 'http://127.0.0.1:3999/callback';
const VERIFIER = 'v'.repeat(50);
const CHALLENGE = hash('sha256', VERIFIER, 'base64url');

let gateway: SignInGateway;
let host: Host;
let metadata: ServerMetadata;
let clientId: string;

beforeAll(async () => {
  gateway = await startSignInGateway();
  host = new Host(gateway);
  metadata = await host.document<ServerMetadata>('/.well-known/oauth-authorization-server');
  ({ client_id: clientId } = await host.register(metadata.registration_endpoint, { redirect_uris: [WEB, NATIVE] }));
}, 60_000);
afterAll(() => gateway?.stop());

function authorizeUrl(changes: Readonly<Record<string, string | undefined>> = {}): URL {
  const url = new URL(metadata.authorization_endpoint);
  const query = {
    ...{ response_type: 'code', client_id: clientId, redirect_uri: NATIVE, state: 'state', resource: gateway.url },
    ...{ code_challenge: CHALLENGE, code_challenge_method: 'S256', ...changes },
  };
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

const ask = (changes: Readonly<Record<string, string | undefined>>, headers: Record<string, string> = {}) =>
  fetch(authorizeUrl(changes), { redirect: 'manual', headers: { accept: 'text/html', ...headers } });

const exchange = async (
  fields: Readonly<Record<string, string>>,
): Promise<{ status: number; body: Tokens & { error?: string } }> => {
  const body = new URLSearchParams({ client_id: clientId, ...fields });
  const response = await fetch(metadata.token_endpoint, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as Tokens };
};

const codeFor = async (): Promise<string> =>
  (await new Visitor(gateway.base).allow(authorizeUrl())).searchParams.get('code')!;
const withCode = (code: string, changes: object = {}) =>
  exchange({ grant_type: 'authorization_code', code, redirect_uri: NATIVE, code_verifier: VERIFIER, ...changes });
const refreshed = (token: string) => exchange({ grant_type: 'refresh_token', refresh_token: token });
const statusOf = async (token: string): Promise<number> =>
  (await host.post(HELLO.legacy('2025-11-25'), { authorization: `Bearer ${token}` })).status;

describe('an answer', () => {
  test.each([
    'https://good.example/cb/../evil',
    'https://good.example/cb/',
    'https://good.example/cb?next=evil',
    'https://good.example/cb%2fevil',
    'https://good.example/CB',
    'https://good.example:444/cb',
    'https://good.example.evil.example/cb',
    'https://good.example@evil.example/cb',
    'https://evil.example/https://good.example/cb',
    'http://good.example/cb',
    'https://good.example/cb#fragment',
    'http://localhost:3999/callback',
    'http://127.0.0.1:3999/other',
    'http://127.0.0.1.evil.example:3999/callback',
    'javascript:alert(1)',
    'data:text/html,x',
    '//evil.example/cb',
  ])('never goes to %s, which was not registered: there is a page instead', async (uri) => {
    const answer = await ask({ redirect_uri: uri });
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    expect(await answer.text()).toContain('This sign-in cannot go on');
  });

  test('goes to any port of a loopback address that was registered (RFC 8252 §7.3)', async () => {
    const answer = await ask({ redirect_uri: 'http://127.0.0.1:5/callback' });
    expect(answer.headers.get('location')).toMatch(/^\/oauth\/interaction\//);
  });

  test.each([
    ['without a challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with a challenge in plain text', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['for another resource', { resource: 'https://other.example/mcp' }, 'invalid_target'],
    ['for nobody who is signed in', { prompt: 'none' }, 'login_required'],
  ])('%s is an error, and names its issuer (RFC 9207)', async (_, changes, error) => {
    const answer = await ask({ redirect_uri: WEB, ...changes });
    const to = new URL(answer.headers.get('location')!);
    expect([to.origin + to.pathname, to.searchParams.get('error')]).toEqual([WEB, error]);
    expect([to.searchParams.get('iss'), to.searchParams.get('state')]).toEqual([gateway.base, 'state']);
    expect(to.searchParams.get('code')).toBeNull();
  });

  test.each(['nobody', 'https://127.0.0.1/client.json', 'http://169.254.169.254/latest', 'https://[::1]/x'])(
    'is given to no client %s',
    async (client) => {
      const answer = await ask({ client_id: client });
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    },
  );
});

describe('registration', () => {
  test.each(['javascript:alert(1)', 'data:text/html,x', 'http://foreign.example/cb', `${WEB}#x`, 'file:///etc/passwd'])(
    'does not take the redirect URI %s',
    async (uri) => {
      const response = await fetch(metadata.registration_endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [uri] }),
      });
      expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_redirect_uri' }]);
    },
  );

  test.each(['', '[]', '{', '"text"'])('of %j is refused in the words of OAuth', async (body) => {
    const response = await fetch(metadata.registration_endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: expect.any(String) });
  });
});

describe('a code', () => {
  test('that is used twice ends what was made of it', async () => {
    const code = await codeFor();
    const { status, body } = await withCode(code);
    expect([status, await statusOf(body.access_token)]).toEqual([200, 200]);
    expect(await withCode(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await statusOf(body.access_token)).toBe(401);
    expect((await refreshed(body.refresh_token!)).status).toBe(400);
  });

  test.each([
    ['another verifier', { code_verifier: 'w'.repeat(50) }],
    ['no verifier', { code_verifier: '' }],
    ['another redirect URI', { redirect_uri: WEB }],
  ])('is worth nothing with %s', async (_, changes) => {
    expect((await withCode(await codeFor(), changes)).status).toBe(400);
  });

  test('of one client is worth nothing to another', async () => {
    const { client_id } = await host.register(metadata.registration_endpoint, { redirect_uris: [NATIVE] });
    expect(await withCode(await codeFor(), { client_id })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });
});

test('a refresh token that is used twice ends all that came of it', async () => {
  const { body: first } = await withCode(await codeFor());
  const { body: second } = await refreshed(first.refresh_token!);
  expect(await statusOf(second.access_token)).toBe(200);
  expect((await refreshed(first.refresh_token!)).status).toBe(400);
  expect((await refreshed(second.refresh_token!)).status).toBe(400);
  expect(await statusOf(second.access_token)).toBe(401);
});

describe('a step', () => {
  /** The page that a browser comes to, with the cookies that it has then. */
  async function begin(): Promise<{
    url: string;
    cookie: string;
    page: string;
    headers: Headers;
    action: string;
    csrf: string;
  }> {
    const answer = await ask({});
    const cookie = answer.headers
      .getSetCookie()
      .map((line) => line.split(';', 1)[0])
      .join('; ');
    const url = new URL(answer.headers.get('location')!, gateway.base).href;
    const response = await fetch(url, { headers: { cookie } });
    const page = await response.text();
    const action = new URL(/action="([^"]*login)"/.exec(page)![1]!, gateway.base).href;
    return {
      url,
      cookie,
      page,
      headers: response.headers,
      action,
      csrf: /name="csrf" value="([^"]*)"/.exec(page)![1]!,
    };
  }
  const post = (action: string, cookie: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(action, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: gateway.base, ...headers },
      body: new URLSearchParams({ login: 'ada', password: PASSWORDS.ada, ...fields }),
    });

  test('is shown to no frame, kept by no cache, and runs nothing', async () => {
    const { headers } = await begin();
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
  });

  test.each([
    ['without the token of its page', { csrf: '' }, {}],
    ['with another token', { csrf: 'A'.repeat(43) }, {}],
    ['from a page elsewhere', {}, { origin: 'https://evil.example' }],
    ['from a page without an origin', {}, { origin: 'null' }],
  ])('is not taken %s', async (_, fields, headers) => {
    const { action, cookie, csrf } = await begin();
    const answer = await post(action, cookie, { csrf, ...fields }, headers);
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    expect(await answer.text()).toContain('This sign-in is over');
  });

  test('is not taken with the token of another step', async () => {
    const [one, other] = [await begin(), await begin()];
    expect((await post(one.action, one.cookie, { csrf: other.csrf })).status).toBe(400);
  });

  test('belongs to the browser that began it', async () => {
    const [one, other] = [await begin(), await begin()];
    expect((await fetch(one.url)).status).toBe(400);
    expect((await fetch(one.url, { headers: { cookie: other.cookie } })).status).toBe(400);
    expect((await post(one.action, other.cookie, { csrf: one.csrf })).status).toBe(400);
  });

  test('is taken once', async () => {
    const { action, cookie, csrf } = await begin();
    const first = await post(action, cookie, { csrf });
    expect(first.headers.get('location')).toMatch(/\/oauth\/authorize\//);
    const resumed = await fetch(new URL(first.headers.get('location')!, gateway.base), {
      headers: { cookie },
      redirect: 'manual',
    });
    expect(resumed.status).toBe(303);
    expect((await post(action, cookie, { csrf })).status).toBe(400);
  });
});

test('nothing that is secret is in the log', async () => {
  const code = await codeFor();
  const { body } = await withCode(code);
  await refreshed('not-a-refresh-token-of-anybody');
  const text = JSON.stringify([gateway.logs, gateway.noise]);
  for (const secret of [code, VERIFIER, PASSWORDS.ada, body.access_token, body.refresh_token!])
    expect(text).not.toContain(secret);
  expect(gateway.noise).toEqual([]);
});
