/** Keys of `auth.embedded` whose effect is seen from outside, each by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { Bench, WEB } from './bench.ts';
import { Federated, START_MS } from './federated.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(embedded: object): Promise<{ gateway: SignInGateway; bench: Bench }> {
  const gateway = await startSignInGateway(embedded);
  stops.push(() => gateway.stop());
  return { gateway, bench: new Bench(gateway.base) };
}
const metadata = async (base: string): Promise<Record<string, unknown>> =>
  (await (await fetch(`${base}/.well-known/oauth-authorization-server`)).json()) as Record<string, unknown>;

test('accessToken, refreshToken and browser end what somebody has signed in to', { timeout: START_MS }, async () => {
  const { bench } = await start({ accessToken: '1s', refreshToken: '3s', browser: '3s' });
  const client = await bench.register([WEB]);
  const tokens = await bench.tokens(client);
  const browser = bench.browser();
  await bench.toConsent(browser, bench.question(client));
  const isAsked = async () => (await browser.go(bench.question(client))).html.includes('name="password"');
  expect(await isAsked()).toBe(false);
  await expect.poll(() => bench.knock(tokens.access_token), { timeout: 10_000 }).toBe(401);
  await delay(3_100);
  expect(await bench.refresh(client, tokens.refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
  expect(await isAsked()).toBe(true);
});

test('registration.dynamic and registration.documents: how clients may make themselves known', {
  timeout: START_MS,
}, async () => {
  const open = await start({});
  expect(await metadata(open.gateway.base)).toMatchObject({
    registration_endpoint: `${open.gateway.base}/oauth/register`,
    client_id_metadata_document_supported: true,
  });
  const closed = await start({ registration: { dynamic: false, documents: false } });
  const told = await metadata(closed.gateway.base);
  expect(told).not.toHaveProperty('registration_endpoint');
  expect(told.client_id_metadata_document_supported ?? false).toBe(false);
  expect((await closed.bench.browser().go(closed.bench.question('https://app.example.com/client.json'))).status).toBe(
    400,
  );
  const answer = await fetch(`${closed.gateway.base}/oauth/register`, { method: 'POST', body: '{}' });
  expect(answer.status).toBe(404);
});

test('federation.name and passwords: what the page of the sign-in shows', { timeout: START_MS }, async () => {
  for (const passwords of [true, false]) {
    const federated = await Federated.start({ embedded: { passwords }, federation: { name: 'Engines Ltd' } });
    stops.push(() => federated.stop());
    const { page } = await federated.ask(federated.browser());
    expect(page.html).toContain('Continue with Engines Ltd');
    expect(page.html.includes('name="password"')).toBe(passwords);
  }
});

test('federation: the issuer is asked with clientId and scopes, and redeems codes for the clientSecret', {
  timeout: START_MS,
}, async () => {
  const federation = { scopes: ['openid', 'email'] };
  const good = await Federated.start({ federation });
  stops.push(() => good.stop());
  const browser = good.browser();
  const consent = await good.through(browser, (await good.ask(browser)).page);
  expect(consent).toMatchObject({ status: 200, html: expect.stringContaining('value="allow"') });
  expect(good.company.asked).toMatchObject([{ client_id: 'patchbay', scope: 'openid email' }]);

  const bad = await Federated.start({ federation: { ...federation, clientSecret: 'another one' } });
  stops.push(() => bad.stop());
  const other = bad.browser();
  const refused = await bad.through(other, (await bad.ask(other)).page);
  expect(refused.html).not.toContain('value="allow"');
});
