/** What the tests of the sign-in do with it: clients that register, browsers that sign in, codes and tokens. */
import { hash } from 'node:crypto';
import { expect } from 'vitest';
import { PASSWORDS, type UserName } from '../../fixtures/sign-in-gateway.ts';
import { Browser, type Stop } from './browser.ts';

export const VERIFIER = 'a-verifier-of-which-nobody-else-knows-a-thing-0123456789';
export const CHALLENGE = hash('sha256', VERIFIER, 'base64url');
export const WEB = 'https://app.example.com/callback';
export const HTML = /^text\/html\b/;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

export class Bench {
  readonly base: string;
  /** What must not be found in a log. */
  readonly secrets = new Set<string>(Object.values(PASSWORDS));

  /** @param base of the gateway */
  constructor(base: string) {
    this.base = base;
    this.secrets.add(VERIFIER);
  }

  get endpoint(): string {
    return `${this.base}/mcp`;
  }

  browser(): Browser {
    return new Browser(this.base, (secret) => this.secrets.add(secret));
  }

  /** RFC 7591 §3.1. */
  async tryRegister(body: object): Promise<Answer> {
    const response = await fetch(`${this.base}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return this.#answer(response);
  }

  /** @returns the id of the new client */
  async register(redirectUris: readonly string[], more: object = {}): Promise<string> {
    const { status, body } = await this.tryRegister({ client_name: 'App', redirect_uris: redirectUris, ...more });
    expect({ status, body }).toMatchObject({ status: 201, body: { client_id: expect.any(String) } });
    return String(body.client_id);
  }

  /** Where a host sends its user. @param changes `undefined` leaves a parameter out */
  question(client: string, changes: Readonly<Record<string, string | undefined>> = {}): URL {
    const url = new URL('/oauth/authorize', this.base);
    const query = {
      response_type: 'code',
      client_id: client,
      redirect_uri: WEB,
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      state: 'a state',
      resource: this.endpoint,
      ...changes,
    };
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }

  /** Goes to the page of consent, signing in where asked. */
  async toConsent(browser: Browser, url: URL, user: UserName = 'ada'): Promise<Stop> {
    const first = await browser.go(url);
    const stop = first.html.includes('name="password"')
      ? await browser.fill(first, { login: user, password: PASSWORDS[user] })
      : first;
    expect(stop.html).toContain('value="allow"');
    return stop;
  }

  /** Signs in and allows. @returns the code */
  async code(client: string, changes: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
    const browser = this.browser();
    const { left } = await browser.fill(await this.toConsent(browser, this.question(client, changes)), {
      decision: 'allow',
    });
    const code = left?.searchParams.get('code');
    expect({ code, iss: left?.searchParams.get('iss'), state: left?.searchParams.get('state') }).toEqual({
      code: expect.stringMatching(/^.{20,}$/),
      iss: this.base,
      state: 'a state',
    });
    this.secrets.add(code!);
    return code!;
  }

  async token(fields: Readonly<Record<string, string>>): Promise<Answer> {
    const response = await fetch(`${this.base}/oauth/token`, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams(fields),
    });
    return this.#answer(response);
  }

  redeem(client: string, code: string, changes: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.token({
      grant_type: 'authorization_code',
      client_id: client,
      code,
      redirect_uri: WEB,
      code_verifier: VERIFIER,
      ...changes,
    });
  }

  refresh(client: string, token: string, changes: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.token({ grant_type: 'refresh_token', client_id: client, refresh_token: token, ...changes });
  }

  /** RFC 7009 §2.1. @param more fields sent beside those */
  revoke(client: string, token: string, more: [string, string][] = []): Promise<Response> {
    return fetch(`${this.base}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams([['client_id', client], ['token', token], ...more]),
    });
  }

  async tokens(client: string): Promise<Tokens> {
    const answer = await this.redeem(client, await this.code(client));
    expect(answer.status).toBe(200);
    return answer.body as unknown as Tokens;
  }

  /** The status that a request with an access token gets: 400 for its lack of a message, or 401. */
  async knock(token: string): Promise<number> {
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: '{}',
    });
    await response.body?.cancel();
    return response.status;
  }

  async #answer(response: Response): Promise<Answer> {
    const body = (await response.json()) as Record<string, unknown>;
    for (const name of ['access_token', 'refresh_token', 'id_token', 'client_secret', 'registration_access_token'])
      if (typeof body[name] === 'string') this.secrets.add(body[name]);
    return { status: response.status, headers: response.headers, body };
  }
}

/** A page that says no, and leads nowhere. */
export function expectPage({ status, headers, html, left }: Stop, code = 400): void {
  expect({ status, left: left?.href, type: headers.get('content-type') }).toEqual({
    status: code,
    left: undefined,
    type: expect.stringMatching(HTML),
  });
  expect(html).not.toMatch(/http-equiv="refresh"/i);
  expectGuarded(headers);
}

/** The headers by which no other site gets at a page. */
export function expectGuarded(headers: Headers): void {
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("base-uri 'none'");
  expect(policy).not.toMatch(/unsafe-|script-src/);
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': expect.stringMatching(/^(same-origin|no-referrer)$/),
    'cache-control': expect.stringContaining('no-store'),
  });
}
