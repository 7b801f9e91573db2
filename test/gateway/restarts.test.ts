/** What a gateway knows when it is started again: the lists of the run before, whether their upstreams are there or not. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { startUpstream, tool } from './scripted-upstream.ts';

const METHODS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];
/** How long an answer may take that waits for nothing, on a busy machine; far below `firstWait`. */
const PROMPT_MS = 5_000;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-state-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Starts a gateway that has the same folder and waits long for what it does not know. */
const start = (upstreams: object): Promise<Gateway> =>
  startGateway({ config: { storage: { folder }, lists: { firstWait: '60s' }, upstreams } });

/** The answers to `initialize` and all lists, as text. */
async function answersOf(session: Session): Promise<string[]> {
  const answers = [JSON.stringify(session.server)];
  for (const [id, method] of METHODS.entries()) answers.push((await session.post({ jsonrpc: '2.0', id, method })).text);
  return answers;
}

test('lists are complete at once although the upstream is gone; when it comes back with others, clients are told', async () => {
  const first = await startFixture('peer-server');
  const upstreams = { peer: { url: first.url } };
  let gateway = await start(upstreams);
  let before: string[];
  try {
    before = await answersOf(await Session.open(gateway.url));
    for (const text of before.slice(1, 4)) expect(text).toMatch(/"(name|uri)":/);
  } finally {
    await gateway.stop();
    await first.stop();
  }

  gateway = await start(upstreams);
  try {
    const started = performance.now();
    const session = await Session.open(gateway.url);
    expect(await answersOf(session)).toEqual(before);
    expect(performance.now() - started).toBeLessThan(PROMPT_MS);
    const [name] = await session.names();
    const { error } = await session.request('tools/call', { name });
    expect(error).toMatchObject({ code: -32603, message: expect.stringContaining('Upstream peer is not available') });
    expect(await answersOf(session)).toEqual(before);

    const stream = await session.listen();
    const second = await startUpstream({ tools: [tool('another')] }, first.port);
    try {
      await stream.waitFor(({ method }) => method === 'notifications/tools/list_changed', 30_000);
      expect(await session.names()).toEqual(['peer__another']);
    } finally {
      await stream.close();
      await second.close();
    }
  } finally {
    await gateway.stop();
  }
});

test('an upstream that is still the same is asked again, and nobody is told of anything', async () => {
  const upstream = await startUpstream({ tools: [tool('one')] });
  const upstreams = { up: { url: upstream.url } };
  const ready = ({ msg }: { msg?: unknown }) => msg === 'upstream ready';
  const first = await start(upstreams);
  await first.waitForLog(ready).finally(() => first.stop());
  const second = await start(upstreams);
  try {
    const session = await Session.open(second.url);
    const stream = await session.listen();
    await second.waitForLog(ready);
    expect(upstream.of('tools/list').length).toBeGreaterThan(1);
    // the first that the client hears is this
    upstream.script.tools = [tool('one'), tool('two')];
    const announced = () => {
      // the gateway may not listen yet
      upstream.push({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
      return session.names();
    };
    await expect.poll(announced, { timeout: 10_000 }).toEqual(['up__one', 'up__two']);
    await stream.waitFor(({ method }) => method === 'notifications/tools/list_changed');
    expect(stream.messages).toHaveLength(1);
    await stream.close();
  } finally {
    await second.stop();
    await upstream.close();
  }
  const third = await start(upstreams);
  try {
    expect(await (await Session.open(third.url)).names()).toEqual(['up__one', 'up__two']);
  } finally {
    await third.stop();
  }
});

test('what one credential was shown is not shown to another, and no credential is in the file', async () => {
  const upstream = await startUpstream({ tools: [tool('secret')] });
  const as = (token: string) => ({ up: { url: upstream.url, headers: { Authorization: `Bearer ${token}` } } });
  const namesAs = async (token: string): Promise<string[]> => {
    const gateway = await start(as(token));
    try {
      return await (await Session.open(gateway.url)).names();
    } finally {
      await gateway.stop();
    }
  };
  expect(await namesAs('hunter2')).toEqual(['up__secret']);
  await upstream.close();
  expect(await namesAs('hunter3')).toEqual([]);
  expect(await namesAs('hunter2')).toEqual(['up__secret']);
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
  expect(texts.join()).toContain('"name":"secret"');
  expect(texts.join()).not.toContain('hunter');
});

test('two gateways at once keep to the same file', async () => {
  const [one, two] = await Promise.all(['one', 'two'].map((name) => startUpstream({ tools: [tool(name)] })));
  const configs = [{ a: { url: one!.url } }, { b: { url: two!.url } }];
  const round = async () => {
    const gateways = await Promise.all(configs.map((config) => start(config)));
    const lists = await Promise.all(gateways.map(async ({ url }) => (await Session.open(url)).names()));
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    return {
      lists,
      warnings: gateways.flatMap(({ logs }) => logs.filter(({ msg }) => /patchbay\.db/.test(String(msg)))),
    };
  };
  const known = { lists: [['a__one'], ['b__two']], warnings: [] };
  expect(await round()).toEqual(known);
  await Promise.all([one!.close(), two!.close()]);
  expect(await round()).toEqual(known);
});
