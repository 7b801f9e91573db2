/** Clients that name themselves by a document (Client ID Metadata Documents), fetched by https from servers that tests start. */
import type { RequestListener } from 'node:http';
import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Session } from '../../gateway/client.ts';
import { claimsOf } from '../../hosts/host.ts';
import { startWeb, type Web } from '../https.ts';
import { type Attacked, NATIVE, refusedWith, startAttacked } from './attacked.ts';
import { type Bench, expectPage, type Tokens, WEB } from './bench.ts';

let attacked: Attacked;
let bench: Bench;
beforeAll(async () => {
  attacked = await startAttacked();
  ({ bench } = attacked);
}, 60_000);
afterAll(() => attacked?.gateway.stop());

const webs: Web[] = [];
afterEach(async () => {
  for (const one of webs.splice(0)) await one.close();
});
const serve = async (listener: RequestListener, host?: string): Promise<Web> => {
  const started = await startWeb('https', listener, host);
  webs.push(started);
  return started;
};
const at = ({ port }: Web, path = '/client.json') => `https://client.example.test:${port}${path}`;
/** A document about itself. */
const document =
  (changes: object = {}): RequestListener =>
  (req, res) => {
    const about = {
      client_id: `https://${req.headers.host}${req.url}`,
      client_name: 'Document',
      redirect_uris: [WEB],
    };
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ ...about, ...changes }));
  };
const ask = (client: string) => bench.browser().go(bench.question(client));
/** An error page, whose text says nothing of what was found there. */
const refused = async (client: string): Promise<void> => {
  const stop = await ask(client);
  expectPage(stop);
  expect(stop.html).not.toMatch(/ECONNREFUSED|127\.0\.0|not a public|certificate/);
};

/** As it is in the tab of a browser: texts alone. */
const textOf = (html: string): string =>
  html
    .slice(html.indexOf('<body'))
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

describe('a good one', () => {
  test('is fetched once, and gets tokens; the user is told the host that stands behind its name', async () => {
    const server = await serve(document({ client_name: 'Loom' }));
    const client = at(server);
    const browser = bench.browser();
    const consent = await bench.toConsent(browser, bench.question(client));
    const host = new URL(client).host;
    expect(textOf(consent.html)).toContain(`Loom ${host} Name confirmed by this address.`);
    expect(textOf(consent.html)).toContain(`Either way, you go back to ${new URL(WEB).host}`);
    expect(textOf(consent.html)).not.toContain('not verified');

    const { left } = await browser.fill(consent, { decision: 'allow' });
    const answer = await bench.redeem(client, left!.searchParams.get('code')!);
    const tokens = answer.body as unknown as Tokens;
    expect(claimsOf(tokens.access_token)).toMatchObject({ client_id: client, aud: bench.endpoint, sub: 'ada' });
    const session = await Session.open(attacked.gateway.url, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect((await session.names()).length).toBeGreaterThan(0);
    await session.end();
    expect((await bench.refresh(client, tokens.refresh_token)).status).toBe(200);
    expect(server.hits).toBe(1);
    const line = { audit: 'consent', user: 'ada', client };
    await attacked.gateway.waitForLog((found) => expect.objectContaining(line).asymmetricMatch(found));
  });

  test('whose answers go to a program of the computer is shown with a warning', async () => {
    const server = await serve(document({ redirect_uris: [NATIVE] }));
    const question = bench.question(at(server), { redirect_uri: 'http://127.0.0.1:51234/callback' });
    const { html } = await bench.toConsent(bench.browser(), question);
    expect(textOf(html)).toContain('A program on this computer asks. Patchbay cannot tell which one.');
  });
});

test('at a private address: it is not asked', async () => {
  const inner = await serve(document(), '127.0.0.2');
  const { port } = inner;
  const reasons = () =>
    attacked.gateway.logs.filter(({ msg }) => msg === 'what a client named was not fetched').map(({ err }) => err);
  const reason = expect.stringContaining('is not a public address');
  for (const host of [
    `inner.example.test:${port}`,
    `127.0.0.2:${port}`,
    `2130706434:${port}`,
    `0x7f000002:${port}`,
    `0177.0.0.2:${port}`,
    `127.2:${port}`,
    `[::ffff:127.0.0.2]:${port}`,
    `[::1]:${port}`,
    `0.0.0.0:${port}`,
    '10.0.0.1',
    '169.254.169.254',
    '192.168.0.1',
    '[fd00::1]',
    '[fe80::1]',
    '[64:ff9b::7f00:2]',
  ]) {
    const before = reasons().length;
    await refused(`https://${host}/client.json`);
    await vi.waitFor(() => expect({ host, said: reasons().slice(before) }).toEqual({ host, said: [reason] }));
  }
  expect([inner.hits, inner.connections]).toEqual([0, 0]);
});

test('that is no https URL, or hides what it is: nobody is asked', async () => {
  const server = await serve(document());
  const { port } = server;
  for (const id of [
    `http://client.example.test:${port}/client.json`,
    `https://user@client.example.test:${port}/client.json`,
    `https://user:password@client.example.test:${port}/client.json`,
    `https://client.example.test:${port}/client.json#x`,
    `https://client.example.test:${port}/x/../client.json`,
    `https://client.example.test:${port}/%2e%2e/client.json`,
    `https:\\\\client.example.test:${port}\\client.json`,
    `ftp://client.example.test:${port}/client.json`,
    'file:///etc/passwd',
  ])
    await refused(id);
  expect(server.hits).toBe(0);
});

test('behind a redirect', async () => {
  const inner = await serve(document(), '127.0.0.2');
  const target = await serve(document());
  for (const to of [at(target), `https://127.0.0.2:${inner.port}/client.json`, `http://127.0.0.1:${target.port}/`])
    for (const status of [301, 302, 303, 307, 308]) {
      const server = await serve((_req, res) => void res.writeHead(status, { location: to }).end());
      await refused(at(server));
      expect(server.hits).toBe(1);
    }
  expect([inner.hits, target.hits]).toEqual([0, 0]);
});

test.each<[string, RequestListener]>([
  ['another client_id', document({ client_id: 'https://other.example/client.json' })],
  ['no client_id', document({ client_id: undefined })],
  ['a secret', document({ client_secret: 'x' })],
  ['a secret for a method', document({ token_endpoint_auth_method: 'client_secret_basic' })],
  ['no redirect URI', document({ redirect_uris: [] })],
  ['a redirect URI that runs', document({ redirect_uris: [WEB, 'javascript:alert(1)'] })],
  ['a redirect URI of another kind', document({ redirect_uris: WEB })],
  ['another redirect URI', document({ redirect_uris: ['https://other.example/callback'] })],
  ['too much', document({ client_name: 'x'.repeat(70 * 1_024) })],
  ['no end', (_req, res) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"client_id": "')],
  ['nothing', () => undefined],
  ['no JSON', (_req, res) => void res.setHeader('content-type', 'application/json').end('<html>')],
  ['a list', (_req, res) => void res.setHeader('content-type', 'application/json').end('[]')],
  ['null', (_req, res) => void res.setHeader('content-type', 'application/json').end('null')],
  ['a page', (_req, res) => void res.setHeader('content-type', 'text/html').end('{}')],
  ['an error', (_req, res) => void res.writeHead(500).end()],
  [
    'a bomb',
    (_req, res) => void res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('x'),
  ],
])('with %s', { timeout: 15_000 }, async (_what, listener) => {
  const server = await serve(listener);
  const started = Date.now();
  await refused(at(server));
  expect([server.hits, Date.now() - started < 10_000]).toEqual([1, true]);
});

test('that asks for keys at a private address', async () => {
  const inner = await serve(document(), '127.0.0.2');
  const server = await serve(
    document({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://127.0.0.2:${inner.port}/jwks` }),
  );
  const { privateKey } = await generateKeyPair('ES256');
  const assertion = await new SignJWT({ jti: 'x' })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(at(server))
    .setSubject(at(server))
    .setAudience(bench.base)
    .setExpirationTime('1m')
    .sign(privateKey);
  const answer = await bench.redeem(at(server), 'x', {
    client_assertion: assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  });
  refusedWith(answer, 'invalid_client', answer.status);
  expect([400, 401]).toContain(answer.status);
  expect([server.hits, inner.hits]).toEqual([1, 0]);
});
