/** What is done to users while no gateway runs ends what they were signed in to, as it would while one does. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Gateway, startGateway } from '../../fixtures/gateway.ts';
import { addUser, PASSWORDS, type UserName } from '../../fixtures/sign-in-gateway.ts';
import { Bench, type Tokens, WEB } from './bench.ts';

const LONG = 60_000;

let folder: string;
let file: string;
let gateway: Gateway | undefined;
let port = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-between-'));
  file = join(folder, 'patchbay.yaml');
  port = 0;
  writeFileSync(file, stringify(config()));
  for (const [name, password] of Object.entries(PASSWORDS)) await addUser(file, name, password);
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const config = () => ({
  server: { port },
  storage: { folder: join(folder, 'state') },
  auth: { mode: 'embedded' },
});

async function start(): Promise<Bench> {
  gateway = await startGateway({ config: config() });
  port = Number(new URL(gateway.url).port);
  return new Bench(new URL(gateway.url).origin);
}

/** Does something with the command line while no gateway runs. */
async function betweenRuns(...args: string[]): Promise<void> {
  await gateway!.stop();
  gateway = undefined;
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args, '--config', file], {
    input: 'another pass phrase\n',
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) });
}

async function signIn(bench: Bench, client: string, user: UserName): Promise<Tokens> {
  const browser = bench.browser();
  const consent = await bench.toConsent(browser, bench.question(client), user);
  const { left } = await browser.fill(consent, { decision: 'allow' });
  return (await bench.redeem(client, left!.searchParams.get('code')!)).body as unknown as Tokens;
}

test.each([
  ['another password', ['user', 'passwd', 'ada', '--password-stdin']],
  ['a removal', ['user', 'remove', 'ada']],
  ['a sign-out', ['user', 'sign-out', 'ada']],
])('%s', { timeout: LONG }, async (_, command) => {
  const bench = await start();
  const client = await bench.register([WEB]);
  const ada = await signIn(bench, client, 'ada');
  const grace = await signIn(bench, client, 'grace');
  await betweenRuns(...command);
  await start();
  expect([await bench.knock(ada.access_token), await bench.knock(grace.access_token)]).toEqual([401, 400]);
  expect(await bench.refresh(client, ada.refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
  expect((await bench.refresh(client, grace.refresh_token)).status).toBe(200);
});

test('somebody else of the same name begins anew', { timeout: LONG }, async () => {
  const bench = await start();
  const client = await bench.register([WEB]);
  const { access_token, refresh_token } = await signIn(bench, client, 'ada');
  await betweenRuns('user', 'remove', 'ada');
  await addUser(file, 'ada', 'quite another pass phrase');
  await start();
  const line = await gateway!.waitForLog(({ audit }) => audit === 'token revoked');
  expect(line).toMatchObject({ user: 'ada', reason: expect.stringContaining('while Patchbay did not run') });
  expect(await bench.knock(access_token)).toBe(401);
  expect((await bench.refresh(client, refresh_token)).status).toBe(400);
});

test('a user who was added while it ran counts as well', { timeout: LONG }, async () => {
  const bench = await start();
  const client = await bench.register([WEB]);
  await addUser(file, 'mary', PASSWORDS.ada);
  await gateway!.waitForLog(({ audit, user }) => audit === 'user added' && user === 'mary');
  const browser = bench.browser();
  const page = await browser.go(bench.question(client));
  const consent = await browser.fill(page, { login: 'mary', password: PASSWORDS.ada });
  const { left } = await browser.fill(consent, { decision: 'allow' });
  const { body } = await bench.redeem(client, left!.searchParams.get('code')!);
  await betweenRuns('user', 'passwd', 'mary', '--password-stdin');
  await start();
  expect(await bench.knock(String(body.access_token))).toBe(401);
});
