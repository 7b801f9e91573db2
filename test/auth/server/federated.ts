/** The built gateway in front of a real `oidc-provider`, and one client at whose question people are sent there. */
import { hash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { Host, type Tokens } from '../../hosts/host.ts';
import { Browser, type Stop } from './browser.ts';
import { type Company, SECRET, startCompany } from './company.ts';

const REDIRECT = 'http://127.0.0.1:9/callback';
export const ADA = { sub: 'u-1', email: 'ada@engines.example', email_verified: true, name: 'Ada', groups: ['weavers'] };
/** To start all this, and take a few steps, milliseconds. */
export const START_MS = 60_000;

export interface Setup {
  readonly embedded?: object;
  readonly federation?: object;
  /** What ID tokens hold: all that is known of the user, nothing, or these claims. */
  readonly inIdToken?: boolean | readonly string[];
}

export const atClient = (url: URL): boolean => url.href.startsWith(REDIRECT);
const back = (url: URL): boolean => url.pathname === '/oauth/federation';

export class Federated {
  readonly gateway: SignInGateway;
  readonly company: Company;

  private constructor(gateway: SignInGateway, company: Company) {
    this.gateway = gateway;
    this.company = company;
  }

  static async start({ embedded = { passwords: false }, federation = {}, inIdToken = true }: Setup = {}) {
    let gateway: SignInGateway | undefined;
    const company = await startCompany(() => `${gateway!.base}/oauth/federation`, inIdToken);
    const settings = {
      issuer: company.url,
      clientId: 'patchbay',
      clientSecret: SECRET,
      name: 'Engines',
      ...federation,
    };
    gateway = await startSignInGateway({ ...embedded, federation: settings });
    company.user = ADA;
    return new Federated(gateway, company);
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.company.down().catch(() => undefined);
  }

  browser = (): Browser => new Browser(this.gateway.base);

  /** One client that asks, up to the page that it leads to. */
  async ask(browser: Browser, name = 'Loom') {
    const { gateway } = this;
    const about = { client_name: name, redirect_uris: [REDIRECT] };
    const client = await new Host(gateway).register('/oauth/register', about);
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
    const page = await browser.go(`${gateway.base}/oauth/authorize?${query}`);
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

  /** From a page of the sign-in through the provider. */
  through = (browser: Browser, page: Stop): Promise<Stop> => browser.fill(page, {}, 'provider', { until: atClient });

  /** Through the provider, to where it sends the browser back to, which is not opened. */
  async answerOf(browser: Browser): Promise<URL> {
    const { page } = await this.ask(browser);
    const { left } = await browser.fill(page, {}, 'provider', { until: back });
    return left!;
  }

  async signIn(browser = this.browser()): Promise<Stop> {
    return browser.go(await this.answerOf(browser));
  }
}
