/** What a listen promises of order: when it is acknowledged, and what reaches it meanwhile, from then on, and never. */
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Exchange, Rpc } from './exchange.ts';
import { ModernClient } from './modern-client.ts';
import { type Received, type ScriptedModern, startModern, stream } from './scripted-modern.ts';
import { type ScriptedUpstream, startUpstream, tool } from './scripted-upstream.ts';

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const ACK = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';
const resource = (uri: string): object => ({ uri, name: uri });

/** A listen of the gateway at the modern upstream. */
interface Heard {
  readonly message: Received;
  readonly uris: readonly string[];
  acknowledge(): void;
  say(method: string, params: object): void;
}

/** A busy machine takes its time. */
const WAIT = { timeout: 5_000, interval: 10 };

let modern: ScriptedModern;
let legacy: ScriptedUpstream;
let gateway: Gateway;
let client: ModernClient;
/** Those that have come so far, in order; nothing is acknowledged unless the test says so. */
let heard: Heard[];

beforeEach(async () => {
  heard = [];
  modern = await startModern({
    tools: [tool('one')],
    resources: [resource('m://1'), resource('m://2')],
    capabilities: { tools: {}, resources: { subscribe: true } },
    handlers: { 'subscriptions/listen': (message, res) => void heard.push(heardOf(message, res)) },
  });
  legacy = await startUpstream({
    resources: [resource('l://1')],
    capabilities: { resources: { subscribe: true } },
    handlers: { 'resources/unsubscribe': () => ({}) },
  });
  gateway = await startGateway({ config: { upstreams: { modern: { url: modern.url }, legacy: { url: legacy.url } } } });
  client = new ModernClient(gateway.url);
  await client.result('resources/list');
});
afterEach(async () => {
  await gateway?.stop();
  await modern?.close();
  await legacy?.close();
});

function heardOf(message: Received, res: ServerResponse): Heard {
  const { notifications } = message.params as { notifications: { resourceSubscriptions?: string[] } };
  const say = (method: string, params: object): void =>
    stream(res, { method, params: { ...params, _meta: { [SUBSCRIPTION]: message.id } } });
  return {
    message,
    uris: notifications.resourceSubscriptions ?? [],
    acknowledge: () => say(ACK, { notifications }),
    say,
  };
}

/** The first listen that asks for this resource. */
async function listenFor(uri: string): Promise<Heard> {
  await expect.poll(() => heard.some(({ uris }) => uris.includes(uri)), WAIT).toBe(true);
  return heard.find(({ uris }) => uris.includes(uri))!;
}

const begin = (id: string | number, ...uris: string[]): Promise<Exchange> =>
  client.send('subscriptions/listen', { id, params: { notifications: { resourceSubscriptions: uris } } });
const acknowledged = (reply: Exchange): Promise<Rpc> => reply.waitFor(({ method }) => method === ACK);
const updates = (reply: Exchange): unknown[] =>
  reply.messages.filter(({ method }) => method === UPDATED).map(({ params }) => params?.uri);

test('#98 nothing is acknowledged before every upstream has agreed; what follows an upstream\u2019s word at once is heard', async () => {
  let agree = (): void => undefined;
  legacy.script.handlers = {
    ...legacy.script.handlers,
    'resources/subscribe': () => new Promise<object>((done) => (agree = () => done({}))),
  };
  let head: Exchange | undefined;
  const opening = begin('x', 'm://1', 'l://1').then((reply) => {
    head = reply;
    return reply;
  });
  const upstream = await listenFor('m://1');
  await legacy.waitFor('resources/subscribe');
  // a change right behind the acknowledgement, while the client is not acknowledged yet itself
  upstream.acknowledge();
  upstream.say(UPDATED, { uri: 'm://1' });
  await client.result('tools/list');
  expect(head?.messages ?? []).toEqual([]);
  agree();
  const reply = await opening;
  await reply.waitFor(({ method }) => method === UPDATED);
  expect(reply.messages.map(({ method }) => method)).toEqual([ACK, UPDATED]);
  expect(reply.messages[0]?.params?.notifications).toEqual({ resourceSubscriptions: ['m://1', 'l://1'] });
  expect(updates(reply)).toEqual(['m://1']);
  await reply.close();
});

test('#99 an upstream that does not agree in time is left out, the others are heard', async () => {
  legacy.script.handlers = { ...legacy.script.handlers, 'resources/subscribe': () => ({}) };
  const opening = begin(7, 'm://1', 'l://1');
  await listenFor('m://1');
  const reply = await opening;
  expect((await acknowledged(reply)).params).toEqual({
    _meta: { [SUBSCRIPTION]: 7 },
    notifications: { resourceSubscriptions: ['l://1'] },
  });
  await reply.close();
});

test('#100 of two clients with one id, each hears its own; #97 and neither hears logs', async () => {
  const first = begin(1, 'm://1');
  (await listenFor('m://1')).acknowledge();
  const a = await first;
  await acknowledged(a);
  const second = begin(1, 'm://2');
  const upstream = await listenFor('m://2');
  upstream.acknowledge();
  const b = await second;
  await acknowledged(b);
  upstream.say('notifications/message', { level: 'emergency', data: 'to nobody' });
  for (const uri of ['m://1', 'm://2', 'm://1', 'm://2']) upstream.say(UPDATED, { uri });
  // what was meant for the other would have come before the last of its own
  await expect.poll(() => [updates(a).length, updates(b).length], WAIT).toEqual([2, 2]);
  expect([updates(a), updates(b)]).toEqual([
    ['m://1', 'm://1'],
    ['m://2', 'm://2'],
  ]);
  for (const { messages } of [a, b]) expect(messages.map(({ method }) => method)).toEqual([ACK, UPDATED, UPDATED]);
  await Promise.all([a.close(), b.close()]);
});

test('#101 while one more resource is asked for the old listen goes on, and it ends only when the new one is heard', async () => {
  const first = begin('a', 'm://1');
  const old = await listenFor('m://1');
  old.acknowledge();
  const a = await first;
  await acknowledged(a);

  const second = begin('b', 'm://2');
  const next = await listenFor('m://2');
  expect(next.uris.toSorted()).toEqual(['m://1', 'm://2']);
  expect(old.message.gone).toBe(false);
  old.say(UPDATED, { uri: 'm://1' });
  await expect.poll(() => updates(a).length, WAIT).toBe(1);

  next.acknowledge();
  next.say(UPDATED, { uri: 'm://1' });
  await acknowledged(await second);
  await expect.poll(() => updates(a).length, WAIT).toBe(2);
  await expect.poll(() => old.message.gone, WAIT).toBe(true);
  expect(next.message.gone).toBe(false);
  expect(heard).toHaveLength(2);
  await Promise.all([a.close(), (await second).close()]);
});
