/** Sign-in at a company's provider: the built gateway in front of a real `oidc-provider`. */
import { hash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { Session } from '../../gateway/client.ts';
import { claimsOf, Host, type Tokens } from '../../hosts/host.ts';
import { Browser, type Stop } from './browser.ts';
import { type Company, SECRET, startCompany } from './company.ts';

const REDIRECT = 'http://127.0.0.1:9/callback';
const ADA = { sub: 'u-1', email: 'ada@engines.example', email_verified: true, name: 'Ada', groups: ['weavers'] };
const START_MS = 60_000;

let gateway: SignInGateway;
let company: Company;

interface Setup {
  readonly embedded?: object;
  readonly federation?: object;
  readonly inIdToken?: boolean;
}

async function start({ embedded = { passwords: false }, federation = {}, inIdToken = true }: Setup = {}) {
  company = await startCompany(() => `${gateway.base}/oauth/federation`, inIdToken);
  const settings = { issuer: company.url, clientId: 'patchbay', clientSecret: SECRET, name: 'Engines', ...federation };
  gateway = await startSignInGateway({ ...embedded, federation: settings });
  company.user = ADA;
}

afterEach(async () => {
  await gateway?.stop();
  await company?.down().catch(() => undefined);
});

const atClient = (url: URL): boolean => url.href.startsWith(REDIRECT);
const back = (url: URL): boolean => url.pathname === '/oauth/federation';

const newBrowser = (): Browser => new Browser(gateway.base);

/** One client that asks, up to the page that it leads to. */
async function ask(browser: Browser, name = 'Loom') {
  const client = await new Host(gateway).register('/oauth/register', { client_name: name, redirect_uris: [REDIRECT] });
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
    resource: gateway.url,
    state: 'of the client',
  });
  const page = await browser.go(`${gateway.base}/oauth/authorize?${query}`, { until: atClient });
  const exchange = async (answer: URL): Promise<Tokens> => {
    const response = await fetch(`${gateway.base}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: answer.searchParams.get('code')!,
        redirect_uri: REDIRECT,
        code_verifier: verifier,
        client_id: client.client_id,
        resource: gateway.url,
      }),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Tokens;
  };
  return { page, exchange };
}

/** Through the provider, to where it sends the browser back to, which is not opened. */
async function answerOf(browser: Browser): Promise<URL> {
  const { page } = await ask(browser);
  const { left } = await browser.fill(page, {}, 'provider', { until: back });
  return left!;
}

const signIn = async (browser: Browser): Promise<Stop> => browser.go(await answerOf(browser), { until: atClient });

describe('the whole way', () => {
  test.each([
    { title: 'by the provider alone', embedded: { passwords: false }, inIdToken: true },
    { title: 'beside passwords, with claims at the userinfo endpoint', embedded: {}, inIdToken: false },
  ])(
    '$title',
    async ({ embedded, inIdToken }) => {
      await start({ embedded, inIdToken, federation: { domains: ['engines.example'] } });
      const browser = newBrowser();
      const { page, exchange } = await ask(browser);
      expect(page.html).toContain('Loom');
      expect(page.html).toContain('Continue with Engines');
      expect(page.html.includes('name="password"')).toBe(!('passwords' in embedded));
      const consent = await browser.fill(page, {}, 'provider', { until: atClient });
      expect(consent).toMatchObject({ status: 200, html: expect.stringContaining('ada@engines.example') });
      const { left } = await browser.fill(consent, { decision: 'allow' });
      const answer = left!;
      expect(answer.searchParams.get('iss')).toBe(gateway.base);
      const { access_token } = await exchange(answer);
      expect(claimsOf(access_token)).toMatchObject({ iss: gateway.base, aud: gateway.url, groups: ['weavers'] });
      expect(claimsOf(access_token).sub).toBe(`idp:${company.url}#u-1`);
      const session = await Session.open(gateway.url, { headers: { authorization: `Bearer ${access_token}` } });
      expect((await session.names()).length).toBeGreaterThan(0);
      await session.end();

      expect(company.asked).toEqual([
        expect.objectContaining({
          client_id: 'patchbay',
          redirect_uri: `${gateway.base}/oauth/federation`,
          state: expect.stringMatching(/^[\w-]{43}$/),
          nonce: expect.stringMatching(/^[\w-]{43}$/),
          code_challenge: expect.stringMatching(/^[\w-]{43}$/),
          code_challenge_method: 'S256',
        }),
      ]);
      // a code, an access token and an ID token at least
      expect(company.secrets.length).toBeGreaterThanOrEqual(3);
      const kept = await everythingKept();
      for (const secret of [...company.secrets, SECRET]) {
        expect(JSON.stringify([gateway.logs, gateway.noise])).not.toContain(secret);
        expect(kept).not.toContain(secret);
      }
    },
    START_MS,
  );

  test(
    'another client gets a code only once it was consented to, although the browser is signed in',
    async () => {
      await start();
      const browser = newBrowser();
      const consent = await signIn(browser);
      await browser.fill(consent, { decision: 'allow' });
      const { page } = await ask(browser, 'Mallory');
      expect(page.status).toBe(200);
      expect(page.html).toContain('Mallory');
      expect(page.html).toContain('decision');
      const { left } = await browser.fill(page, { decision: 'deny' });
      expect(left?.searchParams.get('error')).toBe('access_denied');
      expect(left?.searchParams.has('code')).toBe(false);
    },
    START_MS,
  );
});

describe('what is refused', () => {
  test(
    'an answer that was used, that another browser brings, or that nobody asked for',
    async () => {
      await start();
      const browser = newBrowser();
      const answer = await answerOf(browser);
      expect(await newBrowser().go(answer, { until: atClient })).toMatchObject({ status: 400 });
      const unknown = new URL(answer);
      unknown.searchParams.set('state', 'never given');
      expect(await browser.go(unknown, { until: atClient })).toMatchObject({ status: 400 });
      // neither has used up the good one
      expect((await browser.go(answer, { until: atClient })).html).toContain('ada@engines.example');
      expect(await browser.go(answer, { until: atClient })).toMatchObject({ status: 400 });
    },
    START_MS,
  );

  test.each([
    { title: 'of another domain', claims: { email: 'ada@engines.example.attacker.example' } },
    { title: 'with an address that nobody verified', claims: { email_verified: false } },
    { title: 'with no word on whether it was verified', claims: { email_verified: undefined } },
    { title: 'without an address', claims: { email: undefined } },
  ])(
    'people $title',
    async ({ claims }) => {
      await start({ federation: { domains: ['engines.example'] } });
      company.user = { ...ADA, ...claims };
      const page = await signIn(newBrowser());
      expect(page).toMatchObject({ status: 403, html: expect.stringContaining('not one of those') });
      await gateway.waitForLog(({ audit }) => audit === 'sign-in failed');
    },
    START_MS,
  );

  test(
    'people whom the provider does not let in, and all while it cannot be reached',
    async () => {
      await start();
      await company.down();
      const browser = newBrowser();
      const { page } = await ask(browser);
      const failed = await browser.fill(page, {}, 'provider', { until: atClient });
      expect(failed).toMatchObject({ status: 403, html: expect.stringContaining('Engines cannot be reached') });
      await company.up();
      company.user = undefined;
      const denied = await browser.fill(page, {}, 'provider', { until: atClient });
      expect(denied).toMatchObject({ status: 403, html: expect.stringContaining('Engines did not let you in') });
      company.user = ADA;
      const again = await browser.fill(page, {}, 'provider', { until: atClient });
      expect(again.html).toContain('ada@engines.example');
    },
    START_MS,
  );
});

/** All files of the gateway, as text. */
async function everythingKept(): Promise<string> {
  const state = join(dirname(gateway.configPath), 'state');
  const files = (await readdir(state, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  expect(files.length).toBeGreaterThan(0);
  return (await Promise.all(files.map((one) => readFile(join(one.parentPath, one.name), 'latin1')))).join('\n');
}
