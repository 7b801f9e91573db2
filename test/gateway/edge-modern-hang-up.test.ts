/** What becomes of a call when its modern client drops the connection: while it is served, and after it was asked. */

import type { ServerResponse } from 'node:http';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Rpc } from './exchange.ts';
import { MODERN, ModernClient } from './modern-client.ts';
import { accepted, form } from './scripted-modern.ts';
import { event, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const KEY = 'io.modelcontextprotocol';
const CAPABILITIES = { elicitation: { form: {} } };

/** A busy machine takes its time. */
const WAIT = { timeout: 5_000, interval: 10 };

let upstream: ScriptedUpstream;
let gateway: Gateway;
/** The calls that came, in order; the test answers them. */
let calls: { readonly id: unknown; readonly res: ServerResponse }[];

beforeEach(async () => {
  calls = [];
  upstream = await startUpstream({
    tools: [tool('one')],
    handlers: { 'tools/call': ({ id }, res) => void calls.push({ id, res }) },
  });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } } } });
});
afterEach(async () => {
  await gateway?.stop();
  await upstream?.close();
});

const client = (): ModernClient => new ModernClient(gateway.url, CAPABILITIES);
const callCount = (count: number) => expect.poll(() => calls.length, WAIT).toBe(count);
const finish = (index: number, value: string): void => {
  const { id, res } = calls[index]!;
  event(res, { jsonrpc: '2.0', id, result: textResult(value) });
  res.end();
};

/** A call on a connection of its own, which the test can drop. */
function callAlone(more: object = {}): { response: Promise<IncomingMessage>; drop(): void } {
  const _meta = { [`${KEY}/protocolVersion`]: MODERN, [`${KEY}/clientCapabilities`]: CAPABILITIES };
  const params = { name: 'up__one', arguments: {}, ...more, _meta };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const req = httpRequest(gateway.url, {
    method: 'POST',
    agent: false,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      connection: 'keep-alive',
      'mcp-protocol-version': MODERN,
      'mcp-method': 'tools/call',
      'mcp-name': 'up__one',
    },
  });
  req.once('response', resolve).once('error', reject);
  req.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  promise.catch(() => undefined);
  return { response: promise, drop: () => void req.destroy() };
}

test('#94 the upstream is told within a second, its late answer goes nowhere, and the next call gets its own', async () => {
  const { drop } = callAlone();
  await callCount(1);
  const began = performance.now();
  drop();
  const [cancelled] = await upstream.waitFor('notifications/cancelled');
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(cancelled?.params).toMatchObject({ requestId: calls[0]!.id });

  const next = client().call('up__one');
  await callCount(2);
  if (!calls[0]!.res.destroyed) finish(0, 'late');
  finish(1, 'its own');
  expect(await next).toMatchObject(textResult('its own'));
  expect(upstream.of('notifications/cancelled')).toHaveLength(1);
});

test('#95 dropping the connection over which one was asked cancels nothing, and the answer comes over another', async () => {
  const { response, drop } = callAlone();
  await callCount(1);
  event(calls[0]!.res, { jsonrpc: '2.0', id: 'e1', ...form() });
  const answer = JSON.parse(await text(await response)) as Rpc;
  expect(answer.result).toMatchObject({ resultType: 'input_required' });
  drop();
  // the gateway has seen the end of that connection when it has served others since
  for (let i = 0; i < 3; i++) await client().result('tools/list');
  const { requestState } = answer.result as { requestState: string };
  const done = client().call('up__one', {}, { retry: { requestState, inputResponses: { elicit_1: accepted('me') } } });
  await expect
    .poll(() => upstream.received.find(({ id, method }) => id === 'e1' && method === undefined)?.result, WAIT)
    .toEqual(accepted('me'));
  finish(0, 'done');
  expect(await done).toMatchObject({ resultType: 'complete', ...textResult('done') });
  expect(upstream.of('notifications/cancelled')).toEqual([]);
  expect(calls).toHaveLength(1);
});

test('#118 a retry whose connection broke is made again with the same answers: one call, one answer, one result', async () => {
  const asking = client().call('up__one');
  await callCount(1);
  event(calls[0]!.res, { jsonrpc: '2.0', id: 'e1', ...form() });
  const { requestState } = (await asking) as { requestState: string };
  const retry = { requestState, inputResponses: { elicit_1: accepted('me') } };
  const answers = () => upstream.received.filter(({ id, method }) => id === 'e1' && method === undefined);

  const broken = callAlone(retry);
  await expect.poll(() => answers().length, WAIT).toBe(1);
  broken.drop();
  await expect(broken.response).rejects.toThrow();
  const other = { ...retry, inputResponses: { elicit_1: accepted('somebody else') } };
  const refused = await client().ask('tools/call', { params: { name: 'up__one', arguments: {}, ...other } });
  expect(refused.message.error?.code).toBe(-32602);
  const again = client().call('up__one', {}, { retry });
  // it is taken up again, rather than being answered from what is kept of an end
  await client().result('tools/list');
  finish(0, 'done');
  expect(await again).toMatchObject(textResult('done'));
  expect(answers().map(({ result }) => result)).toEqual([accepted('me')]);
  expect(calls).toHaveLength(1);
  expect(upstream.of('notifications/cancelled')).toEqual([]);
});
