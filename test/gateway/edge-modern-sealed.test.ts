/** Rounds between modern clients and modern upstreams: nothing is held in between, and only the one who was asked may answer. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { ModernClient } from './modern-client.ts';
import {
  accepted,
  form,
  inputRequired,
  type ModernScript,
  type ScriptedModern,
  startModern,
  stream,
} from './scripted-modern.ts';
import { tool } from './scripted-upstream.ts';

const STATE = 'upstream state: "quoted", größe, \u0000';
const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });

let upstream: ScriptedModern;
let gateway: Gateway;
const client = (): ModernClient => new ModernClient(gateway.url, { elicitation: { form: {} } });

/** Asks once, then says what it was given. */
const asking: ModernScript['handlers'] = {
  'tools/call': ({ params }) =>
    params?.inputResponses || params?.requestState
      ? text(JSON.stringify([params.inputResponses, params.requestState]))
      : inputRequired({ who: form() }, STATE),
};

beforeAll(async () => {
  upstream = await startModern({
    tools: [tool('one'), tool('two'), tool('seldom')],
    resources: [{ uri: 'x://1', name: 'one' }],
  });
  gateway = await startGateway({
    config: { upstreams: { up: { url: upstream.url, items: { tools: { seldom: { rate: '3/1h' } } } } } },
  });
});
beforeEach(() => {
  upstream.script.handlers = asking;
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const begin = async (args: object = {}) => client().call('up__one', args);
const retry = (name: string, args: object, more: object) =>
  client().ask('tools/call', { params: { name, arguments: args, ...more } });

test('#111 #112 the upstream gets its own state back to the byte, and answers under whatever keys', async () => {
  const asked = await begin();
  expect(asked).toMatchObject({
    resultType: 'input_required',
    inputRequests: { who: { method: 'elicitation/create' } },
  });
  expect(asked.requestState).not.toContain('upstream');
  const inputResponses = { who: accepted(), extra: { a: 1 }, __proto: 2 };
  const done = await client().call('up__one', {}, { retry: { inputResponses, requestState: asked.requestState } });
  expect(done).toMatchObject(text(JSON.stringify([inputResponses, STATE])));
});

test('#106 where the upstream gives no state there is none, and the answers find it without', async () => {
  upstream.script.handlers = {
    'tools/call': ({ params }) =>
      params?.inputResponses ? text(String('requestState' in params)) : inputRequired({ who: form() }),
  };
  expect(await begin()).not.toHaveProperty('requestState');
  expect(await client().call('up__one', {}, { retry: { inputResponses: { who: accepted() } } })).toMatchObject(
    text('false'),
  );
});

test('going on is no other use of a tool with a rate, and doing so again from the same state is', async () => {
  const { requestState } = await client().call('up__seldom');
  const goOn = () => client().call('up__seldom', {}, { retry: { inputResponses: { who: accepted() }, requestState } });
  const went = { content: [{ text: expect.stringContaining('accept') }] };
  expect(await goOn()).toMatchObject(went);
  expect(await goOn()).toMatchObject(went);
  expect(await goOn()).toMatchObject(went);
  expect(await goOn()).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('3 times in 3600 s') }],
  });
});

describe('a state that is not the one of this request', () => {
  test.each([
    ['#107 with a character more', (state: string) => ['up__one', { a: 1 }, `${state}A`]],
    [
      '#107 with a character changed',
      (state: string) => ['up__one', { a: 1 }, state.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))],
    ],
    ['#109 with other arguments', (state: string) => ['up__one', { a: 2 }, state]],
    ['#109 with arguments that JavaScript cannot tell apart', (state: string) => ['up__one', { a: 1, b: 1 }, state]],
    ['#109 of another tool', (state: string) => ['up__two', { a: 1 }, state]],
    ['made up', () => ['up__one', { a: 1 }, 'state']],
    ['that is empty', () => ['up__one', { a: 1 }, '']],
  ] as const)('%s → one indistinct -32602, and the upstream is not called', async (_, forge) => {
    const asked = await begin({ a: 1 });
    const [name, args, requestState] = forge(String(asked.requestState)) as unknown as [string, object, string];
    const before = upstream.received.length;
    const { status, message } = await retry(name, args, { requestState, inputResponses: { who: accepted() } });
    expect({ status, error: message.error }).toEqual({
      status: 200,
      error: {
        code: -32602,
        message: expect.stringMatching(/^requestState is not valid for this request, or not any more/),
      },
    });
    expect(upstream.received).toHaveLength(before);
  });

  test('the same arguments in another order are the same', async () => {
    const asked = await client().call('up__one', { a: 1, b: { c: [1, 2], d: null } });
    const params = { requestState: asked.requestState, inputResponses: { who: accepted() } };
    const done = await client().call('up__one', { b: { d: null, c: [1, 2] }, a: 1 }, { retry: params });
    expect(done.resultType).toBe('complete');
  });
});

test('#113 a tool that has gone meanwhile still gets its answers', async () => {
  const asked = await begin();
  const tools = upstream.script.tools;
  upstream.script.tools = [tool('two')];
  upstream.push('notifications/tools/list_changed');
  await expect.poll(async () => JSON.stringify(await client().result('tools/list'))).not.toContain('up__one');
  const done = await client().call(
    'up__one',
    {},
    { retry: { requestState: asked.requestState, inputResponses: { who: accepted() } } },
  );
  expect(done.resultType).toBe('complete');
  upstream.script.tools = tools!;
  upstream.push('notifications/tools/list_changed');
  await expect.poll(async () => JSON.stringify(await client().result('tools/list'))).toContain('up__one');
});

test('#114 what the client did not declare it is not asked', async () => {
  upstream.script.handlers = {
    'tools/call': () => inputRequired({ s: { method: 'sampling/createMessage', params: {} } }, 'x'),
  };
  const { message } = await retry('up__one', {}, {});
  expect(message.error?.code).toBe(-32603);
  expect(JSON.stringify(message)).not.toContain('inputRequests');
});

test('#93 what came of answers is cached by nobody', async () => {
  upstream.script.handlers = {
    'resources/read': ({ params }) =>
      params?.inputResponses
        ? { contents: [{ uri: 'x://1', text: 'secret' }], ttlMs: 60_000, cacheScope: 'public' }
        : inputRequired({ who: form() }, 's'),
  };
  const asked = await client().result('resources/read', { params: { uri: 'x://1' } });
  for (const key of ['ttlMs', 'cacheScope']) expect(asked).not.toHaveProperty(key);
  const params = { uri: 'x://1', requestState: asked.requestState, inputResponses: { who: accepted() } };
  expect(await client().result('resources/read', { params })).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
});

test('#96 a capability that is missing is told by the status, while that is not sent yet', async () => {
  const data = { requiredCapabilities: { sampling: {} } };
  upstream.script.handlers = {
    'tools/call': () => ({ error: { code: -32021, message: 'sampling', data }, status: 400 }),
  };
  const answer = await retry('up__one', {}, {});
  expect({ status: answer.status, error: answer.message.error }).toMatchObject({
    status: 400,
    error: { code: -32021, data },
  });
});

test('#94 a client that hangs up has cancelled, and the upstream knows within a second', async () => {
  upstream.script.handlers = { 'tools/call': () => undefined };
  const abort = new AbortController();
  const before = upstream.of('tools/call').length;
  const call = fetch(gateway.url, { ...(await requestOf('up__one')), signal: abort.signal }).catch(() => undefined);
  const [received] = (await upstream.waitFor('tools/call', before + 1)).slice(-1);
  const began = performance.now();
  abort.abort();
  await call;
  await expect.poll(() => received!.gone).toBe(true);
  expect(performance.now() - began).toBeLessThan(1_000);
});

async function requestOf(name: string): Promise<RequestInit> {
  const key = 'io.modelcontextprotocol';
  const _meta = { [`${key}/protocolVersion`]: '2026-07-28', [`${key}/clientCapabilities`]: {} };
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {}, _meta } }),
  };
}

test('#97 logs are for those who asked for them, and no less severe than they asked', async () => {
  upstream.script.handlers = {
    'tools/call': (_message, res) => {
      for (const level of ['debug', 'warning'])
        stream(res, { method: 'notifications/message', params: { level, data: level } });
      return text('done');
    },
  };
  const params = { name: 'up__one', arguments: {} };
  const levels = async (logLevel?: string): Promise<unknown[]> => {
    const answer = await client().ask('tools/call', { params, ...(logLevel === undefined ? {} : { logLevel }) });
    return answer.messages.filter(({ method }) => method === 'notifications/message').map((m) => m.params?.level);
  };
  expect([await levels(), await levels('info'), await levels('debug')]).toEqual([
    [],
    ['warning'],
    ['debug', 'warning'],
  ]);
  const wrong = await client().ask('tools/call', { params, logLevel: 'loud' });
  expect([wrong.status, wrong.message.error?.code]).toEqual([400, -32602]);
});

test('#151 a result without a type is complete, one of an unknown type is an error', async () => {
  upstream.script.handlers = {
    'tools/call': (message, res) => {
      const body = { jsonrpc: '2.0', id: message.id, result: text('no type') };
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return undefined;
    },
  };
  expect(await begin()).toMatchObject({ resultType: 'complete', ...text('no type') });
  upstream.script.handlers = { 'tools/call': () => ({ resultType: 'riddle' }) };
  expect((await retry('up__one', {}, {})).message.error?.code).toBe(-32603);
  const session = await Session.open(gateway.url);
  const legacy = await session.post({ jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'up__one' } });
  expect(legacy.message.error?.code).toBe(-32603);
  await session.end();
});
