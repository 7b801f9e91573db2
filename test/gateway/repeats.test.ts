/** Which requests are sent a second time when the connection broke before the answer. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { elicit } from '../multiplexer/questions.ts';
import { ABLE, RawClient } from '../multiplexer/raw-client.ts';
import { event, type Handler, type ScriptedUpstream, startUpstream } from './scripted-upstream.ts';

const inputSchema = { type: 'object' };
const TOOLS = [
  { name: 'plain', inputSchema },
  { name: 'reads', inputSchema, annotations: { readOnlyHint: true } },
  { name: 'sets', inputSchema, annotations: { idempotentHint: true } },
  { name: 'adds', inputSchema, annotations: { readOnlyHint: false, idempotentHint: false } },
];

let upstream: ScriptedUpstream;
let gateway: Gateway;
let client: RawClient;
/** How often the connection still breaks. */
let breaks = 0;
let asked: unknown[] = [];

const breaking =
  (result: object): Handler =>
  ({ params }, res) => {
    asked.push((params as { name?: string }).name);
    if (breaks-- <= 0) return result;
    res.socket?.destroySoon();
    return undefined;
  };

beforeAll(async () => {
  upstream = await startUpstream({
    tools: TOOLS,
    prompts: [{ name: 'p' }],
    resources: [{ uri: 'note://a', name: 'a' }],
    handlers: {
      'tools/call': breaking({ content: [] }),
      'prompts/get': breaking({ messages: [] }),
      'resources/read': breaking({ contents: [] }),
    },
  });
  gateway = await startGateway({
    config: { upstreams: { up: { url: upstream.url, recovery: { failures: 100, firstRetry: '10ms' } } } },
  });
  client = await RawClient.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

beforeEach(() => {
  asked = [];
});

const call = (tool: string) => client.request('tools/call', { name: `up__${tool}`, arguments: {} });

test.each(['reads', 'sets'])('#154 a tool that says it %s: once more, and the answer arrives', async (tool) => {
  breaks = 1;
  expect((await call(tool)).result).toEqual({ content: [] });
  expect(asked).toEqual([tool, tool]);
});

test.each(['plain', 'adds'])('#154 a tool that does not (%s): never, and the error says why', async (tool) => {
  breaks = 1;
  const { error } = await call(tool);
  expect(error?.message).toMatch(/lost while tools\/call was in progress .*whether it took effect is unknown/);
  expect(asked).toEqual([tool]);
});

test('#154 a tool that says it reads, but has asked the client for something: never', async () => {
  const able = await RawClient.open(gateway.url, { capabilities: ABLE });
  const { handlers = {} } = upstream.script;
  const calls: ServerResponse[] = [];
  const asking: Handler = (_, res) => {
    calls.push(res);
    event(res, { jsonrpc: '2.0', id: 'ask', ...elicit() });
    return undefined;
  };
  upstream.script.handlers = { ...handlers, 'tools/call': asking };
  try {
    const reply = await able.call('up__reads', {}, { id: 'call' });
    await reply.method('elicitation/create');
    calls[0]!.socket?.destroySoon();
    // a second try would ask a second time
    const { error } = await reply.waitFor(
      ({ id, method }) => id === 'call' || (method !== undefined && calls.length > 1),
    );
    expect(error?.message).toContain('whether it took effect is unknown');
    expect(calls).toHaveLength(1);
  } finally {
    upstream.script.handlers = handlers;
  }
});

test('#154 twice at most', async () => {
  breaks = 5;
  expect((await call('reads')).error?.message).toContain('unknown');
  expect(asked).toEqual(['reads', 'reads']);
});

test.each([
  ['prompts/get', { name: 'up__p' }, { messages: [] }],
  ['resources/read', { uri: 'note://a' }, { contents: [] }],
])('%s changes nothing: once more', async (method, params, result) => {
  breaks = 1;
  expect((await client.request(method, params)).result).toMatchObject(result);
  expect(asked).toHaveLength(2);
});
