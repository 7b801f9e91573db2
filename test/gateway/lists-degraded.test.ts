/** Lists while some or all upstreams are not there. */
import { describe, expect, test } from 'vitest';
import { startFixture, stdioUpstream } from '../fixtures/child.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { itemsOf, Session } from './client.ts';
import { startUpstream, textResult, tool } from './scripted-upstream.ts';

const WAIT_MS = 400;
/** How long an answer may take that waits no longer than it has to, on a busy machine. */
const PROMPT_MS = 2_500;
const MUTE = { ...stdioUpstream('raw-upstream', ['mute']), timeouts: { open: '1500ms' } };
const MISSING = { command: 'patchbay-test-no-such-command' };

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  const value = await run();
  return { value, ms: performance.now() - started };
}

describe('some upstreams are not there', () => {
  test('#71 the list comes after lists.firstWait with the others, and each of them works', async () => {
    const [one, two] = [
      await startUpstream({ tools: [tool('here')] }),
      await startUpstream({ tools: [tool('there')] }),
    ];
    one.script.handlers = { 'tools/call': () => textResult('from one') };
    two.script.handlers = { 'tools/call': () => textResult('from two') };
    const refused = { url: 'http://127.0.0.1:1/mcp' };
    const upstreams = { one: { url: one.url }, mute: MUTE, missing: MISSING, refused, two: { url: two.url } };
    const gateway = await startGateway({ config: { lists: { firstWait: `${WAIT_MS}ms` }, upstreams } });
    try {
      const opened = await timed(() => Session.open(gateway.url));
      const session = opened.value;
      const listed = await timed(() => session.names());
      expect(listed.value).toEqual(['one__here', 'two__there']);
      expect(Math.max(opened.ms, listed.ms)).toBeLessThan(PROMPT_MS);
      expect(await session.callText('one__here')).toBe('from one');
      expect(await session.callText('two__there')).toBe('from two');
      for (const method of ['prompts/list', 'resources/list', 'resources/templates/list']) {
        const { _meta, ...lists } = await session.result(method);
        expect(Object.values(lists)).toEqual([[]]);
        expect(_meta).toEqual({ 'patchbay/missing': ['mute', 'missing', 'refused'] });
      }
      const unknown = await timed(() => session.request('tools/call', { name: 'missing__any' }));
      expect(unknown.value.error).toMatchObject({ code: -32603, message: expect.stringContaining('is not available') });
      expect(unknown.ms).toBeLessThan(PROMPT_MS);

      for (const [upstream, says] of [
        ['missing', /patchbay-test-no-such-command/],
        ['refused', /nobody listens at its address/],
      ] as const) {
        await gateway.waitForLog((line) => line.upstream === upstream && says.test(String(line.problem)));
      }
    } finally {
      await gateway.stop();
      await one.close();
      await two.close();
    }
  });

  test('lists.firstWait is how long the first list waits', async () => {
    const opening = async (firstWait: string) => {
      const gateway = await startGateway({ config: { lists: { firstWait }, upstreams: { mute: MUTE } } });
      return timed(() => Session.open(gateway.url)).finally(() => gateway.stop());
    };
    expect((await opening('1s')).ms).toBeGreaterThan(900);
    expect((await opening('0ms')).ms).toBeLessThan(900);
  });

  test('#71 one that comes later: list_changed, and its items in their place', async () => {
    const there = await startUpstream({ tools: [tool('here')] });
    // a port that was free a moment ago
    const late = await startFixture('raw-upstream', { args: ['plain'] });
    await late.stop();
    const upstreams = { late: { url: late.url }, there: { url: there.url } };
    const gateway = await startGateway({ config: { lists: { firstWait: `${WAIT_MS}ms` }, upstreams } });
    const session = await Session.open(gateway.url);
    const stream = await session.listen();
    expect(await session.names()).toEqual(['there__here']);
    const arrived = await startFixture('raw-upstream', { port: late.port, args: ['plain'] });
    try {
      await expect.poll(() => session.names(), { timeout: 10_000 }).toEqual(['late__raw', 'there__here']);
      await stream.waitFor(({ method }) => method === 'notifications/tools/list_changed');
      expect(await session.callText('late__raw')).toContain('"name":"raw"');
    } finally {
      await stream.close();
      await gateway.stop();
      await arrived.stop();
      await there.close();
    }
  });

  test('one that goes away keeps its items in the list, and comes back into use', async () => {
    const first = await startFixture('raw-upstream', { args: ['plain'] });
    const gateway = await startGateway({ config: { upstreams: { some: { url: first.url } } } });
    const session = await Session.open(gateway.url);
    expect(await session.callText('some__raw')).toContain('tools/call');
    await first.stop();
    const { error } = await session.request('tools/call', { name: 'some__raw' });
    expect(error).toMatchObject({ code: -32603, message: expect.stringMatching(/some/) });
    expect(await session.names()).toEqual(['some__raw']);
    const second = await startFixture('raw-upstream', { port: first.port, args: ['plain'] });
    try {
      expect(await session.callText('some__raw')).toContain('tools/call');
    } finally {
      await gateway.stop();
      await second.stop();
    }
  });
});

describe('#72 no upstream is there', () => {
  test.each([
    ['all of them mute or missing', { mute: MUTE, missing: MISSING }, -32603, 'mute is not available'],
    ['none configured', {}, -32602, 'Unknown tool'],
  ])('%s: initialize works, lists are empty', async (_, upstreams, code, text) => {
    const gateway = await startGateway({ config: { lists: { firstWait: `${WAIT_MS}ms` }, upstreams } });
    try {
      const { value: session, ms } = await timed(() => Session.open(gateway.url));
      expect(ms).toBeLessThan(PROMPT_MS);
      expect(session.server).toMatchObject({ protocolVersion: '2025-11-25', serverInfo: { name: 'patchbay' } });
      expect(itemsOf(await session.result('tools/list'), 'tools')).toEqual([]);
      expect(await session.result('ping')).toEqual({});
      expect((await session.request('tools/call', { name: 'mute__raw' })).error).toMatchObject({
        code,
        message: expect.stringContaining(text),
      });
    } finally {
      await gateway.stop();
    }
  });
});
