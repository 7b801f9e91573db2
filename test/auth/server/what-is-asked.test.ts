/** What a client may ask for, and what it is told that there is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
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
