/** What the sign-in keeps: it outlives the process, and is of no use to those who have the files without the key. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Gateway, startGateway } from '../../fixtures/gateway.ts';
import { addUser } from '../../fixtures/sign-in-gateway.ts';
import { Bench, type Tokens } from './bench.ts';
import type { Browser } from './browser.ts';

const USER = 'wilhelmina-von-knott';
const PASSWORD = 'eleven brass spindles';
const CLIENT_NAME = 'Jacquard Loom Inspector';
const REDIRECT = 'https://loom.inspector.example/come-back-here';
const KEY = 'a key that is long enough to be a key of a vault';
const OTHER_KEY = 'another key, which is as long as a key is to be';

const folder = mkdtempSync(join(tmpdir(), 'patchbay-kept-'));
const state = join(folder, 'state');
const running = new Set<Gateway>();
let port = 0;
afterAll(async () => {
  await Promise.all([...running].map((gateway) => gateway.stop()));
  rmSync(folder, { recursive: true, force: true });
});

/** The same gateway each time, at the same address. @param key of the vault; without one, the file in its folder counts */
async function start(key?: string): Promise<Gateway> {
  const config = {
    server: { port },
    storage: { folder: state, ...(key === undefined ? {} : { key }) },
    auth: { mode: 'embedded' },
  };
  if (port === 0) {
    await mkdir(state, { recursive: true });
    const file = join(folder, 'patchbay.yaml');
    await writeFile(file, stringify(config));
    await addUser(file, USER, PASSWORD);
  }
  const gateway = await startGateway({ config });
  running.add(gateway);
  port = Number(new URL(gateway.url).port);
  return gateway;
}

async function stop(gateway: Gateway, signal?: NodeJS.Signals): Promise<void> {
  running.delete(gateway);
  await gateway.stop(signal);
}

const question = (bench: Bench, client: string): URL => bench.question(client, { redirect_uri: REDIRECT });
const register = (bench: Bench) => bench.register([REDIRECT], { client_name: CLIENT_NAME });
const jwks = async (bench: Bench) => (await (await fetch(`${bench.base}/oauth/jwks`)).json()) as JSONWebKeySet;

/** Signs in and allows. @returns the code */
async function allow(bench: Bench, browser: Browser, client: string): Promise<string> {
  const first = await browser.go(question(bench, client));
  expect(first.html).toContain('name="password"');
  const consent = await browser.fill(first, { login: USER, password: PASSWORD });
  const { left } = await browser.fill(consent, { decision: 'allow' });
  const code = left?.searchParams.get('code') ?? '';
  expect(code).toMatch(/./);
  bench.secrets.add(code);
  return code;
}

const redeem = (bench: Bench, client: string, code: string) => bench.redeem(client, code, { redirect_uri: REDIRECT });

/** Which of these texts are in the files of the folder, as they are or in another writing. */
function readable(needles: readonly string[]): string[] {
  const files = readdirSync(state).filter((name) => name.startsWith('patchbay.db'));
  expect(files).toEqual(expect.arrayContaining(['patchbay.db', 'patchbay.db-wal']));
  const found: string[] = [];
  for (const file of files) {
    const bytes = readFileSync(join(state, file));
    for (const needle of needles) {
      const raw = Buffer.from(needle);
      // Base64 has three ways to write a text, by where it begins
      const base64 = [0, 1, 2].map((at) => {
        const text = Buffer.concat([Buffer.alloc(at), raw]).toString('base64url');
        return text.slice(Math.ceil((at * 8) / 6), Math.floor(((at + raw.length) * 8) / 6));
      });
      for (const text of [needle, encodeURIComponent(needle), raw.toString('hex'), raw.toString('utf16le'), ...base64])
        if (bytes.includes(text)) found.push(`${file}: ${needle} as ${text}`);
    }
  }
  return found;
}

test('keys, clients, grants, tokens, steps and browsers outlive the process, however it ends', {
  timeout: 60_000,
}, async () => {
  let gateway = await start();
  const bench = new Bench(`http://127.0.0.1:${port}`);
  const keys = await jwks(bench);
  expect(keys.keys.map(({ alg }) => alg).sort()).toEqual(['ES256', 'RS256']);
  const client = await register(bench);
  const browser = bench.browser();
  const code = await allow(bench, browser, client);
  let tokens = (await redeem(bench, client, code)).body as unknown as Tokens;
  const waiting = bench.browser();
  const step = await waiting.go(question(bench, client));
  const unused = await allow(bench, bench.browser(), client);
  const revoked = (await redeem(bench, client, await allow(bench, bench.browser(), client))).body as unknown as Tokens;
  const answer = await fetch(`${bench.base}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: client, token: revoked.refresh_token }),
  });
  expect(answer.status).toBe(200);

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await stop(gateway, signal);
    gateway = await start();
    expect(gateway.url).toBe(bench.endpoint);
    expect(await jwks(bench)).toEqual(keys);
    expect(await bench.knock(tokens.access_token)).toBe(400);
    expect(await bench.knock(revoked.access_token)).toBe(401);
    expect((await bench.refresh(client, revoked.refresh_token)).body.error).toBe('invalid_grant');
    const refreshed = await bench.refresh(client, tokens.refresh_token);
    expect(refreshed.status).toBe(200);
    tokens = refreshed.body as unknown as Tokens;
    await jwtVerify(tokens.access_token, createLocalJWKSet(keys), { issuer: bench.base, audience: bench.endpoint });
    // the browser is signed in, and was asked already
    const { left } = await browser.go(question(bench, client));
    expect(left?.searchParams.get('code')).toMatch(/./);
  }
  const late = await waiting.fill(step, { login: USER, password: PASSWORD });
  expect((await waiting.fill(late, { decision: 'allow' })).left?.searchParams.get('code')).toMatch(/./);
  expect((await redeem(bench, client, unused)).status).toBe(200);
  // a code that was used before is known as such
  expect((await redeem(bench, client, code)).body.error).toBe('invalid_grant');
  expect(await bench.knock(tokens.access_token)).toBe(401);
  await stop(gateway);
});

test('the files tell nobody anything', async () => {
  const gateway = await start();
  const bench = new Bench(`http://127.0.0.1:${port}`);
  const client = await register(bench);
  const browser = bench.browser();
  const { body } = await redeem(bench, client, await allow(bench, browser, client));
  await browser.go(question(bench, await register(bench)));
  const { access_token = '', refresh_token = '' } = body as Record<string, string>;
  const claims = JSON.parse(Buffer.from(access_token.split('.')[1]!, 'base64url').toString()) as Record<string, string>;
  expect(claims.sub).toBe(USER);

  const db = new DatabaseSync(join(state, 'patchbay.db'), { readOnly: true });
  const kinds = db.prepare('SELECT DISTINCT kind FROM oauth_records ORDER BY kind').all();
  const { n } = db.prepare('SELECT count(*) AS n FROM signing_keys').get()!;
  db.close();
  expect(kinds.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['AuthorizationCode', 'Client', 'Grant', 'Interaction', 'RefreshToken', 'Session']),
  );
  expect(n).toBe(2);
  // what is written as it is would be found
  expect(readable(['AuthorizationCode', 'oauth_records'])).not.toEqual([]);
  const key = readFileSync(join(state, 'secret.key'), 'utf8').trim();
  const needles = [key, USER, PASSWORD, CLIENT_NAME, REDIRECT, 'loom.inspector', client, claims.gid!, claims.jti!];
  expect(needles.every((needle) => needle.length > 8)).toBe(true);
  expect(readable([...needles, access_token, refresh_token, ...bench.secrets, '"kty"', 'redirect_uris'])).toEqual([]);
  const modes = readdirSync(state).map((name) => [name, statSync(join(state, name)).mode & 0o077]);
  expect(modes.filter(([, others]) => others !== 0)).toEqual([]);
  await stop(gateway);
});

test('with another key nothing opens, and people sign in anew; with the first one all is there', {
  timeout: 60_000,
}, async () => {
  let gateway = await start(KEY);
  const bench = new Bench(`http://127.0.0.1:${port}`);
  const other = (line: Readonly<Record<string, unknown>>) => /encrypted with another key/.test(String(line.msg));
  // the key was that of the file until now
  expect(await gateway.waitForLog(other)).toMatchObject({ level: 'warn', path: join(state, 'patchbay.db') });
  const keys = await jwks(bench);
  const client = await register(bench);
  const browser = bench.browser();
  const tokens = (await redeem(bench, client, await allow(bench, browser, client))).body as unknown as Tokens;
  expect(await bench.knock(tokens.access_token)).toBe(400);
  await stop(gateway);

  gateway = await start(OTHER_KEY);
  await gateway.waitForLog(other);
  expect(JSON.stringify([gateway.logs, gateway.noise])).not.toContain(OTHER_KEY);
  const known = new Set(keys.keys.map(({ kid }) => kid));
  const now = await jwks(bench);
  expect(now.keys.map(({ kid }) => known.has(kid))).toEqual([false, false]);
  expect(await bench.knock(tokens.access_token)).toBe(401);
  expect((await bench.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_client');
  expect((await browser.go(question(bench, client))).status).toBe(400);
  const anew = await register(bench);
  const again = (await redeem(bench, anew, await allow(bench, browser, anew))).body as unknown as Tokens;
  expect(await bench.knock(again.access_token)).toBe(400);
  await stop(gateway);

  // it is not said a second time
  gateway = await start(OTHER_KEY);
  expect(await bench.knock(again.access_token)).toBe(400);
  await stop(gateway);
  expect(gateway.logs.filter(other)).toEqual([]);

  gateway = await start(KEY);
  expect(await jwks(bench)).toEqual(keys);
  expect(await bench.knock(tokens.access_token)).toBe(400);
  expect(await bench.knock(again.access_token)).toBe(401);
  expect((await bench.refresh(client, tokens.refresh_token)).status).toBe(200);
  await stop(gateway);
});
