/** Sign-in at a company's provider: the built gateway in front of a real `oidc-provider`. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Session } from '../../gateway/client.ts';
import { claimsOf } from '../../hosts/host.ts';
import { SECRET } from './company.ts';
import { ADA, Federated, START_MS } from './federated.ts';

let federated: Federated;

afterEach(() => federated?.stop());

describe('the whole way', () => {
  test.each([
    { title: 'by the provider alone', embedded: { passwords: false }, inIdToken: true },
    { title: 'beside passwords, with claims at the userinfo endpoint', embedded: {}, inIdToken: false },
  ])(
    '$title',
    async ({ embedded, inIdToken }) => {
      federated = await Federated.start({ embedded, inIdToken, federation: { domains: ['engines.example'] } });
      const browser = federated.browser();
      const { page, exchange } = await federated.ask(browser);
      expect(page.html).toContain('Loom');
      expect(page.html).toContain('Continue with Engines');
      expect(page.html.includes('name="password"')).toBe(!('passwords' in embedded));
      const consent = await federated.through(browser, page);
      expect(consent).toMatchObject({ status: 200, html: expect.stringContaining('ada@engines.example') });
      const { left } = await browser.fill(consent, { decision: 'allow' });
      const answer = left!;
      expect(answer.searchParams.get('iss')).toBe(federated.gateway.base);
      const { access_token } = await exchange(answer);
      expect(claimsOf(access_token)).toMatchObject({
        iss: federated.gateway.base,
        aud: federated.gateway.url,
        groups: ['weavers'],
      });
      expect(claimsOf(access_token).sub).toBe(`idp:${federated.company.url}#u-1`);
      const session = await Session.open(federated.gateway.url, {
        headers: { authorization: `Bearer ${access_token}` },
      });
      expect((await session.names()).length).toBeGreaterThan(0);
      await session.end();

      expect(federated.company.asked).toEqual([
        expect.objectContaining({
          client_id: 'patchbay',
          redirect_uri: `${federated.gateway.base}/oauth/federation`,
          state: expect.stringMatching(/^[\w-]{43}$/),
          nonce: expect.stringMatching(/^[\w-]{43}$/),
          code_challenge: expect.stringMatching(/^[\w-]{43}$/),
          code_challenge_method: 'S256',
        }),
      ]);
      // a code, an access token and an ID token at least
      expect(federated.company.secrets.length).toBeGreaterThanOrEqual(3);
      const kept = await everythingKept();
      for (const secret of [...federated.company.secrets, SECRET]) {
        expect(JSON.stringify([federated.gateway.logs, federated.gateway.noise])).not.toContain(secret);
        expect(kept).not.toContain(secret);
      }
    },
    START_MS,
  );

  test(
    'another client gets a code only once it was consented to, although the browser is signed in',
    async () => {
      federated = await Federated.start();
      const browser = federated.browser();
      const consent = await federated.signIn(browser);
      await browser.fill(consent, { decision: 'allow' });
      const { page } = await federated.ask(browser, 'Mallory');
      expect(page.status).toBe(200);
      expect(page.html).toContain('Mallory');
      expect(page.html).toContain('decision');
      const { left } = await browser.fill(page, { decision: 'deny' });
      expect(left?.searchParams.get('error')).toBe('access_denied');
      expect(left?.searchParams.has('code')).toBe(false);
    },
    START_MS,
  );
});

describe('what is refused', () => {
  test(
    'an answer that was used, that another browser brings, or that nobody asked for',
    async () => {
      federated = await Federated.start();
      const browser = federated.browser();
      const answer = await federated.answerOf(browser);
      expect(await federated.browser().go(answer)).toMatchObject({ status: 400 });
      const unknown = new URL(answer);
      unknown.searchParams.set('state', 'never given');
      expect(await browser.go(unknown)).toMatchObject({ status: 400 });
      // neither has used up the good one
      expect((await browser.go(answer)).html).toContain('ada@engines.example');
      expect(await browser.go(answer)).toMatchObject({ status: 400 });
    },
    START_MS,
  );

  test(
    'people whom the provider does not let in, and all while it cannot be reached',
    async () => {
      federated = await Federated.start();
      await federated.company.down();
      const browser = federated.browser();
      const { page } = await federated.ask(browser);
      const failed = await federated.through(browser, page);
      expect(failed.headers.get('retry-after')).toBe('30');
      expect(failed).toMatchObject({ status: 503, html: expect.stringContaining('Engines cannot be reached') });
      const way = /<a class="main" href="([^"]+)">Back to the sign-in</.exec(failed.html)![1]!;
      expect((await browser.go(way)).html).toContain('Continue with Engines');
      await federated.company.up();
      federated.company.user = undefined;
      const denied = await federated.through(browser, page);
      expect(denied).toMatchObject({ status: 403, html: expect.stringContaining('Engines did not let you in') });
      federated.company.user = ADA;
      const again = await federated.through(browser, page);
      expect(again.html).toContain('ada@engines.example');
    },
    START_MS,
  );
});

/** All files of the gateway, as text. */
async function everythingKept(): Promise<string> {
  const state = join(dirname(federated.gateway.configPath), 'state');
  const files = (await readdir(state, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  expect(files.length).toBeGreaterThan(0);
  return (await Promise.all(files.map((one) => readFile(join(one.parentPath, one.name), 'latin1')))).join('\n');
}
