/** How the gateway stops: it takes no new work and finishes what it has. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBlackHole } from '../fixtures/black-hole.ts';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { firstText, Session } from './client.ts';
import { exchange } from './exchange.ts';
import { event, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

let upstream: ScriptedUpstream;
let answer: (() => void) | undefined;

beforeAll(async () => {
  upstream = await startUpstream({
    tools: [tool('wait')],
    handlers: {
      'tools/call': ({ id }, res) => {
        answer = () => {
          event(res, { jsonrpc: '2.0', id, result: textResult('finished') });
          res.end();
        };
        return undefined;
      },
    },
  });
});

afterAll(async () => {
  await upstream?.close();
});

/** A gateway that was told to stop while it has one call in progress. */
async function stopping(drainTimeout: string) {
  answer = undefined;
  const config = { server: { port: 0, drainTimeout }, upstreams: { up: { url: upstream.url } } };
  const gateway = await startGateway({ config });
  const session = await Session.open(gateway.url);
  const standalone = await session.listen();
  const reply = session.call('up__wait', {}, { id: 1 });
  await expect.poll(() => answer).toBeDefined();
  const stopped = gateway.stop();
  await gateway.waitForLog(({ msg }) => msg === 'stopping');
  return { gateway, session, standalone, reply, stopped };
}

/** The sessions that the gateway has had with the upstream, and of those the ones that were ended. */
const upstreamSessions = () => {
  const had = new Set(upstream.received.flatMap(({ headers }) => headers['mcp-session-id'] ?? []));
  return { had: [...had].sort(), ended: [...new Set(upstream.ended)].sort() };
};

const statusOf = async ({ url }: Gateway, path: string) =>
  (await exchange(new URL(path, url).href, { method: 'GET' })).status;

test('a call in progress is finished; meanwhile nothing new is taken, and it says so', async () => {
  const { gateway, session, reply, stopped } = await stopping('5s');
  expect(await statusOf(gateway, '/healthz')).toBe(200);
  expect(await statusOf(gateway, '/readyz')).toBe(503);
  const refused = await session.post({ jsonrpc: '2.0', id: 2, method: 'ping' });
  expect(refused.status).toBe(503);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(refused.headers.connection).toBe('close');
  answer?.();
  const finished = await reply;
  await finished.ended();
  expect(firstText(finished.response(1).result ?? {})).toBe('finished');
  expect(await stopped).toEqual({ code: 0 });
});

test.each(['5s', '200ms'])('the sessions with upstreams are ended, whether calls finish or not (%s)', async (limit) => {
  const { stopped } = await stopping(limit);
  const { had, ended } = upstreamSessions();
  // a session's own link, beside the one that the lists were fetched over
  expect(had.length).toBeGreaterThan(ended.length + 1);
  if (limit === '5s') answer?.();
  expect(await stopped).toEqual({ code: 0 });
  expect(upstreamSessions()).toEqual({ had, ended: had });
});

test('server.drainTimeout bounds the wait; the upstream is told that the call is off', async () => {
  const before = upstream.of('notifications/cancelled').length;
  const { gateway, standalone, reply, stopped } = await stopping('200ms');
  expect(await stopped).toEqual({ code: 0 });
  const cut = gateway.logs.find(({ msg }) => String(msg).includes('server.drainTimeout'));
  expect(cut).toMatchObject({ calls: 1 });
  await upstream.waitFor('notifications/cancelled', before + 1);
  const cutOff = await reply;
  await cutOff.ended();
  expect(cutOff.response(1).error?.message).toContain('shutting down while tools/call is in progress');
  await standalone.ended();
  expect(standalone.text, 'when to come back').toMatch(/\nretry: 1000\n\n$/);
});

test('an upstream that is still opening does not hold it up', async () => {
  const mute = { ...stdioUpstream('raw-upstream', ['mute']), timeouts: { open: '1m', stop: '100ms' } };
  const config = { lists: { firstWait: 0 }, log: { level: 'debug' }, upstreams: { mute } };
  const gateway = await startGateway({ config });
  await Session.open(gateway.url);
  await gateway.waitForLog(({ msg, upstream: of }) => msg === 'process started' && of === 'mute');
  expect(await gateway.stop()).toEqual({ code: 0 });
});

test('nor does one whose address neither takes nor refuses a connection', async () => {
  const hole = await startBlackHole();
  const upstreams = { hole: { url: hole.url, timeouts: { open: '1m' } } };
  const gateway = await startGateway({ config: { lists: { firstWait: 0 }, upstreams } });
  try {
    await Session.open(gateway.url);
    expect(await gateway.stop()).toEqual({ code: 0 });
  } finally {
    await hole.stop();
  }
});
