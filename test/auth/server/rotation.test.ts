/** Signing keys are rotated by command while the gateway runs. */
import { dirname, join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../e2e/cli-process.ts';
import { type SignInGateway, startSignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { HELLO, Host, type ServerMetadata } from '../../hosts/host.ts';

let gateway: SignInGateway;

beforeAll(async () => {
  gateway = await startSignInGateway();
}, 60_000);
afterAll(() => gateway?.stop());

test('new tokens have the new key, and those of the old one stay good', async () => {
  const host = new Host(gateway);
  const metadata = await host.document<ServerMetadata>('/.well-known/oauth-authorization-server');
  const redirectUri = 'http://127.0.0.1:9/cb';
  const { client_id: clientId } = await host.register(metadata.registration_endpoint, { redirect_uris: [redirectUri] });
  const about = { clientId, redirectUri, resource: gateway.url };
  const { tokens, refresh } = await host.authorize(metadata, about);
  const status = async (token: string): Promise<number> =>
    (await host.post(HELLO.legacy('2025-11-25'), { authorization: `Bearer ${token}` })).status;
  const kidOf = (token: string) => decodeProtectedHeader(token).kid;
  const shown = async (): Promise<unknown[]> =>
    (await host.document<{ keys: { kid: string }[] }>(metadata.jwks_uri)).keys.map(({ kid }) => kid);

  const before = await shown();
  expect(before).toContain(kidOf(tokens.access_token));
  const { code, stdout } = await run(['signing-key', 'rotate', '--config', gateway.configPath], {
    env: { STATE_DIRECTORY: join(dirname(gateway.configPath), 'state') },
  });
  expect(code).toBe(0);
  expect(stdout.match(/ signs$/gm)).toHaveLength(2);
  await expect.poll(async () => (await shown()).length, { timeout: 20_000 }).toBe(before.length + 2);
  expect(await shown()).toEqual(expect.arrayContaining(before));

  expect(await status(tokens.access_token)).toBe(200);
  const next = await refresh();
  expect(before).not.toContain(kidOf(next.access_token));
  expect(await shown()).toContain(kidOf(next.access_token));
  expect(await status(next.access_token)).toBe(200);
});
