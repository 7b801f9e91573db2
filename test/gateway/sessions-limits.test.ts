/** Limits of sessions: each knob of `sessions` takes effect. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { initializeMessage, Session } from './client.ts';
import { exchange } from './exchange.ts';
import { event, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

let upstream: ScriptedUpstream;
let release: (() => void)[] = [];

beforeAll(async () => {
  upstream = await startUpstream({
    tools: [tool('wait')],
    handlers: {
      'tools/call': ({ id }, res) => {
        release.push(() => {
          event(res, { jsonrpc: '2.0', id, result: textResult('released') });
          res.end();
        });
        return undefined;
      },
    },
  });
});

afterAll(async () => {
  await upstream?.close();
});

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** Runs a test against a gateway with these limits. */
async function withLimits(sessions: object, run: (gateway: Gateway) => Promise<void>): Promise<void> {
  release = [];
  const gateway = await startGateway({ config: { sessions, upstreams: { up: { url: upstream.url } } } });
  try {
    await run(gateway);
  } finally {
    await gateway.stop();
  }
}

const closedOf = (name: string, reason: RegExp) => (line: Readonly<Record<string, unknown>>) =>
  line.msg === 'session closed' && line.client === name && reason.test(String(line.reason));

describe('sessions.maxPerPrincipal', () => {
  test('one more → 429 that names the knob; ending one makes room', async () => {
    await withLimits({ maxPerPrincipal: 2 }, async ({ url }) => {
      const [first] = [await Session.open(url), await Session.open(url)];
      const refused = await exchange(url, { body: initializeMessage() });
      expect(refused.status).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(refused.headers).not.toHaveProperty('mcp-session-id');
      expect(refused.message.error?.message).toContain('sessions.maxPerPrincipal');
      await first!.end();
      const next = await Session.open(url);
      expect(await next.result('ping')).toEqual({});
      expect((await exchange(url, { body: initializeMessage() })).status).toBe(429);
    });
  });
});

describe('sessions.maxInFlight', () => {
  test('one more request → an error that names the knob; others sessions and later requests are served', async () => {
    await withLimits({ maxInFlight: 2 }, async ({ url }) => {
      const session = await Session.open(url);
      const calls = [session.call('up__wait', {}, { id: 1 }), session.call('up__wait', {}, { id: 2 })];
      await expect.poll(() => release.length).toBe(2);
      const refused = await session.post({ ...PING, id: 3 });
      expect(refused.status).toBe(200);
      expect(refused.response(3).error?.message).toContain('sessions.maxInFlight');
      expect(await (await Session.open(url)).result('ping')).toEqual({});

      release[0]?.();
      await (await calls[0])?.ended();
      expect(await session.result('ping')).toEqual({});
      release[1]?.();
      expect((await calls[1])?.status).toBe(200);
    });
  });

  test('counts the elements of a batch', async () => {
    await withLimits({ maxInFlight: 2 }, async ({ url }) => {
      const session = await Session.open(url, { version: '2025-03-26' });
      const call = (id: number) => ({ ...PING, id, method: 'tools/call', params: { name: 'up__wait' } });
      const reply = session.post([call(1), call(2), call(3)]);
      await expect.poll(() => release.length).toBe(2);
      for (const answer of release) answer();
      const { messages } = await reply;
      expect(messages.filter(({ result }) => result)).toHaveLength(2);
      expect(messages.find(({ error }) => error)?.error?.message).toContain('sessions.maxInFlight');
    });
  });
});

describe('sessions.idleTimeout', () => {
  test('ends what nobody uses; an open stream, a call in progress or traffic keep a session', async () => {
    await withLimits({ idleTimeout: '1s' }, async (gateway) => {
      const { url } = gateway;
      const [listening, calling, used] = await Promise.all(
        ['listening', 'calling', 'used'].map((name) => Session.open(url, { name })),
      );
      const stream = await listening!.listen();
      const call = calling!.call('up__wait');
      await expect.poll(() => release.length).toBe(1);
      const keep = setInterval(() => void used!.post(PING), 100);
      const idle = await Session.open(url, { name: 'idle' });
      try {
        await gateway.waitForLog(closedOf('idle', /idle/));
      } finally {
        clearInterval(keep);
      }

      expect((await idle.post(PING)).status).toBe(404);
      for (const session of [listening, calling, used]) expect((await session!.post(PING)).status).toBe(200);
      release[0]?.();
      await (await call).ended();
      await stream.close();
      await gateway.waitForLog(closedOf('listening', /idle/));
      expect((await listening!.post(PING)).status).toBe(404);
    });
  });
});

describe('sessions.maxAge', () => {
  test('ends a session in use, with its stream and its calls', async () => {
    await withLimits({ maxAge: '1s' }, async (gateway) => {
      const before = upstream.of('notifications/cancelled').length;
      const session = await Session.open(gateway.url, { name: 'old' });
      const stream = await session.listen();
      const call = session.call('up__wait');
      await gateway.waitForLog(closedOf('old', /sessions\.maxAge/));
      await stream.ended();
      const answer = await call;
      await answer.ended();
      expect(answer.messages).toEqual([]);
      await upstream.waitFor('notifications/cancelled', before + 1);
      expect((await session.post(PING)).status).toBe(404);
      expect(await (await Session.open(gateway.url)).result('ping')).toEqual({});
    });
  });
});
