/** What modern clients hold when the gateway or an upstream ends and is there again, and how much may wait at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { ModernClient, TASKS } from './modern-client.ts';
import { accepted, form, inputRequired, startModern } from './scripted-modern.ts';
import { tool } from './scripted-upstream.ts';

const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });
const ACK = 'notifications/subscriptions/acknowledged';
const CAPABILITIES = { elicitation: { form: {} } };
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-test-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('#110 a state of a modern upstream, a cursor and a task are good after a restart, even one without warning', async () => {
  const upstream = await startModern({
    tools: [tool('one'), tool('two')],
    capabilities: { extensions: { [TASKS]: {} } },
    handlers: {
      'tools/call': ({ params }) => {
        if (params?.name === 'two') return { resultType: 'task', taskId: 't1', status: 'working', ttlMs: null };
        return params?.inputResponses ? text(String(params.requestState)) : inputRequired({ who: form() }, 'mine');
      },
      'tasks/get': ({ params }) => ({ taskId: params?.taskId, status: 'working', ttlMs: null }),
    },
  });
  closers.push(() => upstream.close());
  const folder = await folderOf();
  const lists = { pageSize: 1, firstWait: '60s' };
  const start = (): Promise<Gateway> =>
    startGateway({ config: { storage: { folder }, lists, upstreams: { up: { url: upstream.url } } } });
  const first = await start();
  const before = new ModernClient(first.url, { ...CAPABILITIES, extensions: { [TASKS]: {} } });
  const { requestState } = await before.call('up__one');
  const { taskId } = await before.call('up__two');
  await first.stop('SIGKILL');

  const second = await start();
  closers.push(() => second.stop());
  const after = new ModernClient(second.url, before.capabilities);
  const done = await after.call('up__one', {}, { retry: { requestState, inputResponses: { who: accepted() } } });
  expect(done).toMatchObject(text('mine'));
  expect(await after.result('tasks/get', { params: { taskId } })).toMatchObject({ taskId, status: 'working' });
});

test('#121 a call that waited in a gateway that is gone is refused, and the refusal says what that may mean', async () => {
  const folder = await folderOf();
  const upstreams = { up: stdioUpstream('eras-server', ['legacy']) };
  const start = (): Promise<Gateway> => startGateway({ config: { storage: { folder }, upstreams } });
  const first = await start();
  const name = 'up__test_input_required_result_elicitation';
  const { requestState, inputRequests } = await new ModernClient(first.url, CAPABILITIES).call(name);
  await first.stop('SIGKILL');
  const second = await start();
  closers.push(() => second.stop());
  const inputResponses = Object.fromEntries(Object.keys(inputRequests as object).map((key) => [key, accepted()]));
  const params = { name, arguments: {}, requestState, inputResponses };
  const { message } = await new ModernClient(second.url, CAPABILITIES).ask('tools/call', { params });
  expect(message.error).toMatchObject({ code: -32602, message: expect.stringContaining('may have taken effect') });
});

test('sessions.maxParked: one more call than may wait is refused, and cancelled at its upstream; answered ones make room', async () => {
  const upstreams = { up: stdioUpstream('eras-server', ['legacy']) };
  const gateway = await startGateway({ config: { sessions: { maxParked: 2 }, upstreams } });
  closers.push(() => gateway.stop());
  const client = new ModernClient(gateway.url, CAPABILITIES);
  const name = 'up__test_input_required_result_elicitation';
  // one after the other as many as one likes, since those that are over wait for nobody
  for (let i = 0; i < 5; i++) {
    const { requestState, inputRequests } = await client.call(name);
    const inputResponses = Object.fromEntries(Object.keys(inputRequests as object).map((key) => [key, accepted()]));
    expect((await client.call(name, {}, { retry: { requestState, inputResponses } })).resultType).toBe('complete');
  }
  for (const { resultType } of await Promise.all([client.call(name), client.call(name)]))
    expect(resultType).toBe('input_required');
  const { message } = await client.ask('tools/call', { params: { name, arguments: {} } });
  expect(message.error).toMatchObject({ code: -32603, message: expect.stringContaining('sessions.maxParked is 2') });
});

test('a listen outlives its upstream: it goes on when that is there again, and says that lists may have changed', async () => {
  const upstream = await startModern({ tools: [tool('one')], resources: [{ uri: 'm://1', name: '1' }] });
  const { port } = new URL(upstream.url);
  const recovery = { firstRetry: '50ms', maxRetry: '200ms' };
  const gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url, recovery } } } });
  closers.push(() => gateway.stop());
  const client = new ModernClient(gateway.url);
  const notifications = { toolsListChanged: true, resourceSubscriptions: ['m://1'] };
  const reply = await client.send('subscriptions/listen', { params: { notifications } });
  await reply.waitFor(({ method }) => method === ACK);
  await upstream.close();
  const again = await startModern(
    { tools: [tool('one'), tool('more')], resources: [{ uri: 'm://1', name: '1' }] },
    Number(port),
  );
  closers.push(() => again.close());
  await again.waitFor('subscriptions/listen');
  await reply.waitFor(({ method }) => method === 'notifications/tools/list_changed', 10_000);
  await reply.waitFor(({ method }) => method === 'notifications/resources/updated', 10_000);
  await expect
    .poll(() => {
      again.push('notifications/resources/updated', { uri: 'm://1', again: true });
      return reply.messages.some(({ params }) => params?.again === true);
    })
    .toBe(true);
  await reply.close();
});
