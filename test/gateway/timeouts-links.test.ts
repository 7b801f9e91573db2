/** `timeouts.open`, `idle` and `stop` take effect. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFixture, stdioUpstream } from '../fixtures/child.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { itemsOf, Session } from './client.ts';
import { event, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

/** How much later than its time limit an error may come, on a busy machine. */
const SLACK_MS = 3_000;

let healthy: ScriptedUpstream;

beforeAll(async () => {
  healthy = await startUpstream({ tools: [tool('echo')], handlers: { 'tools/call': () => textResult('echo') } });
});

afterAll(async () => {
  await healthy?.close();
});

describe('timeouts.open', () => {
  test('a handshake without an answer: the log names the knob, the others are served', async () => {
    const hanging = await startFixture('raw-upstream', { args: ['mute'] });
    const timeouts = { open: '300ms' };
    const upstreams = {
      muteStdio: { ...stdioUpstream('raw-upstream', ['mute']), timeouts },
      muteHttp: { url: hanging.url, timeouts },
      healthy: { url: healthy.url },
    };
    const own = await startGateway({ config: { lists: { firstWait: '10s' }, upstreams } });
    try {
      const started = performance.now();
      const client = await Session.open(own.url);
      expect(performance.now() - started).toBeLessThan(300 + SLACK_MS);
      expect(itemsOf(await client.result('tools/list'), 'tools')).toHaveLength(1);
      for (const upstream of ['muteStdio', 'muteHttp']) {
        const { problem } = await own.waitForLog((line) => line.upstream === upstream && line.problem !== undefined);
        expect(String(problem)).toMatch(/300 ms \(timeouts\.open\)/);
      }
      expect(await client.callText('healthy__echo')).toBe('echo');
    } finally {
      await own.stop();
      await hanging.stop();
    }
  });

  test('a handshake that stops being answered later: the call gets -32603 that names the knob', async () => {
    const upstream = await startUpstream({ tools: [tool('echo')] });
    const slow = { url: upstream.url, timeouts: { open: '300ms' } };
    const own = await startGateway({ config: { upstreams: { slow, healthy: { url: healthy.url } } } });
    try {
      const client = await Session.open(own.url);
      upstream.script.handlers = { initialize: () => undefined };
      const { error } = await client.request('tools/call', { name: 'slow__echo' });
      expect(error).toMatchObject({ code: -32603, message: expect.stringMatching(/slow.*300 ms.*timeouts\.open/) });
      expect(await client.callText('healthy__echo')).toBe('echo');
    } finally {
      await own.stop();
      await upstream.close();
    }
  });
});

describe('timeouts.idle', () => {
  test('a link that nobody uses is closed, one with a call in progress is not, and the next call opens another', async () => {
    const upstream = await startUpstream({
      tools: [tool('who'), tool('wait')],
      handlers: {
        'tools/call': ({ id, params, headers }, res) => {
          if (params?.name === 'who') return textResult(String(headers['mcp-session-id']));
          answer = () => {
            event(res, { jsonrpc: '2.0', id, result: textResult('waited') });
            res.end();
          };
          return undefined;
        },
      },
    });
    let answer: (() => void) | undefined;
    const idle = { url: upstream.url, timeouts: { idle: '300ms' } };
    const own = await startGateway({ config: { upstreams: { idle } } });
    try {
      const [busy, client] = [await Session.open(own.url), await Session.open(own.url)];
      const busyLink = await busy.callText('idle__who');
      const waiting = busy.callText('idle__wait');
      await expect.poll(() => answer).toBeDefined();
      const first = await client.callText('idle__who');
      await expect.poll(() => upstream.ended, { timeout: 5_000 }).toContain(first);
      expect(upstream.ended).not.toContain(busyLink);
      expect(await client.callText('idle__who')).not.toBe(first);
      answer?.();
      expect(await waiting).toBe('waited');
    } finally {
      await own.stop();
      await upstream.close();
    }
  });
});

describe('timeouts.stop', () => {
  test.each([
    ['100ms', 200, 1_500],
    ['500ms', 1_000, 3_500],
  ])('%s: a process that will not end is killed after twice that', async (stop, least, most) => {
    const stubborn = { ...stdioUpstream('raw-upstream', ['stubborn']), timeouts: { stop } };
    const own = await startGateway({ config: { log: { level: 'debug' }, upstreams: { stubborn } } });
    const { pid } = await own.waitForLog(({ msg }) => msg === 'process started');
    await own.waitForLog(({ msg }) => msg === 'upstream ready');
    const started = performance.now();
    expect(await own.stop()).toEqual({ code: 0 });
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(least);
    expect(took).toBeLessThan(most);
    expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/);
  });
});
