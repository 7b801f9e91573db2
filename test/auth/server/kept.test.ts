/** What the sign-in keeps: it survives a restart, and is of no use to who has the database alone. */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { hashPassword } from '../../../src/auth/passwords.ts';
import { stdioUpstream } from '../../fixtures/child.ts';
import { startGateway } from '../../fixtures/gateway.ts';
import { PASSWORDS, type SignInGateway } from '../../fixtures/sign-in-gateway.ts';
import { HELLO, Host, type ServerMetadata } from '../../hosts/host.ts';

const NATIVE = 'http://127.0.0.1:3999/callback';
const NAME = 'An app with a name';

let folder: string;
let port: number;
let gateway: SignInGateway | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-kept-'));
  const hash = await hashPassword(PASSWORDS.ada);
  await writeFile(join(folder, 'users.yaml'), stringify({ users: { ada: { password: hash } } }));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  server.close();
  await once(server, 'close');
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Another run on the same folder. */
async function start(storage: object = {}): Promise<Host> {
  await gateway?.stop();
  const started = await startGateway({
    config: {
      server: { port },
      storage: { folder: join(folder, 'state'), ...storage },
      auth: { mode: 'embedded', embedded: { users: join(folder, 'users.yaml') } },
      upstreams: { peer: stdioUpstream('peer-server') },
    },
  });
  gateway = { ...started, base: new URL(started.url).origin };
  return new Host(gateway);
}

const metadataOf = (host: Host) => host.document<ServerMetadata>('/.well-known/oauth-authorization-server');
const keysOf = async (host: Host): Promise<unknown> => host.document((await metadataOf(host)).jwks_uri);
const statusOf = async (host: Host, token: string): Promise<number> =>
  (await host.post(HELLO.legacy('2025-11-25'), { authorization: `Bearer ${token}` })).status;

async function stored(): Promise<string> {
  const files = (await readdir(join(folder, 'state'))).filter((name) => name !== 'secret.key');
  expect(files).toContain('patchbay.db');
  return (await Promise.all(files.map((name) => readFile(join(folder, 'state', name), 'latin1')))).join('\n');
}

test('clients, grants, tokens and keys survive a restart; with another key they are gone, and all begins anew', async () => {
  let host = await start();
  const metadata = await metadataOf(host);
  const { client_id: clientId } = await host.register(metadata.registration_endpoint, {
    client_name: NAME,
    redirect_uris: [NATIVE],
  });
  const about = { clientId, redirectUri: NATIVE, resource: gateway!.url };
  const { tokens, refresh } = await host.authorize(metadata, about);
  const keys = await keysOf(host);

  const text = await stored();
  const secrets = [
    NAME,
    clientId,
    NATIVE,
    'ada',
    tokens.access_token.slice(0, 30),
    tokens.refresh_token!,
    '"kty"',
    'redirect_uri',
  ];
  for (const secret of secrets) expect(text, secret).not.toContain(secret);
  const key = await readFile(join(folder, 'state', 'secret.key'), 'utf8');
  expect(text).not.toContain(key.trim());

  host = await start();
  expect(await keysOf(host)).toEqual(keys);
  expect(await statusOf(host, tokens.access_token)).toBe(200);
  const next = await refresh();
  expect(await statusOf(host, next.access_token)).toBe(200);
  expect((await host.authorize(metadata, about)).tokens.token_type).toBe('Bearer');

  host = await start({ key: 'another key than the one in the file, long enough' });
  expect(await keysOf(host)).not.toEqual(keys);
  expect(await statusOf(host, next.access_token)).toBe(401);
  await expect(refresh()).rejects.toThrow();
  const again = await host.register(metadata.registration_endpoint, { redirect_uris: [NATIVE] });
  const fresh = await host.authorize(metadata, { ...about, clientId: again.client_id });
  expect(await statusOf(host, fresh.tokens.access_token)).toBe(200);
}, 60_000);
