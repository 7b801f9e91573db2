/** Where forms of the pages lead through redirects: browsers hold each step against the policy of the page. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consentPage } from '../../src/auth/server/pages/consent.ts';
import { type Leads, pageHeaders } from '../../src/auth/server/pages/csp.ts';
import { describeInBrowser } from './chromium.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { consentModel } from './samples.ts';

let server: PageServer;
let client: PageServer;
let stranger: PageServer;

beforeAll(async () => {
  [server, client, stranger] = await Promise.all([startPageServer(), startPageServer(), startPageServer()]);
  client.serve('/callback', { headers: { 'content-type': 'text/plain' }, body: 'back' });
  stranger.serve('/', { headers: { 'content-type': 'text/plain' }, body: 'elsewhere' });
});

afterAll(() => Promise.all([server?.close(), client?.close(), stranger?.close()]));

describeInBrowser('the decision leads', (open) => {
  /** Allows on a page with a policy, when the answer redirects by way of another page of the server. */
  const decide = async (leads: Leads, to: string) => {
    server.serve('/consent', { headers: pageHeaders(leads), body: consentPage(consentModel({ action: '/decide' })) });
    server.serve('/decide', { status: 303, headers: { location: '/resume' } });
    server.serve('/resume', { status: 303, headers: { location: to } });
    const page = await open();
    const refused: string[] = [];
    page.on('console', (message) => refused.push(message.text()));
    await page.goto(`${server.url}/consent`);
    await page.getByRole('button', { name: 'Allow' }).click();
    return { page, refused };
  };

  test('to the redirect URI of a program on this computer', async () => {
    const redirectUri = `${client.url}/callback`;
    const { page } = await decide({ redirectUri }, `${redirectUri}?code=1`);
    await page.waitForURL(`${redirectUri}?code=1`);
  });

  test('to one at an IPv6 address', async () => {
    const { page, refused } = await decide(
      { redirectUri: 'http://[::1]:1/callback' },
      'http://[::1]:1/callback?code=1',
    );
    await expect.poll(() => page.url()).not.toBe(`${server.url}/consent`);
    expect(refused.join()).not.toContain('form-action');
  });

  test('to an app that opens links of a scheme', async () => {
    const { page, refused } = await decide({ redirectUri: 'cursor://x/callback' }, 'cursor://x/callback?code=1');
    const scheme = await open();
    await scheme.goto(`${server.url}/consent`);
    await expect.poll(() => server.asked.filter((line) => line === 'GET /resume').length).toBeGreaterThan(0);
    await expect.poll(() => page.url()).toBe(`${server.url}/consent`);
    expect(refused.join()).not.toContain('form-action');
  });

  test('and nowhere else', async () => {
    const { page, refused } = await decide({ redirectUri: 'cursor://x/callback' }, `${stranger.url}/`);
    await expect.poll(() => refused.join()).toContain('form-action');
    expect(page.url()).toBe(`${server.url}/consent`);
    expect(stranger.asked).toEqual([]);
  });
});
