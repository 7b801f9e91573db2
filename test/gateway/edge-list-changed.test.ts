/** Many changes at once: clients are told once, and what they then list is the newest (protocol.md §3.7). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { event, type Handler, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const CHANGED = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };

let upstream: ScriptedUpstream;
let gateway: Gateway;

/** Renames the only tool, and says so as often as the arguments ask for. */
const rename: Handler = ({ id, params }, res) => {
  const { to, times } = params!.arguments as { to: string; times: number };
  upstream.script.tools = [tool(to)];
  for (let i = 0; i < times; i++) event(res, CHANGED);
  event(res, { jsonrpc: '2.0', id, result: textResult(to) });
  res.end();
  return undefined;
};

beforeAll(async () => {
  const capabilities = { tools: { listChanged: true } };
  upstream = await startUpstream({ tools: [tool('first')], capabilities, handlers: { 'tools/call': rename } });
  gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url } } } });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

test('#75 ten list_changed at once → one notification; the next change → one more', async () => {
  const session = await Session.open(gateway.url);
  expect(await session.names()).toEqual(['up__first']);
  const stream = await session.listen();
  const told = () => stream.messages.filter(({ method }) => method === CHANGED.method).length;

  expect(await session.callText('up__first', { to: 'second', times: 10 })).toBe('second');
  await expect.poll(told, { timeout: 5_000 }).toBe(1);
  expect(await session.names()).toEqual(['up__second']);

  expect(await session.callText('up__second', { to: 'third', times: 1 })).toBe('third');
  await expect.poll(told, { timeout: 5_000 }).toBe(2);
  expect(await session.names()).toEqual(['up__third']);
  // one list for the start, one for each change, and one for what came while the second was fetched
  expect(upstream.of('tools/list').length).toBeLessThanOrEqual(4);
  await stream.close();
});
