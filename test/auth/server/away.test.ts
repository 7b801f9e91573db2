/** While the database cannot be used nobody loses what they have: they are told to come again. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Records } from '../../../src/auth/server/records.ts';
import { openVault } from '../../../src/storage/vault.ts';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { Bench, expectPage, WEB } from './bench.ts';

const LONG = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'patchbay-away-'));
let gateway: SignInGateway;

beforeAll(async () => {
  gateway = await startSignInGateway({}, { config: { storage: { folder } } });
}, LONG);
afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a refresh token that cannot be used up now is good later', { timeout: LONG }, async () => {
  const bench = new Bench(gateway.base);
  const client = await bench.register([WEB]);
  const tokens = await bench.tokens(client);
  const other = new DatabaseSync(join(folder, 'patchbay.db'));
  other.exec('BEGIN IMMEDIATE');
  const during = await bench.refresh(client, tokens.refresh_token);
  expect({ status: during.status, error: during.body.error }).toEqual({
    status: 503,
    error: 'temporarily_unavailable',
  });
  const registered = await bench.tryRegister({ client_name: 'App', redirect_uris: [WEB] });
  expect(registered.status).toBe(503);
  expect((await bench.revoke(client, tokens.refresh_token)).status).toBe(503);
  other.exec('ROLLBACK');
  other.close();
  expect((await bench.refresh(client, tokens.refresh_token)).status).toBe(200);
  expect(await bench.knock(tokens.access_token)).toBe(400);
});

test('a person who decides meanwhile gets a page, and can try it again', { timeout: LONG }, async () => {
  const bench = new Bench(gateway.base);
  const client = await bench.register([WEB]);
  const browser = bench.browser();
  const asked = await bench.toConsent(browser, bench.question(client));
  const { action } = browser.form(asked.html);
  const other = new DatabaseSync(join(folder, 'patchbay.db'));
  other.exec('BEGIN IMMEDIATE');
  const during = await browser.fill(asked, { decision: 'allow' });
  other.exec('ROLLBACK');
  other.close();
  expectPage(during, 503);
  expect(during.headers.get('retry-after')).toBe('30');
  expect(during.html).toContain('Nothing is lost');
  const back = action.replace(/\/consent$/, '');
  expect(during.html).toContain(`href="${new URL(back, gateway.base).pathname}"`);
  const again = await browser.go(new URL(back, gateway.base));
  const { left } = await browser.fill(again, { decision: 'allow' });
  expect(left?.searchParams.get('code')).toEqual(expect.any(String));
});

test('what is not to be told is not told as gone', () => {
  const records = new Records({ attempt: () => undefined }, openVault(undefined, undefined, console as never));
  const away = expect.objectContaining({ fault: 'authUnavailable' });
  for (const ask of [
    () => records.has('Grant', 'g'),
    () => records.find('RefreshToken', 't'),
    () => records.byUid('Session', 'u'),
    () => records.consume('AuthorizationCode', 'c'),
    () => records.put('Grant', 'g', {}, 60),
    () => records.remove('Grant', 'g'),
    () => records.removeOfGrant('RefreshToken', 'g'),
  ])
    expect(ask).toThrow(away);
  // what nobody loses anything by
  expect([records.get('Client', 'c'), records.count('Client')]).toEqual([undefined, 0]);
});
