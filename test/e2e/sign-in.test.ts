/** From the pasted URL to the first tool call: the official SDKs' own OAuth flows, with a user in a real browser. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { describeInBrowser, PATIENCE } from '../browser/chromium.ts';
import { decide, signIn } from '../browser/sign-in.ts';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';
import { App, type Connection } from './oauth-app.ts';

let gateway: SignInGateway;

beforeAll(async () => {
  gateway = await startSignInGateway();
}, PATIENCE);
afterAll(() => gateway?.stop());

/** The status of a request with a token, and what it is told. */
const present = async (token: string, url = gateway.url): Promise<{ status: number; challenge: string | null }> => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    }),
  });
  await answer.body?.cancel();
  return { status: answer.status, challenge: answer.headers.get('www-authenticate') };
};

describeInBrowser('signing in', (open) => {
  describe.each(['v2', 'v1'] as const)('SDK %s', (version) => {
    const closers: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close();
    });

    /** An app to which a user gave the URL, and a browser with the page that it sent the user to. */
    const paste = async ({ url = gateway.url, name }: { url?: string; name?: string } = {}) => {
      const app = await App.start(version, url, name);
      closers.push(() => app.close());
      await expect(app.connect()).rejects.toThrow(/unauthorized/i);
      const page = await open();
      await page.goto(app.wallet.authorizationUrl!.href);
      return { app, page };
    };

    const connect = async (app: App): Promise<Connection> => {
      const connection = await app.connect();
      closers.push(() => connection.close());
      return connection;
    };

    /** All the way, as ada. */
    const connected = async (url?: string) => {
      const { app, page } = await paste(url === undefined ? {} : { url });
      await signIn(page, 'ada');
      await decide(page, 'Allow');
      await app.finish();
      return { app, connection: await connect(app) };
    };

    test('from the pasted URL to a tool call', async () => {
      const { app, page } = await paste({ name: 'Weather Desk' });
      expect(await page.getByRole('region', { name: 'The app that wants to connect' }).innerText()).toMatch(
        /It calls itself\s+Weather Desk\s+A program on this computer\s+Name not verified/,
      );
      await signIn(page, 'ada');
      await page.getByRole('heading', { name: 'Allow this app to connect?' }).waitFor();
      const asked = await page.getByRole('main').innerText();
      expect(asked).toContain('Weather Desk');
      expect(asked).toContain('A program on this computer asks.');
      expect(asked).toMatch(/Signed in as ada/);
      await decide(page, 'Allow');

      const answer = await app.answer;
      expect(answer.get('iss')).toBe(gateway.base);
      expect(answer.get('error')).toBeNull();
      await page.getByText('You can close this window.').waitFor();
      await app.finish();
      const connection = await connect(app);
      expect(await connection.tools()).toContain('peer__add');
      expect(await connection.call('peer__add', { a: 2, b: 3 })).toBe('5');
    });

    test('a wrong password is said so, and the right one can follow', async () => {
      const { app, page } = await paste();
      await signIn(page, 'ada', 'the engine sleeps');
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('alert').innerText()).toMatch(/wrong/i);
      expect(await page.getByLabel('User name').inputValue()).toBe('ada');
      expect(await page.getByLabel('Password').inputValue()).toBe('');
      await signIn(page, 'ada');
      await decide(page, 'Allow');
      await app.finish();
      expect(await (await connect(app)).tools()).toContain('peer__add');
      expect(JSON.stringify(gateway.logs)).not.toContain('the engine sleeps');
    });

    test('who denies is believed: the app hears of it and gets nothing', async () => {
      const { app, page } = await paste();
      await signIn(page, 'ada');
      await decide(page, 'Deny');
      const answer = await app.answer;
      expect(answer.get('error')).toBe('access_denied');
      expect(answer.get('iss')).toBe(gateway.base);
      expect(answer.get('state')).toBe(app.wallet.state());
      expect(answer.get('code')).toBeNull();
      await expect(app.finish()).rejects.toThrow();
      expect(app.wallet.kept).toBeUndefined();
    });

    test('another account can be used', async () => {
      const { app, page } = await paste();
      await signIn(page, 'ada');
      await decide(page, 'Use another account');
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await signIn(page, 'grace');
      await page.getByText('Signed in as grace').waitFor();
      await decide(page, 'Allow');
      await app.finish();
      expect(await (await connect(app)).tools()).toContain('peer__add');
    });

    test('tokens are refreshed while a session is in use', async () => {
      const { url, stop } = await startSignInGateway({ accessToken: '3s' });
      closers.push(async () => void (await stop()));
      const { app, connection } = await connected(url);
      const { access_token: first, refresh_token: refresh } = app.wallet.kept!;
      const { sessionId } = connection;
      if (version === 'v1') expect(sessionId).toBeDefined();
      await expect.poll(async () => (await present(first, url)).status, { timeout: PATIENCE / 2 }).toBe(401);
      expect((await present(first, url)).challenge).toContain('error="invalid_token"');
      expect(await connection.call('peer__add', { a: 20, b: 3 })).toBe('23');
      expect(app.wallet.kept!.access_token).not.toBe(first);
      expect(app.wallet.kept!.refresh_token).not.toBe(refresh);
      expect(connection.sessionId).toBe(sessionId);
    });

    test('what is revoked is refused at once, and what was made of it, too', async () => {
      const { app, connection } = await connected();
      const { access_token: access, refresh_token: token } = app.wallet.kept!;
      expect((await present(access)).status).toBe(200);
      const metadata = await fetch(`${gateway.base}/.well-known/oauth-authorization-server`);
      const { revocation_endpoint: endpoint } = (await metadata.json()) as { revocation_endpoint: string };
      const { client_id: client } = app.wallet.registered!;
      const revoked = await fetch(endpoint, {
        method: 'POST',
        body: new URLSearchParams({ token: token!, token_type_hint: 'refresh_token', client_id: client }),
      });
      expect(revoked.status).toBe(200);
      const { status, challenge } = await present(access);
      expect(status).toBe(401);
      expect(challenge).toContain('error="invalid_token"');
      await expect(connection.call('peer__add', { a: 1, b: 1 })).rejects.toThrow();
    });
  });
});
