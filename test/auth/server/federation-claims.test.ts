/** What a provider says of people: whose address counts, and where their groups are. */
import { afterEach, describe, expect, test } from 'vitest';
import { claimsOf } from '../../hosts/host.ts';
import { Bench } from './bench.ts';
import { ADA, Federated, START_MS } from './federated.ts';

let federated: Federated;
afterEach(() => federated?.stop());

const DOMAINS = { domains: ['engines.example'] };

/** @returns whether somebody of whom the provider says this is let in */
async function letsIn(claims: object): Promise<boolean> {
  federated.company.user = { ...ADA, ...claims };
  const { status, html } = await federated.signIn();
  expect([200, 403]).toContain(status);
  expect(html).toContain(status === 200 ? 'value="allow"' : 'not one of those');
  return status === 200;
}

describe('with domains', () => {
  test('those count whose address the provider has verified', { timeout: START_MS }, async () => {
    federated = await Federated.start({ federation: DOMAINS });
    expect(await letsIn({})).toBe(true);
    expect(await letsIn({ email: 'ada@ENGINES.example' })).toBe(true);
    expect(await letsIn({ email_verified: 'true' })).toBe(true);
    for (const claims of [
      { email: 'ada@engines.example.attacker.example' },
      { email: 'ada@engines.example@attacker.example' },
      { email: 'engines.example' },
      { email: undefined },
      { email_verified: false },
      { email_verified: 'false' },
      { email_verified: undefined },
      { email_verified: undefined, xms_edov: true },
    ])
      expect({ claims, letsIn: await letsIn(claims) }).toEqual({ claims, letsIn: false });
    await federated.gateway.waitForLog(({ audit }) => audit === 'sign-in failed');
  });

  test('verifiedClaim names another claim that says so', { timeout: START_MS }, async () => {
    federated = await Federated.start({ federation: { ...DOMAINS, verifiedClaim: 'xms_edov' } });
    expect(await letsIn({ email_verified: undefined, xms_edov: '1' })).toBe(true);
    expect(await letsIn({ email_verified: undefined, xms_edov: true })).toBe(true);
    expect(await letsIn({ email_verified: true, xms_edov: '0' })).toBe(false);
    expect(await letsIn({ email_verified: true })).toBe(false);
  });

  test('trustEmail takes the address as it is', { timeout: START_MS }, async () => {
    federated = await Federated.start({ federation: { ...DOMAINS, trustEmail: true } });
    expect(await letsIn({ email_verified: undefined })).toBe(true);
    expect(await letsIn({ email_verified: undefined, email: 'ada@attacker.example' })).toBe(false);
    expect(await letsIn({ email: undefined })).toBe(false);
  });
});

test('groups are found at the userinfo endpoint also where the ID token has the address', {
  timeout: START_MS,
}, async () => {
  federated = await Federated.start({ inIdToken: ['email', 'email_verified'] });
  const browser = federated.browser();
  const { page, exchange } = await federated.ask(browser);
  const consent = await federated.through(browser, page);
  const { left } = await browser.fill(consent, { decision: 'allow' });
  expect(claimsOf((await exchange(left!)).access_token)).toMatchObject({ groups: ['weavers'] });
  expect(federated.company.idTokens).toEqual([expect.objectContaining({ email: ADA.email })]);
  expect(federated.company.idTokens[0]).not.toHaveProperty('groups');
});

test('maxAge: whoever did not sign in at the provider again for so long has to', { timeout: START_MS }, async () => {
  federated = await Federated.start({ federation: { maxAge: '3s' } });
  const browser = federated.browser();
  const { page, exchange } = await federated.ask(browser);
  const { left } = await browser.fill(await federated.through(browser, page), { decision: 'allow' });
  const { access_token, refresh_token } = await exchange(left!);
  const bench = new Bench(federated.gateway.base);
  expect(await bench.knock(access_token)).toBe(400);
  await expect.poll(() => bench.knock(access_token), { timeout: 20_000, interval: 500 }).toBe(401);
  const { client_id: client } = claimsOf(access_token);
  expect((await bench.refresh(String(client), refresh_token!)).body).toMatchObject({ error: 'invalid_grant' });
  const { page: again } = await federated.ask(browser);
  expect(again.html).toContain('Continue with Engines');
});
