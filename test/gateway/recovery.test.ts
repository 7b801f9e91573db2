/** `recovery.failures`, `firstRetry` and `maxRetry` take effect. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { until } from '../multiplexer/until.ts';
import { Session } from './client.ts';
import { json, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

/** The part of a wait that is left to chance. */
const JITTER = 0.25;
/** How much later than its time something may come, on a busy machine. */
const SLACK_MS = 3_000;

const RULES = {
  few: { failures: 2, firstRetry: '100ms' },
  many: { failures: 4, firstRetry: '100ms' },
  slow: { failures: 2, firstRetry: '600ms' },
  capped: { failures: 4, firstRetry: '100ms', maxRetry: '150ms' },
} as const;

let upstream: ScriptedUpstream;
let gateway: Gateway;
/** When each upstream was asked to open a link while it failed. */
const attempts = new Map<string, number[]>();

beforeAll(async () => {
  upstream = await startUpstream({ tools: [tool('one')], handlers: { 'tools/call': () => textResult('there') } });
  const entries = Object.entries(RULES).map(
    ([name, recovery]) => [name, { url: upstream.url, headers: { 'x-name': name }, recovery }] as const,
  );
  gateway = await startGateway({ config: { upstreams: Object.fromEntries(entries) } });
  await Session.open(gateway.url);
  upstream.script.handlers = {
    ...upstream.script.handlers,
    initialize: ({ headers }, res) => {
      const name = String(headers['x-name']);
      attempts.set(name, [...(attempts.get(name) ?? []), performance.now()]);
      return json(res, '{}', 500);
    },
  };
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

/** A call that needs a new link. */
const call = async (name: string) => (await Session.open(gateway.url)).request('tools/call', { name: `${name}__one` });

const down = (name: string) =>
  gateway.logs.find((line) => line.upstream === name && line.msg === 'upstream is down and left alone for a while');

test.each([
  ['few', 2, 200],
  ['many', 4, 800],
  ['slow', 2, 1_200],
  ['capped', 4, 150],
] as const)('%s: left alone after %i failures, for at most %i ms', async (name, failures, ms) => {
  await until(async () => {
    await call(name);
    return down(name);
  }, `${name} to be down`);
  const { retryInMs, failures: counted } = down(name)!;
  expect(counted).toBe(failures);
  expect(retryInMs).toBeLessThanOrEqual(ms);
  expect(retryInMs).toBeGreaterThanOrEqual(ms * (1 - JITTER));
});

test('firstRetry lies between the first attempt and the second', () => {
  const [first = 0, second = 0] = attempts.get('slow')!;
  expect(second - first).toBeGreaterThan(600 * (1 - JITTER) - 20);
});

test('maxRetry after it is there again, at the latest, it is used again', async () => {
  upstream.script.handlers = { 'tools/call': () => textResult('there') };
  const began = performance.now();
  const back = await until(async () => (await call('capped')).result, 'an answer');
  expect(back).toEqual(textResult('there'));
  expect(performance.now() - began).toBeLessThan(150 + SLACK_MS);
});
