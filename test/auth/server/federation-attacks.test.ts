/** Answers of the provider that somebody has changed, made up or used before: nobody is signed in by them. */
import { generateKeyPair, type JWTPayload } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { expectPage } from './bench.ts';
import type { Stop } from './browser.ts';
import { Federated, START_MS } from './federated.ts';

let federated: Federated;
let seen = 0;
beforeAll(async () => {
  federated = await Federated.start();
}, START_MS);
afterEach(() => {
  federated.company.forge = undefined;
});
afterAll(() => federated?.stop());

/** A page that says no, and a line in the audit trail that says why. */
async function refused(stop: Stop, status: number, text: string, line: object): Promise<void> {
  expectPage(stop, status);
  expect(stop.html).toContain(text);
  const due = expect.objectContaining({ address: '127.0.0.1', ...line });
  await federated.gateway.waitForLog((found) => due.asymmetricMatch(found));
  const told = () => federated.gateway.logs.filter(({ audit }) => audit === 'sign-in failed' || audit === 'refused');
  await expect.poll(() => told().length).toBe(++seen);
}

const UNTRUSTED = 'no answer that can be trusted';
const failed = (cause: RegExp) => ({
  audit: 'sign-in failed',
  reason: expect.stringContaining(UNTRUSTED),
  cause: expect.stringMatching(cause),
});

test.each<{ what: string; claims: JWTPayload; cause: RegExp }>([
  { what: 'another nonce', claims: { nonce: 'of another question' }, cause: /nonce/ },
  { what: 'no nonce', claims: { nonce: undefined }, cause: /nonce/ },
  { what: 'another issuer', claims: { iss: 'https://login.attacker.example' }, cause: /iss/ },
  { what: 'another audience', claims: { aud: 'another client' }, cause: /aud/ },
  { what: 'an end that is past', claims: { exp: 1 }, cause: /exp/ },
])('an ID token with $what', async ({ claims, cause }) => {
  federated.company.forge = { claims };
  await refused(await federated.signIn(), 403, UNTRUSTED, failed(cause));
});

test('an ID token that another key has signed', async () => {
  const { privateKey } = await generateKeyPair('RS256');
  federated.company.forge = { key: privateKey };
  await refused(await federated.signIn(), 403, UNTRUSTED, failed(/signature/));
});

test('an ID token that is as the provider made it, signed anew by its key, is good', async () => {
  federated.company.forge = { claims: {} };
  expect((await federated.signIn()).html).toContain('value="allow"');
});

test('an answer that names another issuer (RFC 9207)', async () => {
  const browser = federated.browser();
  const answer = await federated.answerOf(browser);
  expect(answer.searchParams.get('iss')).toBe(federated.company.url);
  answer.searchParams.set('iss', 'https://login.attacker.example');
  await refused(await browser.go(answer), 403, UNTRUSTED, failed(/iss/));
});

test('an answer that names no issuer, although the provider always does', async () => {
  const browser = federated.browser();
  const answer = await federated.answerOf(browser);
  answer.searchParams.delete('iss');
  await refused(await browser.go(answer), 403, UNTRUSTED, failed(/iss/));
});

test('a code of another question', async () => {
  const [mine, other] = [federated.browser(), federated.browser()];
  const answer = await federated.answerOf(mine);
  const foreign = await federated.answerOf(other);
  answer.searchParams.set('code', foreign.searchParams.get('code')!);
  await refused(await mine.go(answer), 403, UNTRUSTED, failed(/./));
});

const OVER = 'This sign-in is over';
const step = (reason: RegExp) => ({ audit: 'refused', fault: 'step', reason: expect.stringMatching(reason) });

test('a state that was never given, one of another browser, and one that was used; the good one stays good', async () => {
  const browser = federated.browser();
  const answer = await federated.answerOf(browser);
  const unknown = new URL(answer);
  unknown.searchParams.set('state', 'never given');
  await refused(await browser.go(unknown), 400, OVER, step(/never asked/));
  await refused(await federated.browser().go(answer), 400, OVER, step(/another browser/));
  // of somebody who is at a step as well, and would be signed in as the one whose answer it is
  const victim = federated.browser();
  await federated.ask(victim);
  await refused(await victim.go(answer), 400, OVER, step(/another browser/));
  expect((await browser.go(answer)).html).toContain('ada@engines.example');
  await refused(await browser.go(answer), 400, OVER, step(/answered before/));
});

test('a state of another step of the same browser, brought to this one', async () => {
  const browser = federated.browser();
  const { page } = await federated.ask(browser);
  const answer = await federated.answerOf(federated.browser());
  const here = browser.form(page.html).action;
  const stop = await browser.go(`${here}?${answer.searchParams}`);
  await refused(stop, 403, 'used before', { audit: 'sign-in failed', reason: expect.stringContaining('used before') });
});

test('while the provider has trouble, or is away, that is what is said', async () => {
  const browser = federated.browser();
  const answer = await federated.answerOf(browser);
  federated.company.trouble = true;
  const away = { audit: 'sign-in failed', reason: 'Engines cannot be reached now.', cause: expect.any(String) };
  await refused(await browser.go(answer), 503, 'Engines cannot be reached now', away);
  federated.company.trouble = false;
  const { page } = await federated.ask(browser);
  const again = await browser.fill(page, {}, 'provider', { until: ({ pathname }) => pathname === '/oauth/federation' });
  await federated.company.down();
  await refused(await browser.go(again.left!), 503, 'Engines cannot be reached now', away);
  await federated.company.up();
});
