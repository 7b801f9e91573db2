/** An upstream that has forgotten the gateway's session answers 404 (2025-11-25, transports, session management). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import {
  event,
  type Handler,
  json,
  type ScriptedUpstream,
  startUpstream,
  textResult,
  tool,
} from '../gateway/scripted-upstream.ts';
import { RawClient } from './raw-client.ts';
import { QUICK } from './setup.ts';

const forgotten = new Set<unknown>();
const finish: (() => void)[] = [];
let upstream: ScriptedUpstream;
let gateway: Gateway;

/** Answers 404 to sessions that are forgotten. */
const unlessForgotten =
  (handler: Handler): Handler =>
  (message, res) =>
    forgotten.has(message.headers['mcp-session-id']) ? json(res, '', 404) : handler(message, res);

beforeAll(async () => {
  upstream = await startUpstream({
    tools: [tool('go'), tool('wait')],
    resources: [{ uri: 'lost://a', name: 'a' }],
    capabilities: { logging: {}, resources: { subscribe: true } },
    handlers: {
      'logging/setLevel': unlessForgotten(() => ({})),
      'resources/subscribe': unlessForgotten(() => ({})),
      'tools/call': unlessForgotten(({ id, params }, res) => {
        if (params?.name === 'go') return textResult('went');
        event(res, { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: 'waiting' } });
        finish.push(() => {
          event(res, { jsonrpc: '2.0', id, result: textResult('waited') });
          res.end();
        });
        return undefined;
      }),
    },
  });
  gateway = await startGateway({ config: { ...QUICK, upstreams: { up: { url: upstream.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const go = (client: RawClient) => client.request('tools/call', { name: 'up__go' });
const calls = () => upstream.of('tools/call').map(({ params, headers }) => [params?.name, headers['mcp-session-id']]);

describe('#152 an upstream that forgets its session', () => {
  let client: RawClient;
  let first: unknown;

  beforeEach(async () => {
    client = await RawClient.open(gateway.url);
    await client.request('logging/setLevel', { level: 'warning' });
    expect((await go(client)).result).toEqual(textResult('went'));
    first = calls().at(-1)?.[1];
  });

  test('gets a new one, with log level and subscriptions, and the request once more', async () => {
    expect((await client.request('resources/subscribe', { uri: 'lost://a' })).result).toEqual({});
    const before = upstream.received.length;
    forgotten.add(first);
    expect((await go(client)).result).toEqual(textResult('went'));
    const since = upstream.received.slice(before);
    const of = (method: string) => since.filter((message) => message.method === method);
    expect(of('tools/call').map(({ headers }) => headers['mcp-session-id'] === first)).toEqual([true, false]);
    const second = of('tools/call').at(-1)?.headers['mcp-session-id'];
    expect(of('logging/setLevel').map(({ params, headers }) => [params?.level, headers['mcp-session-id']])).toEqual([
      ['warning', second],
    ]);
    expect(of('resources/subscribe').map(({ params, headers }) => [params?.uri, headers['mcp-session-id']])).toEqual([
      ['lost://a', second],
    ]);
    expect((await go(client)).result).toEqual(textResult('went'));
    expect(calls().at(-1)?.[1]).toBe(second);
  });

  test('#154 a call that is in progress there is not repeated: it may yet be answered', async () => {
    const waiting = await client.call('up__wait', {}, { id: 1 });
    await waiting.method('notifications/message');
    forgotten.add(first);
    expect((await go(client)).result).toEqual(textResult('went'));
    for (const end of finish.splice(0)) end();
    expect((await waiting.response(1)).result).toEqual(textResult('waited'));
    expect(calls().filter(([name]) => name === 'wait')).toEqual([['wait', first]]);
  });

  test('one that forgets every session at once is not asked for ever', async () => {
    const { handlers } = upstream.script;
    upstream.script.handlers = { ...handlers, 'tools/call': (_, res) => json(res, '', 404) };
    const before = calls().length;
    expect((await go(client)).error?.code).toBe(-32603);
    expect(calls().length - before).toBe(2);
    upstream.script.handlers = { ...handlers };
    expect((await go(client)).result).toEqual(textResult('went'));
  });
});
