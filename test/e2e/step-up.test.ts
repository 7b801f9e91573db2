/** A tool that needs more than the first sign-in asked for: the official SDKs' own OAuth flows ask for it, and go on. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { challengeIn } from '../auth/bench.ts';
import { describeInBrowser, PATIENCE } from '../browser/chromium.ts';
import { decide, signIn } from '../browser/sign-in.ts';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { App, type SdkVersion } from './oauth-app.ts';

let gateway: SignInGateway;

beforeAll(async () => {
  const rules = [
    { items: ['add'], scopes: ['maths'] },
    { methods: ['tools/call'], items: ['add', 'count'], scopes: ['tools'] },
  ];
  gateway = await startSignInGateway({}, { auth: { scopes: { required: ['base'], rules } } });
}, PATIENCE);
afterAll(() => gateway?.stop());

const scopesOf = (text: string | null | undefined): string[] => (text ?? '').split(' ').sort();

describeInBrowser('a tool that needs another scope', (open) => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** Signed in as ada, with what the first sign-in asks for. */
  const connected = async (version: SdkVersion) => {
    const app = await App.start(version, gateway.url);
    closers.push(() => app.close());
    // v1 would rather refresh what it has than ask for more: it does so when it has nothing to refresh
    if (version === 'v1') app.wallet.grants = ['authorization_code'];
    await expect(app.connect()).rejects.toThrow(/unauthorized/i);
    const page = await open();
    await page.goto(app.wallet.authorizationUrl!.href);
    await signIn(page, 'ada');
    await decide(page, 'Allow');
    await app.finish();
    const connection = await app.connect();
    closers.push(() => connection.close());
    return { app, page, connection };
  };

  describe.each(['v2', 'v1'] as const)('SDK %s', (version) => {
    test('is refused with every scope it needs, asked for, allowed, and called', async () => {
      const { app, page, connection } = await connected(version);
      const { access_token: first, scope } = app.wallet.kept!;
      expect(scopesOf(scope)).toEqual(['base', 'mcp']);
      // what needs no more is served
      expect(await connection.call('peer__echo', { text: 'hello' })).toContain('hello');

      const modern = new ModernClient(gateway.url, {}, { authorization: `Bearer ${first}` });
      const refused = await modern.ask('tools/call', {
        id: 1,
        params: { name: 'peer__add', arguments: { a: 2, b: 3 } },
      });
      const { params } = challengeIn(refused.headers['www-authenticate']);
      expect([refused.status, params.error]).toEqual([403, 'insufficient_scope']);
      expect(scopesOf(params.scope)).toEqual(['base', 'maths', 'tools']);
      expect(params.resource_metadata).toBe(`${gateway.base}/.well-known/oauth-protected-resource/mcp`);

      app.wallet.authorizationUrl = undefined;
      const { sessionId } = connection;
      await expect(connection.call('peer__add', { a: 2, b: 3 })).rejects.toThrow(/unauthorized/i);
      const asked = scopesOf(app.wallet.authorizationUrl!.searchParams.get('scope'));
      expect(asked).toEqual(expect.arrayContaining(['base', 'maths', 'tools']));

      // the browser is still signed in: what is asked is the new alone
      await page.goto(app.wallet.authorizationUrl!.href);
      await page.getByRole('heading', { name: 'Allow this app to connect?' }).waitFor();
      const text = await page.getByRole('main').innerText();
      for (const one of ['maths', 'tools']) expect(text).toContain(`the scope “${one}”`);
      await decide(page, 'Allow');
      await app.finish();
      expect(scopesOf(app.wallet.kept!.scope)).toEqual(asked.filter((one) => one !== 'offline_access'));
      expect(await connection.call('peer__add', { a: 2, b: 3 })).toBe('5');
      expect(connection.sessionId).toBe(sessionId);

      const lines = gateway.logs.filter(({ audit, fault }) => audit === 'refused' && fault === 'insufficientScope');
      expect(lines).toContainEqual(expect.objectContaining({ status: 403, principal: 'ada' }));
      expect(JSON.stringify(gateway.logs)).not.toContain(first);
    });

    test('stays refused for who denies, and what needs no more goes on', async () => {
      const { app, page, connection } = await connected(version);
      const { access_token: first } = app.wallet.kept!;
      app.wallet.authorizationUrl = undefined;
      await expect(connection.call('peer__add', { a: 2, b: 3 })).rejects.toThrow(/unauthorized/i);
      await page.goto(app.wallet.authorizationUrl!.href);
      await decide(page, 'Deny');
      expect((await app.answer).get('error')).toBe('access_denied');
      await expect(app.finish()).rejects.toThrow();
      expect(app.wallet.kept!.access_token).toBe(first);
      expect(await connection.call('peer__echo', { text: 'still here' })).toContain('still here');
    });
  });
});
