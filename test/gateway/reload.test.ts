/** The config file of a running gateway changes: what takes effect, and what is left alone. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';
import { isAlive } from '../upstreams/processes.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const server = { port: 0, drainTimeout: '30s' };
/** What is new may take its time to start on a busy machine. */
const lists = { firstWait: '30s' };
const TOOLS_CHANGED = 'notifications/tools/list_changed';

let gateway: Gateway;
let client: RawClient;
let remote: ScriptedUpstream;

beforeEach(async () => {
  remote = await startUpstream({
    tools: [tool('far')],
    handlers: { 'tools/call': ({ headers }) => textResult(`from afar ${headers['x-key']}`) },
  });
  gateway = await startGateway({ config: { server, lists, upstreams: { local: stdioPeer() } } });
  client = await RawClient.open(gateway.url);
});

afterEach(async () => {
  await gateway?.stop();
  await remote?.close();
});

const write = (config: object) => writeFile(gateway.configPath, stringify({ server, lists, ...config }));

/** Writes a config and waits until it is applied. @returns what the log says has changed */
async function change(config: object): Promise<readonly string[]> {
  const applied = () => gateway.logs.filter(({ msg }) => msg === 'config applied');
  const before = applied().length;
  await write(config);
  await poll(() => applied().length, 20_000).toBeGreaterThan(before);
  return applied().at(-1)!.changes as string[];
}

const names = async (): Promise<string[]> => {
  const { tools } = (await client.request('tools/list')).result as { tools: { name: string }[] };
  return tools.map(({ name }) => name);
};
/** A call with id 9 that has begun and takes a while. */
async function callInProgress() {
  const args = { tag: 't', steps: [{ progress: 1 }, { pause: 1_500 }] };
  const call = await client.call('local__play', args, { id: 9, progressToken: 9 });
  await call.method('notifications/progress');
  return call;
}
const pidOf = async (upstream = 'local') => (await client.tool(`${upstream}__whoami`)).pid as number;

test('an upstream more: clients are told, its tools are there, and the links of the others are as before', async () => {
  const stream = await client.listen();
  const pid = await pidOf();
  const changes = await change({ upstreams: { local: stdioPeer(), remote: { url: remote.url } } });
  expect(changes).toEqual(['upstreams.remote: added']);
  await stream.method(TOOLS_CHANGED);
  expect(await names()).toContain('remote__far');
  expect((await client.request('tools/call', { name: 'remote__far' })).result).toMatchObject(
    textResult('from afar undefined'),
  );
  expect(await pidOf()).toBe(pid);
  stream.drop();
});

test('an upstream less: its call in progress is finished, later ones find nothing, and its processes end', async () => {
  await change({ upstreams: { local: stdioPeer(), remote: { url: remote.url } } });
  const stream = await client.listen();
  const pid = await pidOf();
  const call = await callInProgress();
  expect(await change({ upstreams: { remote: { url: remote.url } } })).toEqual(['upstreams.local: removed']);
  await stream.method(TOOLS_CHANGED);
  expect((await client.request('tools/call', { name: 'local__whoami' })).error?.code).toBe(-32602);
  expect((await call.ended()).messages.at(-1)).toMatchObject({ id: 9, result: {} });
  await poll(() => isAlive(pid)).toBe(false);
  stream.drop();
});

test('an upstream that leads elsewhere takes the new calls; what is in progress is finished where it began', async () => {
  const pid = await pidOf();
  const call = await callInProgress();
  const changes = await change({ upstreams: { local: { ...stdioPeer('other'), sharing: 'session' } } });
  expect(changes).toEqual(['upstreams.local.env.PREFIX_URIS: changed']);
  expect(await pidOf()).not.toBe(pid);
  expect((await call.ended()).messages.at(-1)).toMatchObject({ id: 9, result: {} });
  await poll(() => isAlive(pid)).toBe(false);
});

test('links and calls in progress of the others are as before, whatever comes, changes and goes beside them', async () => {
  const local = stdioPeer();
  const far = { url: remote.url };
  const pid = await pidOf();
  const steps = [{ progress: 1 }, { gate: 'done' }];
  const call = await client.call('local__play', { tag: 'still', steps }, { id: 9, progressToken: 9 });
  await call.method('notifications/progress');
  await change({ upstreams: { local, far } });
  await client.request('tools/call', { name: 'far__far' });
  const opened = remote.of('initialize').length;
  await change({ upstreams: { local, far, more: stdioPeer('more') } });
  await change({ upstreams: { local, far, more: stdioPeer('changed') } });
  await change({ upstreams: { local, far } });
  expect(await pidOf()).toBe(pid);
  await client.request('tools/call', { name: 'far__far' });
  expect([remote.of('initialize').length, remote.ended]).toEqual([opened, []]);
  expect(call.messages.some(({ id }) => id === 9)).toBe(false);
  await client.request('tools/call', { name: 'local__open_gate', arguments: { gate: 'done' } });
  expect(await call.response(9)).toMatchObject({ result: {} });
});

test('other limits hold for the next call, over the same link', async () => {
  const pid = await pidOf();
  const changes = await change({
    upstreams: { local: { ...stdioPeer(), items: { tools: { sleep: { timeout: '200ms' } } } } },
  });
  expect(changes).toEqual(['upstreams.local.items.tools.sleep: added']);
  const { error } = await client.request('tools/call', { name: 'local__sleep', arguments: { ms: 60_000 } });
  expect(error?.message).toContain('within 200 ms (items.tools.sleep.timeout)');
  expect(await pidOf()).toBe(pid);
});

test('other names: clients are told, and the old ones are unknown', async () => {
  const stream = await client.listen();
  await change({ names: { separator: '-' }, upstreams: { local: stdioPeer() } });
  await stream.method(TOOLS_CHANGED);
  expect((await names()).every((name) => name.startsWith('local-'))).toBe(true);
  expect((await client.request('tools/call', { name: 'local__whoami' })).error?.code).toBe(-32602);
  expect((await client.tool('local-whoami')).pid).toBeGreaterThan(0);
  stream.drop();
});

describe('a bad edit', () => {
  test.each([
    ['that is no YAML', 'upstreams: {', /patchbay\.yaml:\d+:\d+/],
    [
      'that is wrong',
      stringify({ server, upstreams: { local: { command: 'x', sharing: 'sharred' } } }),
      /did you mean "shared"/,
    ],
  ])('%s changes nothing and says why', async (_, text, why) => {
    const pid = await pidOf();
    await writeFile(gateway.configPath, text);
    const line = await gateway.waitForLog(({ msg }) => String(msg).startsWith('config not applied'), 20_000);
    expect(String(line.problems)).toMatch(why);
    expect(await pidOf()).toBe(pid);
    // and mending it is enough
    expect(await change({ log: { level: 'debug' }, upstreams: { local: stdioPeer() } })).toEqual([
      'log.level: info → debug',
    ]);
  });
});

test('log.level takes effect everywhere; what needs a restart is told', async () => {
  const before = gateway.logs.length;
  await change({ log: { level: 'debug' }, upstreams: { local: stdioPeer() }, sessions: { maxInFlight: 3 } });
  const later = await gateway.waitForLog(({ msg }) => msg === 'these changes take effect at the next start');
  expect(later.changes).toContain('sessions.maxInFlight: 64 → 3');
  await pidOf();
  await poll(() =>
    gateway.logs.slice(before).some(({ level, upstream }) => level === 'debug' && upstream === 'local'),
  ).toBe(true);
});

test('a secret file that changes is a change of what it is used for; its content is in no log', async () => {
  const key = join(dirname(gateway.configPath), 'key');
  await writeFile(key, 'first-secret-key');
  const upstreams = { remote: { url: remote.url, headers: { 'X-Key': '${file:key}' } } };
  await change({ upstreams });
  const call = async () => JSON.stringify((await client.request('tools/call', { name: 'remote__far' })).result);
  expect(await call()).toContain('first-secret-key');
  const applied = () => gateway.logs.filter(({ msg }) => msg === 'config applied').length;
  const before = applied();
  await writeFile(key, 'second-secret-key');
  await poll(applied, 20_000).toBeGreaterThan(before);
  expect(await call()).toContain('second-secret-key');
  expect(JSON.stringify(gateway.logs)).not.toContain('secret-key');
});

test('SIGHUP reads the file at once', async () => {
  process.kill(gateway.pid, 'SIGHUP');
  expect(await gateway.waitForLog(({ reason }) => reason === 'SIGHUP')).toMatchObject({ level: 'info' });
  expect((await client.request('ping')).result).toEqual({});
});
