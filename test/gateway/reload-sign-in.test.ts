/** The embedded sign-in, edited while it runs: what it offers, gives out and lets through. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { Bench, WEB } from '../auth/server/bench.ts';
import { START_MS } from '../auth/server/federated.ts';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';

let gateway: SignInGateway;
let bench: Bench;
let client: string;
beforeAll(async () => {
  gateway = await startSignInGateway();
  bench = new Bench(gateway.base);
  client = await bench.register([WEB]);
}, START_MS);
afterAll(() => gateway?.stop());

/** Changes the section `auth` of the file. @returns the changes that the log tells as applied */
async function edit({ embedded = {}, ...changes }: { embedded?: object; [key: string]: unknown }): Promise<unknown> {
  const { configPath, logs, waitForLog } = gateway;
  const config = parse(await readFile(configPath, 'utf8')) as { auth: { embedded: object } };
  const told = logs.length;
  const auth = { ...config.auth, ...changes, embedded: { ...config.auth.embedded, ...embedded } };
  await writeFile(configPath, stringify({ ...config, auth }));
  await waitForLog((one) => one.msg === 'config applied' && logs.indexOf(one) >= told);
  return logs.slice(told).find(({ msg }) => msg === 'config applied')!.changes;
}

const document = async (path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(`${gateway.base}/.well-known/${path}`)).json()) as Record<string, unknown>;

test('auth.scopes: its metadata, that of the endpoint, its pages and its tokens have the new ones', async () => {
  const offered = async () => (await document('oauth-authorization-server')).scopes_supported;
  expect(await offered()).not.toContain('maths');
  await edit({ scopes: { required: ['base'], rules: [{ items: ['add'], scopes: ['maths'] }] } });
  expect(await offered()).toEqual(expect.arrayContaining(['mcp', 'base', 'maths']));
  expect((await document('oauth-protected-resource/mcp')).scopes_supported).toEqual(['mcp', 'base']);
  const { html } = await bench.toConsent(bench.browser(), bench.question(client, { scope: 'base maths' }));
  expect(html).toContain('the scope “maths”');
  const { body } = await bench.redeem(client, await bench.code(client, { scope: 'base maths' }));
  expect(String(body.scope).split(' ').sort()).toEqual(['base', 'maths']);

  // one that is gone is neither offered nor given out
  await edit({ scopes: { required: ['base'] } });
  expect(await offered()).not.toContain('maths');
  const later = await bench.redeem(client, await bench.code(client, { scope: 'base maths' }));
  expect(later.body.scope).toBe('base');
});

test('auth.embedded: lifetimes are those of the next token, and registration can be switched off', async () => {
  const lifetime = async () => (await bench.redeem(client, await bench.code(client))).body.expires_in;
  expect(await lifetime()).toBe(600);
  const changes = await edit({ embedded: { accessToken: '5m', registration: { dynamic: false } } });
  expect(changes).toContain('auth.embedded.accessToken: 10m → 5m');
  expect(await lifetime()).toBe(300);
  expect((await document('oauth-authorization-server')).registration_endpoint).toBeUndefined();
  const body = JSON.stringify({ client_name: 'App', redirect_uris: [WEB] });
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(`${gateway.base}/oauth/register`, { method: 'POST', headers, body })).status).toBe(404);
});

test('auth.limits.signIn: what was asked before the edit counts, and 0 lifts it', async () => {
  const ask = async () => (await fetch(`${gateway.base}/oauth/token`, { method: 'POST' })).status;
  expect(await ask()).toBe(400);
  await edit({ limits: { signIn: 1 } });
  expect(await ask()).toBe(429);
  await edit({ limits: { signIn: 0 } });
  expect(await ask()).toBe(400);
});

test('who signs in waits, with what decides that, and both are named', async () => {
  const { configPath, logs, waitForLog } = gateway;
  const config = parse(await readFile(configPath, 'utf8')) as { auth: { embedded: object } };
  const told = logs.length;
  const auth = {
    ...config.auth,
    scopes: {},
    limits: { signIn: 0, calls: 20_000 },
    embedded: { ...config.auth.embedded, users: 'others.yaml' },
  };
  await writeFile(configPath, stringify({ ...config, auth }));
  const line = (msg: string) => waitForLog((one) => String(one.msg).startsWith(msg) && logs.indexOf(one) >= told);
  expect((await line('these changes take effect at the next start')).changes).toEqual([
    expect.stringMatching(/^auth\.embedded\.users/),
  ]);
  expect((await line('these changes wait with them')).changes).toEqual([
    expect.stringMatching(/^auth\.scopes\.required/),
  ]);
  expect((await line('config applied')).changes).toEqual(['auth.limits.calls: 30000 → 20000']);
  // nobody is let in with less, until both take effect
  expect((await document('oauth-protected-resource/mcp')).scopes_supported).toEqual(['mcp', 'base']);
});
