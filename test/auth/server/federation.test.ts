/** Sign-in at a provider of the company, for hosts that see Patchbay alone. */
import { hash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stdioUpstream } from '../../fixtures/child.ts';
import { startGateway } from '../../fixtures/gateway.ts';
import type { SignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { claimsOf, HELLO, Host, type ServerMetadata, type Tokens } from '../../hosts/host.ts';
import { CLIENT, type Company, startCompany } from './company.ts';

const NATIVE = 'http://127.0.0.1:3999/callback';
const VERIFIER = 'v'.repeat(50);
const ADA = { sub: 'person-1', email: 'ada@example.com', email_verified: true, name: 'Ada', groups: ['engines'] };

let company: Company;
let gateway: SignInGateway;
let host: Host;
let metadata: ServerMetadata;
let clientId: string;

beforeAll(async () => {
  company = await startCompany(() => `${gateway.base}/oauth/federation`);
  const federation = {
    ...{ issuer: company.issuer, clientId: CLIENT.id, clientSecret: CLIENT.secret },
    ...{ name: 'The Company', domains: ['example.com'] },
  };
  const started = await startGateway({
    config: {
      server: { port: 0 },
      auth: { mode: 'embedded', embedded: { passwords: false, federation } },
      upstreams: { peer: stdioUpstream('peer-server') },
    },
  });
  gateway = { ...started, base: new URL(started.url).origin };
  host = new Host(gateway);
  metadata = await host.document<ServerMetadata>('/.well-known/oauth-authorization-server');
  ({ client_id: clientId } = await host.register(metadata.registration_endpoint, {
    client_name: 'Weather Desk',
    redirect_uris: [NATIVE],
  }));
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  await company?.close();
});
afterEach(() => {
  company.person = ADA;
});

/** A browser: cookies by host, and one request at a time. */
class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  async get(url: string | URL, form?: URLSearchParams): Promise<{ status: number; to: URL | undefined; page: string }> {
    const at = new URL(url);
    const jar = this.#jars.get(at.host) ?? new Map<string, string>();
    this.#jars.set(at.host, jar);
    const response = await fetch(at, {
      redirect: 'manual',
      headers: {
        cookie: [...jar].map((pair) => pair.join('=')).join('; '),
        accept: 'text/html',
        ...(form ? { origin: at.origin } : {}),
      },
      ...(form ? { method: 'POST', body: form } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const location = response.headers.get('location');
    return {
      status: response.status,
      to: location === null ? undefined : new URL(location, at),
      page: await response.text(),
    };
  }

  /** Follows redirects to a page, or to the app. @param until stops before an address like this */
  async follow(url: string | URL, form?: URLSearchParams, until = /^http:\/\/127\.0\.0\.1:3999\//) {
    let step = await this.get(url, form);
    for (let i = 0; step.to && i < 20; i++) {
      if (until.test(step.to.href)) return step;
      step = await this.get(step.to);
    }
    return step;
  }

  /** Presses a button of a page. */
  press(page: string, action: RegExp, fields: Record<string, string>, until?: RegExp) {
    const [, path = ''] = new RegExp(`action="([^"]*${action.source})"`).exec(page) ?? [];
    const [, csrf = ''] = /name="csrf" value="([^"]*)"/.exec(page) ?? [];
    return this.follow(new URL(path, gateway.base), new URLSearchParams({ csrf, ...fields }), until);
  }
}

function authorizeUrl(client = clientId): URL {
  const url = new URL(metadata.authorization_endpoint);
  const query = {
    ...{ response_type: 'code', client_id: client, redirect_uri: NATIVE, state: 'state', resource: gateway.url },
    ...{ code_challenge: hash('sha256', VERIFIER, 'base64url'), code_challenge_method: 'S256' },
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

const CALLBACK = /\/oauth\/federation\?/;

test('the page names the app, the provider says who it is, Patchbay asks whether it may, and the token is good', async () => {
  company.person = ADA;
  const browser = new Browser();
  const { page } = await browser.follow(authorizeUrl());
  expect(page).toContain('Weather Desk');
  expect(page).toContain('The Company');
  expect(page).not.toContain('name="password"');
  const consent = await browser.press(page, /provider/, {});
  expect(consent.page).toContain('Weather Desk');
  expect(consent.page).toContain('ada@example.com');
  const asked = company.asked.at(-1)!;
  expect(Object.fromEntries(asked)).toMatchObject({
    ...{ client_id: CLIENT.id, redirect_uri: `${gateway.base}/oauth/federation`, code_challenge_method: 'S256' },
    ...{ nonce: expect.stringMatching(/.{20}/), state: expect.stringMatching(/.{20}/) },
  });
  expect(asked.get('code_challenge')).not.toBe(hash('sha256', VERIFIER, 'base64url'));
  const { to } = await browser.press(consent.page, /consent/, { decision: 'allow' });
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', client_id: clientId, redirect_uri: NATIVE },
      ...{ code: to!.searchParams.get('code')!, code_verifier: VERIFIER },
    }),
  });
  const tokens = (await response.json()) as Tokens;
  expect(claimsOf(tokens.access_token)).toMatchObject({ sub: 'idp:person-1', groups: ['engines'], iss: gateway.base });
  const answer = await host.post(HELLO.legacy('2025-11-25'), { authorization: `Bearer ${tokens.access_token}` });
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
  expect(company.given.length).toBeGreaterThan(0);
  for (const token of company.given) expect(JSON.stringify(gateway.logs)).not.toContain(token);
});

test('being signed in at the provider lets no other app in: each is asked for', async () => {
  const browser = new Browser();
  await browser.press((await browser.follow(authorizeUrl())).page, /provider/, {});
  const { client_id } = await host.register(metadata.registration_endpoint, {
    client_name: 'Somebody else',
    redirect_uris: [NATIVE],
  });
  const step = await browser.follow(authorizeUrl(client_id));
  expect(step.to).toBeUndefined();
  expect(step.page).toContain('Somebody else');
  expect(step.page).toContain('name="decision" value="allow"');
});

test.each([
  ['of another domain', { ...ADA, email: 'ada@elsewhere.example' }],
  ['whose address nobody has verified', { ...ADA, email_verified: false }],
  ['without an address', { sub: 'person-2' }],
])('a person %s is not let in', async (_, person) => {
  company.person = person;
  const browser = new Browser();
  const { status, page } = await browser.press((await browser.follow(authorizeUrl())).page, /provider/, {});
  expect(status).toBe(403);
  expect(page).toContain('not one of those that are let in');
});

test('whom the provider denies is told so', async () => {
  company.person = 'denied';
  const browser = new Browser();
  const { status, page } = await browser.press((await browser.follow(authorizeUrl())).page, /provider/, {});
  expect([status, page.includes('The Company did not let you in')]).toEqual([403, true]);
});

test('an answer of the provider counts once, in the browser that asked', async () => {
  const browser = new Browser();
  const first = await browser.press((await browser.follow(authorizeUrl())).page, /provider/, {}, CALLBACK);
  const answer = first.to!;
  expect((await new Browser().follow(answer)).status).toBe(400);
  expect((await browser.follow(answer)).page).toContain('name="decision"');
  expect((await browser.follow(answer)).status).toBe(400);
  const forged = new URL(answer);
  forged.searchParams.set('state', 'A'.repeat(43));
  expect((await browser.follow(forged)).status).toBe(400);
});
