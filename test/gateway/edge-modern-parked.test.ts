/** Rounds between modern clients and legacy upstreams: the call waits here while its client is asked. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Exchange } from './exchange.ts';
import { ModernClient } from './modern-client.ts';
import { accepted, form } from './scripted-modern.ts';
import { event, type Handler, type ScriptedUpstream, startUpstream, tool } from './scripted-upstream.ts';

const PATIENCE = '1500ms';
const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });

let upstream: ScriptedUpstream;
let gateway: Gateway;
const client = (capabilities: object = { elicitation: { form: {}, url: {} }, sampling: {} }): ModernClient =>
  new ModernClient(gateway.url, capabilities);

/** The streams of the calls that came, and the ids of those calls. */
let calls: { res: ServerResponse; id: unknown }[];
const held: Handler = ({ id }, res) => {
  calls.push({ res, id });
  event(res, { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'here' } });
  return undefined;
};
const ask = (id: string | number, on = calls.at(-1)!): void =>
  event(on.res, { jsonrpc: '2.0', id, ...form(`question ${id}`) });
const finish = (value: string, on = calls.at(-1)!): void => {
  event(on.res, { jsonrpc: '2.0', id: on.id, result: text(value) });
  on.res.end();
};
/** The answers that the upstream was sent to its own requests. */
const answers = () => upstream.received.filter(({ method, id }) => method === undefined && id !== undefined);

beforeAll(async () => {
  upstream = await startUpstream({ tools: [tool('one'), tool('two')], handlers: { 'tools/call': held } });
  const up = { url: upstream.url, timeouts: { elicitation: PATIENCE, sampling: PATIENCE } };
  gateway = await startGateway({ config: { upstreams: { up, raw: stdioUpstream('eras-server', ['legacy']) } } });
});
beforeEach(() => {
  calls = [];
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

/** Begins a call that asks these at once. */
async function begin(...ids: (string | number)[]): Promise<{ result: Record<string, unknown>; calls: number }> {
  const before = upstream.of('tools/call').length;
  const pending = client().result('tools/call', { params: { name: 'up__one', arguments: {} } });
  await upstream.waitFor('tools/call', before + 1);
  await expect.poll(() => calls.length).toBeGreaterThan(0);
  for (const id of ids) ask(id);
  return { result: await pending, calls: before + 1 };
}

const retry = (requestState: unknown, inputResponses: object): Promise<Exchange> =>
  client().send('tools/call', { params: { name: 'up__one', arguments: {}, requestState, inputResponses } });
const ended = async (reply: Promise<Exchange>): Promise<Record<string, unknown>> => {
  const answer = await reply;
  await answer.ended();
  const { result, error } = answer.messages.at(-1)!;
  return (result ?? { error }) as Record<string, unknown>;
};

test('#115 one question: it is the end of the request, the retry gets the result, and the upstream is called once', async () => {
  const asked = await begin('e1');
  expect(asked.result).toMatchObject({
    resultType: 'input_required',
    inputRequests: { elicit_1: { method: 'elicitation/create', params: { message: '[up] question e1' } } },
  });
  const reply = retry(asked.result.requestState, { elicit_1: accepted() });
  await expect.poll(() => answers().at(-1)).toMatchObject({ id: 'e1', result: accepted() });
  finish('done');
  expect(await ended(reply)).toMatchObject({ resultType: 'complete', ...text('done') });
  expect(upstream.of('tools/call')).toHaveLength(asked.calls);
});

test('#116 two questions at once are one round, a third is the next; a new state each time', async () => {
  const first = await begin('e1', 'e2');
  expect(Object.keys(first.result.inputRequests as object)).toEqual(['elicit_1', 'elicit_2']);
  ask('e3');
  const second = await ended(retry(first.result.requestState, { elicit_1: accepted('1'), elicit_2: accepted('2') }));
  expect(Object.keys(second.inputRequests as object)).toEqual(['elicit_3']);
  expect(second.requestState).not.toBe(first.result.requestState);
  const reply = retry(second.requestState, { elicit_3: accepted('3') });
  await expect
    .poll(() =>
      answers()
        .slice(-3)
        .map(({ result }) => result),
    )
    .toEqual(['1', '2', '3'].map(accepted));
  finish('done');
  expect(await ended(reply)).toMatchObject(text('done'));
});

test('#117 an answer that is missing, or none at all, is asked for again', async () => {
  const first = await begin('e1', 'e2');
  const second = await ended(
    retry(first.result.requestState, { elicit_1: accepted(), elicit_2: 5, other: accepted() }),
  );
  expect(Object.keys(second.inputRequests as object)).toEqual(['elicit_2']);
  const reply = retry(second.requestState, { elicit_2: accepted() });
  await expect.poll(() => answers().at(-1)).toMatchObject({ id: 'e2' });
  finish('done');
  expect(await ended(reply)).toMatchObject(text('done'));
});

test('#118 the same retry again gets the same result; one with other answers is refused', async () => {
  const asked = await begin('e1');
  const { requestState } = asked.result;
  const lost = await retry(requestState, { elicit_1: accepted() }).then(
    (reply) => reply,
    () => undefined,
  );
  await lost?.close();
  const reply = retry(requestState, { elicit_1: accepted() });
  finish('done');
  expect(await ended(reply)).toMatchObject(text('done'));
  expect(await ended(retry(requestState, { elicit_1: accepted() }))).toMatchObject(text('done'));
  expect(await ended(retry(requestState, { elicit_1: accepted('y') }))).toMatchObject({ error: { code: -32602 } });
  expect(upstream.of('tools/call')).toHaveLength(asked.calls);
});

test('#119 a client that never comes back: the upstream is told, for the question and the call', async () => {
  const asked = await begin('e1');
  const [cancelled] = (
    await upstream.waitFor('notifications/cancelled', upstream.of('notifications/cancelled').length + 1)
  ).slice(-1);
  expect(cancelled!.params).toMatchObject({ requestId: calls.at(-1)!.id });
  expect(answers().at(-1)).toMatchObject({ id: 'e1', result: { action: 'cancel' } });
  expect(await ended(retry(asked.result.requestState, { elicit_1: accepted() }))).toMatchObject({
    error: { code: -32602 },
  });
});

test('#120 an upstream that is done while its client is asked: the retry gets the result', async () => {
  const asked = await begin('e1');
  event(calls.at(-1)!.res, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'e1' } });
  finish('without you');
  expect(await ended(retry(asked.result.requestState, { elicit_1: accepted() }))).toMatchObject(text('without you'));
});

test('#95 hanging up after one was asked cancels nothing; #121 a state that is over is refused like any other', async () => {
  const before = upstream.of('notifications/cancelled').length;
  const asked = await begin('e1');
  const reply = retry(asked.result.requestState, { elicit_1: accepted() });
  finish('done');
  expect(await ended(reply)).toMatchObject(text('done'));
  expect(upstream.of('notifications/cancelled')).toHaveLength(before);
  const made = `${String(asked.result.requestState).slice(0, -4)}AAAA`;
  const refused = await ended(retry(made, { elicit_1: accepted() }));
  expect(refused.error).toEqual((await ended(retry(asked.result.requestState, { elicit_1: accepted('z') }))).error);
});

test('#122 over stdio two calls of one principal run while one of them asks: both finish, whichever client is asked', async () => {
  /** Answers whatever a call asks, as hosts do. */
  const complete = async (name: string, args: object = {}): Promise<Record<string, unknown>> => {
    let retry = {};
    for (;;) {
      const result = await client().call(name, args, { retry });
      if (result.resultType !== 'input_required') return result;
      const answer = { action: 'accept', content: { username: 'u', email: 'e' } };
      const inputResponses = Object.fromEntries(
        Object.keys(result.inputRequests as object).map((key) => [key, answer]),
      );
      retry = { inputResponses, requestState: result.requestState };
    }
  };
  const slow = complete('raw__test_reconnection');
  const done = await complete('raw__test_elicitation', { message: 'm' });
  expect(JSON.stringify(done)).toContain('username');
  expect(await slow).toMatchObject(text('Reconnection test completed'));
});

test('#124 a client that cannot be asked gets the other way of the tool', async () => {
  const { message } = await client({}).ask('tools/call', {
    params: { name: 'raw__test_input_required_result_capabilities', arguments: {} },
  });
  expect(message.result).toMatchObject(text('nothing to ask'));
});

describe('#125 a web page that has to be visited first', () => {
  const required = (id: unknown): object => ({
    jsonrpc: '2.0',
    id,
    error: {
      code: -32042,
      message: 'visit',
      data: { elicitations: [{ mode: 'url', elicitationId: 'v1', url: 'https://example.com/v', message: 'sign in' }] },
    },
  });
  const begun = async (capabilities?: object) => {
    const before = upstream.of('tools/call').length;
    const pending = client(capabilities).ask('tools/call', { params: { name: 'up__one', arguments: {} } });
    await upstream.waitFor('tools/call', before + 1);
    await expect.poll(() => calls.length).toBeGreaterThan(0);
    event(calls.at(-1)!.res, required(calls.at(-1)!.id));
    calls.at(-1)!.res.end();
    return (await pending).messages.at(-1)!;
  };

  test('accepted: the call is made again', async () => {
    const { result } = await begun();
    const { inputRequests, requestState } = result as { inputRequests: object; requestState: string };
    expect(inputRequests).toEqual({
      url_1: {
        method: 'elicitation/create',
        params: { mode: 'url', message: '[up] sign in', url: 'https://example.com/v' },
      },
    });
    const reply = retry(requestState, { url_1: { action: 'accept' } });
    upstream.push({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: 'v1' } });
    await expect.poll(() => calls.length, { timeout: 8_000 }).toBe(2);
    finish('visited');
    expect(await ended(reply)).toMatchObject(text('visited'));
  });

  test('declined: the tool has failed', async () => {
    const { result } = await begun();
    const { requestState } = result as { requestState: string };
    expect(await ended(retry(requestState, { url_1: { action: 'decline' } }))).toMatchObject({ isError: true });
  });

  test('a client without URLs is told what it lacks', async () => {
    const { error } = await begun({ elicitation: { form: {} } });
    expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: { elicitation: { url: {} } } } });
  });
});
