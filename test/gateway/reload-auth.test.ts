/** Who may connect, changed while the gateway runs: new requests are judged anew at once, and what is not let in any more ends. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Bench, knock, startBench } from '../auth/bench.ts';
import { GATEWAY, type Issuer, startIssuer } from '../auth/issuer.ts';
import { Session } from './client.ts';

let bench: Bench;
let second: Issuer;
/** Log lines that were there before the edit. */
let told = 0;

beforeEach(async () => {
  [bench, second] = await Promise.all([startBench(), startIssuer()]);
});
afterEach(async () => {
  await bench?.[Symbol.asyncDispose]();
  await second?.close();
});

/** Changes the section `auth` of the file. */
async function edit(changes: object): Promise<void> {
  const { configPath, logs } = bench.gateway;
  const config = parse(await readFile(configPath, 'utf8')) as { auth: object };
  told = logs.length;
  await writeFile(configPath, stringify({ ...config, auth: { ...config.auth, ...changes } }));
}

/** The line of the log about the edit. */
const said = async (msg: string) => {
  const { logs, waitForLog } = bench.gateway;
  return waitForLog((line) => line.msg === msg && logs.indexOf(line) >= told);
};
const status = async (headers: object) => (await knock(bench.gateway.url, { ...headers })).status;
const LATER = 'these changes take effect at the next start';
const HELD = 'these changes wait with them, so that no half of an edit decides who is let in';
/** A good token, and no session. */
const LET_IN = 400;

test('an issuer that is added is trusted, one that is removed is not, and its sessions end', async () => {
  const old = await bench.bearer();
  const session = await Session.open(bench.gateway.url, { headers: old });
  const stream = await session.listen();
  const added = { authorization: `Bearer ${await second.token({ audience: bench.gateway.url })}` };
  expect(await status(added)).toBe(401);
  const entry = (issuer: string) => ({ issuer, clockSkew: 0 });
  await edit({ jwt: [entry(bench.issuer.url), entry(second.url)] });
  await said('config applied');
  expect(await status(added)).toBe(LET_IN);
  // that of an issuer that stays as it is goes on
  expect(await session.callText('legacy__read')).toBe('read');

  await edit({ jwt: [entry(second.url)] });
  await said('config applied');
  expect(await status(old)).toBe(401);
  await stream.ended();
  const other = await Session.open(bench.gateway.url, { headers: added });
  expect(await other.callText('legacy__read')).toBe('read');
});

test('a mode is added, with a secret that is in no line of the log', async () => {
  const opaque = await bench.bearer({ format: 'opaque' });
  expect(await status(opaque)).toBe(401);
  await edit({
    mode: ['jwt', 'introspection'],
    introspection: [{ issuer: bench.issuer.url, ...GATEWAY, cache: '200ms' }],
  });
  const { changes } = await said('config applied');
  expect(changes).toContainEqual(expect.stringMatching(/^auth\.introspection: changed/));
  expect(await status(opaque)).toBe(LET_IN);
  expect(JSON.stringify(bench.gateway.logs)).not.toContain(GATEWAY.clientSecret);
});

test('scopes: the challenge and the judgement are the new ones, and sessions with too little end', async () => {
  const little = await bench.bearer({ scope: 'mcp' });
  const session = await Session.open(bench.gateway.url, { headers: little });
  const stream = await session.listen();
  await edit({ scopes: { required: ['more'] } });
  await said('config applied');
  const answer = await knock(bench.gateway.url, little);
  expect(answer.status).toBe(403);
  expect(answer.headers['www-authenticate']).toMatch(/insufficient_scope.*more/);
  await stream.ended();
  expect(await status(await bench.bearer({ scope: 'more' }))).toBe(LET_IN);
});

test('limits count at once, and are lifted again', async () => {
  const headers = await bench.bearer();
  await edit({ limits: { failures: 0, calls: 2 } });
  expect((await said('config applied')).changes).toContain('auth.limits.calls: 30000 → 2');
  const statuses = [await status(headers), await status(headers), await status(headers)];
  expect(statuses.at(-1)).toBe(429);
  await edit({ limits: { failures: 0, calls: 0 } });
  await said('config applied');
  expect(await status(headers)).toBe(LET_IN);
});

test('a bad edit changes nothing and says why; of one that needs a restart, the rest is applied, and what waits is named', async () => {
  const headers = await bench.bearer();
  await edit({ jwt: [{ issuer: 'nowhere' }] });
  const refused = await bench.gateway.waitForLog(({ msg }) => String(msg).startsWith('config not applied'));
  expect(JSON.stringify(refused.problems)).toContain('auth.jwt');
  expect(await status(headers)).toBe(LET_IN);

  const good = { issuer: bench.issuer.url, clockSkew: 0 };
  await edit({
    ...{ mode: ['jwt', 'apiKeys'], jwt: [good], scopes: { required: ['more'] } },
    limits: { failures: 0, calls: 20_000 },
  });
  // what decides who is let in waits as one, and each of its keys is named; the rest is in effect
  expect((await said(LATER)).changes).toEqual([expect.stringMatching(/^auth\.mode/)]);
  expect((await said(HELD)).changes).toEqual([expect.stringMatching(/^auth\.scopes\.required/)]);
  expect((await said('config applied')).changes).toContain('auth.limits.calls: 30000 → 20000');
  expect(await status(headers)).toBe(LET_IN);

  // and when it is taken back, nothing of it waits
  await edit({ mode: 'jwt', jwt: [good], scopes: {}, limits: { failures: 0, calls: 20_000 } });
  await said('config read again, nothing is different');
});

test('failures that were counted count on, under whatever limit', async () => {
  const bad = { authorization: 'Bearer nonsense' };
  const good = await bench.bearer();
  expect(await status(good)).toBe(LET_IN);
  await edit({ limits: { failures: 50 } });
  await said('config applied');
  for (let i = 0; i < 4; i++) expect(await status(bad)).toBe(401);
  await edit({ limits: { failures: 6, calls: 10_000 } });
  await said('config applied');
  expect([await status(bad), await status(bad), await status(bad)]).toEqual([401, 401, 429]);
  // a lower one is reached already, and that is told once of each address in a minute
  await edit({ limits: { failures: 2, calls: 10_000 } });
  await said('config applied');
  expect(await status(bad)).toBe(429);
  const limited = bench.gateway.logs.filter((line) => line.audit === 'limited');
  expect(limited).toHaveLength(1);
  await edit({ limits: { failures: 100, calls: 10_000 } });
  await said('config applied');
  expect(await status(bad)).toBe(401);
});

test('calls that were counted count on, too', async () => {
  const headers = await bench.bearer();
  for (let i = 0; i < 4; i++) expect(await status(headers)).toBe(LET_IN);
  await edit({ limits: { calls: 5 } });
  await said('config applied');
  expect([await status(headers), await status(headers)]).toEqual([LET_IN, 429]);
});

test('an issuer that cannot be reached just then, and whose entry stays, is not forgotten', async () => {
  const headers = await bench.bearer();
  expect(await status(headers)).toBe(LET_IN);
  await bench.issuer.close();
  await edit({ limits: { calls: 1_000 } });
  await said('config applied');
  expect(await status(headers)).toBe(LET_IN);
});
