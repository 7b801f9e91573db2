/** Credentials that are taken back, here or by another process, end what is open with them: streams, calls, parks, tasks. */
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '../e2e/cli-process.ts';
import { createKey } from '../fixtures/api-key.ts';
import { type SignInGateway, startSignInGateway } from '../fixtures/sign-in-gateway.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { ModernClient, TASKS } from '../gateway/modern-client.ts';
import { accepted, form, type ScriptedModern, startModern, stream } from '../gateway/scripted-modern.ts';
import { event, type ScriptedUpstream, startUpstream, tool } from '../gateway/scripted-upstream.ts';
import { Bench, WEB } from './server/bench.ts';

const LONG = 30_000;
/** Within what time it takes effect, milliseconds. */
const SOON = 10_000;
const TAKEN_BACK = { code: -32000, message: expect.stringMatching(/credentials .* were taken back/) };

let legacy: ScriptedUpstream;
let modern: ScriptedModern;
let gateway: SignInGateway;
let state: string;
let held: { res: ServerResponse; id: unknown }[];

beforeAll(async () => {
  legacy = await startUpstream({
    tools: [tool('hold')],
    handlers: {
      'tools/call': ({ id }, res) => {
        held.push({ res, id });
        event(res, { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'here' } });
        return undefined;
      },
    },
  });
  modern = await startModern({
    tools: [tool('hold')],
    handlers: {
      'tools/call': (_message, res) => {
        stream(res);
        return undefined;
      },
    },
  });
  const everything = { command: 'node_modules/.bin/mcp-server-everything' };
  const upstreams = { legacy: { url: legacy.url }, modern: { url: modern.url }, everything };
  gateway = await startSignInGateway({}, { auth: { mode: ['embedded', 'apiKeys'] }, config: { upstreams } });
  state = join(dirname(gateway.configPath), 'state');
});
beforeEach(() => {
  held = [];
});
afterAll(async () => {
  await gateway?.stop();
  await legacy?.close();
  await modern?.close();
});

/** @returns what it printed */
const patchbay = async (...line: string[]): Promise<string> => {
  const done = await run([...line, '--config', gateway.configPath], { env: { STATE_DIRECTORY: state } });
  expect(done.code, done.stderr).toBe(0);
  return done.stdout.trim();
};

const clientWith = (token: string): ModernClient =>
  new ModernClient(
    gateway.url,
    { elicitation: { form: {} }, extensions: { [TASKS]: {} } },
    { authorization: `Bearer ${token}` },
  );

interface Open {
  readonly calls: readonly Promise<Exchange>[];
  readonly listen: Exchange;
}

/** A call at each upstream and a listen, all in progress. */
async function open(client: ModernClient): Promise<Open> {
  const [atLegacy, atModern] = [legacy.of('tools/call').length, modern.of('tools/call').length];
  const calls = ['legacy__hold', 'modern__hold'].map((name) =>
    client.send('tools/call', { params: { name, arguments: {} } }),
  );
  const listen = await client.send('subscriptions/listen', { params: { notifications: { toolsListChanged: true } } });
  await listen.waitFor(({ method }) => method === 'notifications/subscriptions/acknowledged');
  await legacy.waitFor('tools/call', atLegacy + 1);
  await modern.waitFor('tools/call', atModern + 1);
  return { calls, listen };
}

/** Each ends with an error, and its upstream is told to stop. */
async function expectCut({ calls, listen }: Open): Promise<void> {
  for (const call of calls) {
    const answer = await call;
    await answer.ended(SOON);
    expect(answer.messages.at(-1)).toMatchObject({ error: TAKEN_BACK });
  }
  await listen.ended(SOON);
  const { id } = legacy.of('tools/call').at(-1)!;
  const cancelled = () => legacy.of('notifications/cancelled').map(({ params }) => params?.requestId);
  await expect.poll(cancelled, { timeout: SOON }).toContain(id);
  await expect.poll(() => modern.of('tools/call').at(-1)!.gone, { timeout: SOON }).toBe(true);
}

test('an API key: its calls are cut and cancelled; what waited and its tasks are nothing to a new key of that name', {
  timeout: 2 * LONG,
}, async () => {
  const client = clientWith(await createKey(gateway));
  const pending = client.result('tools/call', { params: { name: 'legacy__hold', arguments: {} } });
  await expect.poll(() => held.length, { timeout: SOON }).toBe(1);
  const [asking] = held;
  event(asking!.res, { jsonrpc: '2.0', id: 'q', ...form() });
  const { requestState, inputRequests } = await pending;
  const created = await client.call('everything__simulate-research-query', { topic: 'x', ambiguous: true });
  const look = { params: { taskId: created.taskId } };
  expect((await client.result('tasks/get', look)).taskId).toBe(created.taskId);
  const opened = await open(client);

  const since = Date.now();
  await patchbay('key', 'revoke', 'test');
  await expectCut(opened);
  expect(Date.now() - since).toBeLessThan(SOON);
  await gateway.waitForLog(({ audit }) => audit === 'key revoked');
  expect((await client.ask('tools/list')).status).toBe(401);
  const cancelled = () => legacy.of('notifications/cancelled').map(({ params }) => params?.requestId);
  await expect.poll(cancelled).toContain(asking!.id);

  // the same principal again
  const next = clientWith(await createKey(gateway));
  const [key] = Object.keys(inputRequests as object);
  const inputResponses = { [key!]: accepted() };
  const calls = legacy.of('tools/call').length;
  const retried = await next.ask('tools/call', {
    params: { name: 'legacy__hold', arguments: {}, requestState, inputResponses },
  });
  expect(retried.messages.at(-1)).toMatchObject({ error: { code: expect.any(Number) } });
  expect(legacy.of('tools/call').length).toBe(calls);
  expect((await next.ask('tasks/get', look)).messages.at(-1)).toMatchObject({ error: { code: expect.any(Number) } });
});

test('a user who is removed by a command', { timeout: LONG }, async () => {
  const bench = new Bench(gateway.base);
  const { access_token } = await bench.tokens(await bench.register([WEB]));
  const opened = await open(clientWith(access_token));
  await patchbay('user', 'remove', 'ada');
  await expectCut(opened);
});

test('a grant that another process on the same database ends; those of others go on', { timeout: LONG }, async () => {
  const other = clientWith(await patchbay('key', 'create', 'other'));
  const stays = await open(other);
  const bench = new Bench(gateway.base);
  const client = await bench.register([WEB]);
  const browser = bench.browser();
  const consent = await bench.toConsent(browser, bench.question(client), 'grace');
  const { left } = await browser.fill(consent, { decision: 'allow' });
  const { body } = await bench.redeem(client, left!.searchParams.get('code')!);
  const opened = await open(clientWith(String(body.access_token)));

  const database = new DatabaseSync(join(state, 'patchbay.db'));
  expect(database.prepare("DELETE FROM oauth_records WHERE kind = 'Grant'").run().changes).toBeGreaterThan(0);
  database.close();
  await expectCut(opened);
  expect((await other.ask('tools/list')).status).toBe(200);
  event(held[0]!.res, { jsonrpc: '2.0', id: held[0]!.id, result: { content: [{ type: 'text', text: 'late' }] } });
  held[0]!.res.end();
  const answer = await stays.calls[0]!;
  await answer.ended(SOON);
  expect(answer.messages.at(-1)).toMatchObject({ result: { content: [{ text: 'late' }] } });
  expect(stays.listen.messages.some(({ result }) => result !== undefined)).toBe(false);
  await stays.listen.close();
  await (await stays.calls[1]!).close();
});
