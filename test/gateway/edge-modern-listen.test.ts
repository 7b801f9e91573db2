/** What modern clients listen to, and lists and capabilities as they see them. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Exchange, Rpc } from './exchange.ts';
import { ModernClient } from './modern-client.ts';
import { type ScriptedModern, startModern } from './scripted-modern.ts';
import { type ScriptedUpstream, startUpstream, tool } from './scripted-upstream.ts';

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const ACK = 'notifications/subscriptions/acknowledged';
const resource = (uri: string): object => ({ uri, name: uri });

let modern: ScriptedModern;
let legacy: ScriptedUpstream;
let gateway: Gateway;
let client: ModernClient;

beforeAll(async () => {
  modern = await startModern({ tools: [tool('one')], resources: [resource('m://1'), resource('m://2')] });
  legacy = await startUpstream({
    tools: [tool('two')],
    resources: [resource('l://1'), resource('l://2')],
    capabilities: { resources: { subscribe: true }, tools: { listChanged: true } },
    handlers: { 'resources/subscribe': () => ({}), 'resources/unsubscribe': () => ({}) },
  });
  gateway = await startGateway({ config: { upstreams: { modern: { url: modern.url }, legacy: { url: legacy.url } } } });
  client = new ModernClient(gateway.url);
  // a listen that begins before the lists are complete is told when they are
  await vi.waitFor(async () =>
    expect(JSON.stringify(await client.result('tools/list'))).toMatch(/modern__one.*legacy__two/),
  );
});
afterAll(async () => {
  await gateway?.stop();
  await modern?.close();
  await legacy?.close();
});

const listen = async (notifications: object, id: string | number = 'listen'): Promise<Exchange> => {
  const reply = await client.send('subscriptions/listen', { id, params: { notifications } });
  await reply.waitFor(({ method }) => method === ACK);
  return reply;
};
const ofMethod = (method: string) => (message: Rpc) => message.method === method;
const meta = (message: Rpc | undefined) => (message?.params?._meta ?? {}) as Record<string, unknown>;

describe('a listen', () => {
  test('#98 begins with the acknowledgement, after the upstreams\u2019 own, and misses nothing from then on', async () => {
    const reply = await listen({ toolsListChanged: true, resourceSubscriptions: ['m://1', 'l://1'] });
    expect(reply.messages[0]).toMatchObject({
      method: ACK,
      params: { notifications: { toolsListChanged: true, resourceSubscriptions: ['m://1', 'l://1'] } },
    });
    expect(legacy.of('resources/subscribe').at(-1)!.params).toMatchObject({ uri: 'l://1' });
    modern.push('notifications/resources/updated', { uri: 'm://1' });
    legacy.push({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'l://1' } });
    for (const uri of ['m://1', 'l://1']) {
      const update = await reply.waitFor(
        (m) => m.method === 'notifications/resources/updated' && m.params?.uri === uri,
      );
      expect(meta(update)[SUBSCRIPTION]).toBe('listen');
    }
    modern.script.tools = [tool('one'), tool('new')];
    modern.push('notifications/tools/list_changed');
    const change = await reply.waitFor(ofMethod('notifications/tools/list_changed'));
    expect(meta(change)).toEqual({ [SUBSCRIPTION]: 'listen' });
    expect(JSON.stringify(await client.result('tools/list'))).toContain('modern__new');
    await reply.close();
    await legacy.waitFor('resources/unsubscribe');
  });

  test('#99 is told what is honoured, and gets nothing else; its id keeps its type', async () => {
    const wanted = {
      promptsListChanged: true,
      toolsListChanged: false,
      resourceSubscriptions: ['m://2', 'x://nobody'],
      other: 1,
    };
    const reply = await listen(wanted, 7);
    expect(reply.messages[0]!.params).toEqual({
      _meta: { [SUBSCRIPTION]: 7 },
      notifications: { resourceSubscriptions: ['m://2'] },
    });
    modern.script.tools = [tool('one')];
    modern.push('notifications/tools/list_changed');
    await expect.poll(async () => JSON.stringify(await client.result('tools/list'))).not.toContain('modern__new');
    modern.push('notifications/resources/updated', { uri: 'm://2' });
    await reply.waitFor(ofMethod('notifications/resources/updated'));
    expect(reply.messages.map(({ method }) => method)).toEqual([ACK, 'notifications/resources/updated']);
    expect(meta(reply.messages[1])).toEqual({ [SUBSCRIPTION]: 7 });
    await reply.close();
  });

  test('that is malformed is refused', async () => {
    for (const notifications of [5, { toolsListChanged: 'yes' }, { resourceSubscriptions: [1] }]) {
      const reply = await client.ask('subscriptions/listen', { params: { notifications } });
      expect([reply.status, reply.message.error?.code]).toEqual([400, -32602]);
    }
  });

  test('#103 ends with a result when the gateway does', async () => {
    const other = await startGateway({ config: { upstreams: { modern: { url: modern.url } } } });
    const reply = await new ModernClient(other.url).send('subscriptions/listen', {
      id: 'x',
      params: { notifications: { toolsListChanged: true } },
    });
    await reply.waitFor(ofMethod(ACK));
    await other.stop();
    await reply.ended();
    expect(reply.response('x').result).toMatchObject({ resultType: 'complete', _meta: { [SUBSCRIPTION]: 'x' } });
  });
});

describe('lists', () => {
  test('#92 are private as soon as one upstream has not said that its own is public', async () => {
    expect(await client.result('tools/list')).toMatchObject({ cacheScope: 'private', ttlMs: expect.any(Number) });
    const alone = await startGateway({
      config: {
        lists: { pageSize: 1, firstWait: '60s' },
        upstreams: { a: { url: modern.url }, b: { url: modern.url } },
      },
    });
    try {
      const other = new ModernClient(alone.url);
      const first = await other.result('tools/list');
      const second = await other.result('tools/list', { params: { cursor: first.nextCursor } });
      expect([first.cacheScope, second.cacheScope]).toEqual(['public', 'public']);
      expect(first.ttlMs).toBeLessThanOrEqual(10_000);
    } finally {
      await alone.stop();
    }
  });

  test('#105 are the same whatever a client did before', async () => {
    const one = (await client.ask('tools/list', { id: 1 })).text;
    await client.call('modern__one').catch(() => undefined);
    await client.ask('resources/read', { params: { uri: 'm://1' } });
    const two = (await new ModernClient(gateway.url).ask('tools/list', { id: 1 })).text;
    const steady = (text: string): string => text.replace(/"ttlMs":\d+/, '');
    expect(steady(two)).toBe(steady(one));
  });

  test('#104 a method is served exactly when its capability is declared', async () => {
    const { capabilities } = await client.result('server/discover');
    const methods = {
      tools: 'tools/list',
      prompts: 'prompts/list',
      resources: 'resources/list',
      completions: 'completion/complete',
    };
    for (const [name, method] of Object.entries(methods)) {
      const { status } = await client.ask(method);
      expect([name, status === 404]).toEqual([name, !Object.hasOwn(capabilities as object, name)]);
    }
  });
});
