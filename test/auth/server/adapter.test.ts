/** What oidc-provider keeps, as two gateways on one file use it, and as strangers fill it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createAdapters } from '../../../src/auth/server/adapter.ts';
import { Records } from '../../../src/auth/server/records.ts';
import { type Database, openDatabase } from '../../../src/storage/database.ts';
import { Vault } from '../../../src/storage/vault.ts';
import { createLogger } from '../../../src/telemetry/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'patchbay-adapter-'));
const vault = new Vault(randomBytes(32));
const log = createLogger({ level: 'silent', format: 'json' });
const open: Database[] = [];
afterEach(() => {
  for (const database of open.splice(0)) database.close();
  rmSync(folder, { recursive: true, force: true });
});

function gateway(maxClients = 10) {
  const database = openDatabase(folder, log);
  open.push(database);
  const ended: string[] = [];
  const adapters = createAdapters({
    records: new Records(database, vault),
    maxClients,
    ended: (grant) => ended.push(grant),
  });
  return { ended, of: (kind: string) => adapters(kind) as Exclude<ReturnType<typeof adapters>, Promise<unknown>> };
}

test.each(['AuthorizationCode', 'RefreshToken'])(
  'two that take one %s at once: the second is refused, and what was made of it ends',
  async (kind) => {
    const [one, two] = [gateway(), gateway()];
    await one.of('Grant').upsert('grant', { accountId: 'ada' }, 60);
    await one.of(kind).upsert('x', { grantId: 'grant' }, 60);
    // both have seen that it is unused
    expect([await one.of(kind).find('x'), await two.of(kind).find('x')]).toEqual([
      { grantId: 'grant' },
      { grantId: 'grant' },
    ]);
    await one.of(kind).consume('x');
    await one.of('RefreshToken').upsert('made of it', { grantId: 'grant' }, 60);
    await expect(two.of(kind).consume('x')).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(two.ended).toEqual(['grant']);
    for (const { of } of [one, two])
      expect([
        await of('Grant').find('grant'),
        await of('RefreshToken').find('made of it'),
        await of(kind).find('x'),
      ]).toEqual([undefined, undefined, undefined]);
  },
);

test('clients that strangers register make room for each other, not for themselves in place of those in use', async () => {
  const { of } = gateway(3);
  await of('Client').upsert('in use', { client_id: 'in use' }, 0);
  await of('RefreshToken').upsert('token', { grantId: 'grant', clientId: 'in use' }, 3_600);
  for (let i = 0; i < 20; i++) await of('Client').upsert(`stranger ${i}`, { client_id: `stranger ${i}` }, 0);
  expect(await of('Client').find('in use')).toEqual({ client_id: 'in use' });
  const left = await Promise.all(Array.from({ length: 20 }, (_, i) => of('Client').find(`stranger ${i}`)));
  expect(left.filter((one) => one !== undefined)).toHaveLength(2);
});

test('what users have allowed a client ends with it, when it has to make room', async () => {
  const { of, ended } = gateway(2);
  const about = (client: string) => ({ jti: `of ${client}`, accountId: 'ada', clientId: client });
  for (const client of ['old', 'new']) {
    await of('Client').upsert(client, { client_id: client }, 0);
    await of('Grant').upsert(`of ${client}`, about(client), 3_600);
    await of('RefreshToken').upsert(`token of ${client}`, { grantId: `of ${client}`, clientId: client }, 3_600);
  }
  await of('RefreshToken').upsert('newer token', { grantId: 'of new', clientId: 'new' }, 7_200);
  // the same client again takes no room
  await of('Client').upsert('old', { client_id: 'old', client_name: 'Old' }, 0);
  expect(ended).toEqual([]);
  await of('Client').upsert('third', { client_id: 'third' }, 0);
  expect(ended).toEqual(['of old']);
  expect(await of('Client').find('old')).toBeUndefined();
  expect(await of('Grant').find('of old')).toBeUndefined();
  expect(await of('RefreshToken').find('token of old')).toBeUndefined();
  expect(await of('Grant').find('of new')).toEqual(about('new'));
  expect(await of('RefreshToken').find('newer token')).toBeDefined();
});

test('a client that somebody has just let in does not make room for strangers, with refresh tokens or without', async () => {
  const { of } = gateway(2);
  await of('Client').upsert('let in', { client_id: 'let in' }, 0);
  await of('Grant').upsert('grant', { jti: 'grant', clientId: 'let in' }, 3_600);
  for (let i = 0; i < 5; i++) await of('Client').upsert(`stranger ${i}`, { client_id: `stranger ${i}` }, 0);
  expect(await of('Client').find('let in')).toBeDefined();
});
