/** Where forms of the pages lead through redirects: browsers hold each step against the policy of the page. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consentPage } from '../../src/auth/server/pages/consent.ts';
import { type Leads, pageHeaders } from '../../src/auth/server/pages/csp.ts';
import { leavePage } from '../../src/auth/server/pages/leave.ts';
import { describeInBrowser, PATIENCE } from './chromium.ts';
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
    const unopened: string[] = [];
    page.on('requestfailed', (request) => unopened.push(request.url()));
    await page.goto(`${server.url}/consent`);
    await page.getByRole('button', { name: 'Allow' }).click();
    return { page, refused, unopened };
  };

  test('to the redirect URI of a program on this computer', async () => {
    const redirectUri = `${client.url}/callback`;
    const { page } = await decide({ redirectUri }, `${redirectUri}?code=1`);
    await page.waitForURL(`${redirectUri}?code=1`);
  });

  test.each(['http://[::1]:33418/callback', 'cursor://anysphere.cursor-mcp/oauth/callback'])(
    'to what the browser itself cannot open: %s',
    async (redirectUri) => {
      const { refused, unopened } = await decide({ redirectUri }, `${redirectUri}?code=1`);
      await expect.poll(() => unopened, { timeout: PATIENCE / 2 }).toContain(`${redirectUri}?code=1`);
      expect(refused.join()).not.toContain('form-action');
    },
  );

  test('to an app by a page that stays open', async () => {
    const uri = 'cursor://anysphere.cursor-mcp/oauth/callback?code=1&state=a%20b';
    server.serve('/leave', { headers: pageHeaders(), body: leavePage({ uri }) });
    const { page, unopened } = await decide({}, '/leave');
    await page.getByRole('heading', { name: 'Go back to your app' }).waitFor();
    await expect.poll(() => unopened, { timeout: PATIENCE / 2 }).toEqual([uri]);
    expect(page.url()).toBe(`${server.url}/leave`);
  });

  test('to an app by the link of that page, where it did not open by itself', async () => {
    const uri = 'cursor://anysphere.cursor-mcp/oauth/callback?code=1&state=a%20b';
    // Chromium may ignore a second opening while it is busy with the first
    const body = leavePage({ uri }).replace(/<meta http-equiv="refresh"[^>]*>/, '');
    server.serve('/leave', { headers: pageHeaders(), body });
    const { page, unopened } = await decide({}, '/leave');
    await page.getByRole('link', { name: 'Open the app' }).click();
    await expect.poll(() => unopened, { timeout: PATIENCE / 2 }).toEqual([uri]);
    expect(page.url()).toBe(`${server.url}/leave`);
  });

  test('and nowhere else', async () => {
    const { page, refused, unopened } = await decide({ redirectUri: 'cursor://x/callback' }, `${stranger.url}/`);
    await expect.poll(() => refused.join(), { timeout: PATIENCE / 2 }).toContain('form-action');
    expect(page.url()).toBe(`${server.url}/consent`);
    expect(unopened).toEqual([`${server.url}/resume`]);
    expect(stranger.asked).toEqual([]);
  });
});
