/**
 * The identity provider of a company, as far from Patchbay as a real one: `oidc-provider` with pages of its own, registration
 * and resource indicators, on a loopback port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import type { Page } from '../browser/chromium.ts';

export const PATCHBAY = { client_id: 'patchbay', client_secret: 'what only the two know' } as const;

export interface CompanyProvider {
  readonly url: string;
  /** The client ids that it has given tokens to, in order. */
  readonly served: readonly string[];
  close(): Promise<void>;
}

/** @param redirectUri of Patchbay as its client, which is asked for when the first request comes */
export async function startCompanyProvider(redirectUri: () => string): Promise<CompanyProvider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'company', alg: 'RS256', use: 'sig' };
  const served: string[] = [];
  let handle: ReturnType<Provider['callback']> | undefined;
  const server = createServer((request, response) => {
    handle ??= provider().callback();
    void handle(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function provider(): Provider {
    const made = new Provider(url, {
      jwks: { keys: [jwk as never] },
      clients: [{ ...PATCHBAY, redirect_uris: [redirectUri()] }],
      cookies: { keys: ['company'] },
      scopes: ['openid', 'email', 'profile', 'offline_access', 'mcp'],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      findAccount: (_ctx, sub) => ({
        accountId: sub,
        claims: () => ({ sub, name: sub, email: `${sub}@company.example`, email_verified: true }),
      }),
      features: {
        devInteractions: { enabled: true },
        registration: { enabled: true },
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: (_ctx, resource) => ({
            scope: 'mcp',
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: 600,
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
    });
    made.on('grant.success', (ctx) => void served.push(ctx.oidc.client!.clientId));
    return made;
  }

  return {
    url,
    served,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** What a person does on its pages: signs in, with any password, and lets the app in. */
export async function signInAtCompany(page: Page, user: string): Promise<void> {
  await page.locator('input[name=login]').fill(user);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
}
