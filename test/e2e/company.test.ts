/** The SDKs' own OAuth flows where the company has an identity provider: alone, and behind the sign-in of Patchbay. */
import { afterEach, describe, expect, test } from 'vitest';
import { describeInBrowser } from '../browser/chromium.ts';
import { decide } from '../browser/sign-in.ts';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { type CompanyProvider, PATCHBAY, signInAtCompany, startCompanyProvider } from './company-provider.ts';
import { App } from './oauth-app.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The provider, and a gateway that trusts it. */
async function start(auth: (company: string) => object): Promise<{ company: CompanyProvider; gateway: Gateway }> {
  let gateway: Gateway | undefined;
  const company = await startCompanyProvider(
    () => new URL('/oauth/federation', gateway?.url ?? 'http://127.0.0.1').href,
  );
  closers.push(() => company.close());
  gateway = await startGateway({
    config: { auth: auth(company.url), upstreams: { peer: stdioUpstream('peer-server') } },
  });
  closers.push(() => gateway.stop());
  return { company, gateway };
}

describeInBrowser('a company with a provider', (open) => {
  describe.each(['v2', 'v1'] as const)('SDK %s', (version) => {
    /** A user gives the URL to an app, which sends them somewhere. */
    const paste = async (url: string) => {
      const app = await App.start(version, url, 'Weather Desk');
      closers.push(() => app.close());
      await expect(app.connect()).rejects.toThrow(/unauthorized/i);
      const page = await open();
      await page.goto(app.wallet.authorizationUrl!.href);
      return { app, page };
    };
    const callThrough = async (app: App): Promise<string> => {
      await app.finish();
      const connection = await app.connect();
      closers.push(() => connection.close());
      expect(await connection.tools()).toContain('peer__add');
      return connection.call('peer__add', { a: 2, b: 3 });
    };

    test('mode jwt: the app signs its user in at the provider, and its tokens are good here', async () => {
      const { company, gateway } = await start((issuer) => ({
        mode: 'jwt',
        jwt: [{ issuer }],
        scopes: { required: ['mcp'] },
      }));
      const { app, page } = await paste(gateway.url);
      expect(app.wallet.authorizationUrl!.origin).toBe(company.url);
      expect(app.wallet.authorizationUrl!.searchParams.get('resource')).toBe(gateway.url);
      await signInAtCompany(page, 'ada');
      expect(await callThrough(app)).toBe('5');
      expect(company.served).toEqual([(app.wallet.registered as { client_id: string }).client_id]);
    });

    test('federated: the app knows Patchbay alone, which hands its user on and asks whether the app may', async () => {
      const federation = (issuer: string) => ({
        issuer,
        clientId: PATCHBAY.client_id,
        clientSecret: PATCHBAY.client_secret,
        name: 'Engines',
        domains: ['company.example'],
      });
      const { company, gateway } = await start((issuer) => ({
        mode: 'embedded',
        embedded: { passwords: false, federation: federation(issuer) },
      }));
      const { app, page } = await paste(gateway.url);
      expect(app.wallet.authorizationUrl!.origin).toBe(new URL(gateway.url).origin);
      await page.getByText('Weather Desk').first().waitFor();
      await page.getByRole('button', { name: /Engines/ }).click();
      await signInAtCompany(page, 'ada');
      await page.getByRole('heading', { name: 'Allow this app to connect?' }).waitFor();
      expect(await page.getByRole('main').innerText()).toContain('ada');
      await decide(page, 'Allow');
      expect(await callThrough(app)).toBe('5');
      expect(company.served).toEqual([PATCHBAY.client_id]);
      expect(JSON.stringify(gateway.logs)).not.toContain(PATCHBAY.client_secret);
    });
  });
});
