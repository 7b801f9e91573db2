/** The members that results of one era have and those of the other must not have, over HTTP and for every method. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { ModernClient } from './modern-client.ts';
import { type ScriptedModern, startModern } from './scripted-modern.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const KEY = 'io.modelcontextprotocol';
const PROMPT = { messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }] };
const COMPLETION = { completion: { values: ['a'] } };
const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];
const offered = (scheme: string) => ({
  tools: [tool('one')],
  prompts: [{ name: 'ask' }],
  resources: [{ uri: `${scheme}://1`, name: 'one' }],
});
const contents = (scheme: string) => ({ contents: [{ uri: `${scheme}://1`, text: 'there' }] });

let legacy: ScriptedUpstream;
let modern: ScriptedModern;
let gateway: Gateway;

/** What a modern server says of itself in every result, and of caching. */
const MODERN_ONLY = {
  _meta: { [`${KEY}/serverInfo`]: { name: 'scripted', version: '7.7.7' } },
  ttlMs: 4_321,
  cacheScope: 'public',
};

beforeAll(async () => {
  legacy = await startUpstream({
    ...offered('l'),
    resourceTemplates: [],
    capabilities: { completions: {} },
    handlers: {
      'tools/call': () => textResult('done'),
      'prompts/get': () => PROMPT,
      'resources/read': () => contents('l'),
      'completion/complete': () => COMPLETION,
    },
  });
  modern = await startModern({
    ...offered('m'),
    capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} },
    handlers: {
      'prompts/list': () => ({ prompts: [{ name: 'ask' }], ...MODERN_ONLY }),
      'tools/call': () => ({ ...textResult('done'), ...MODERN_ONLY }),
      'prompts/get': () => ({ ...PROMPT, ...MODERN_ONLY }),
      'resources/read': () => ({ ...contents('m'), ...MODERN_ONLY }),
      'completion/complete': () => ({ ...COMPLETION, ...MODERN_ONLY }),
    },
  });
  gateway = await startGateway({ config: { upstreams: { old: { url: legacy.url }, new: { url: modern.url } } } });
});
afterAll(async () => {
  await gateway?.stop();
  await legacy?.close();
  await modern?.close();
});

const requests = (upstream: 'old' | 'new'): [string, object][] => {
  const ref = { type: 'ref/prompt', name: `${upstream}__ask` };
  return [
    ['tools/call', { name: `${upstream}__one`, arguments: {} }],
    ['prompts/get', { name: `${upstream}__ask` }],
    ['resources/read', { uri: upstream === 'old' ? 'l://1' : 'm://1' }],
    ['completion/complete', { ref, argument: { name: 'a', value: '' } }],
  ];
};

describe('#91 every result for a modern client', () => {
  const isCacheable = { ttlMs: expect.any(Number), cacheScope: expect.stringMatching(/^(public|private)$/) };

  test.each(['server/discover', ...LISTS])('%s says what it is, how long it is good, and for whom', async (method) => {
    const result = await new ModernClient(gateway.url).result(method);
    expect(result).toMatchObject({ resultType: 'complete', ...isCacheable });
    expect(Number.isInteger(result.ttlMs) && Number(result.ttlMs) >= 0).toBe(true);
  });

  test.each([...requests('old'), ...requests('new')])(
    '%s %j says what it is, and who answers',
    async (method, params) => {
      const result = await new ModernClient(gateway.url).result(method, { params: params as Record<string, unknown> });
      expect(result.resultType).toBe('complete');
      const info = (result._meta as Record<string, { name: string; version: string }> | undefined)?.[
        `${KEY}/serverInfo`
      ];
      expect(info).toMatchObject({ name: expect.any(String) });
      expect(info?.version).not.toBe('7.7.7');
      if (method === 'resources/read') expect(result).toMatchObject(isCacheable);
    },
  );

  test('a read is as good as its upstream says; where that says nothing it is good for nobody else', async () => {
    const client = new ModernClient(gateway.url);
    expect(await client.result('resources/read', { params: { uri: 'm://1' } })).toMatchObject({
      ttlMs: 4_321,
      cacheScope: 'public',
    });
    expect(await client.result('resources/read', { params: { uri: 'l://1' } })).toMatchObject({
      ttlMs: 0,
      cacheScope: 'private',
    });
  });
});

describe('#132 nothing modern is in what a legacy client gets', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('%s', async (version) => {
    const session = await Session.open(gateway.url, { version });
    const texts: [string, string][] = [['initialize', JSON.stringify(session.server)]];
    for (const method of LISTS) texts.push([method, JSON.stringify(await session.result(method))]);
    for (const [method, params] of requests('new'))
      texts.push([method, JSON.stringify(await session.result(method, params))]);
    for (const [method, text] of texts) {
      for (const word of ['resultType', 'ttlMs', 'cacheScope', `${KEY}/`, '2026-07-28'])
        expect([method, word, text.includes(word)]).toEqual([method, word, false]);
    }
    await session.end();
  });

  test.each([-32020, -32021, -32022])('the error %i is told in the words of its era', async (code) => {
    const before = modern.script.handlers!;
    const data = code === -32021 ? { requiredCapabilities: { sampling: {} } } : { supported: ['2026-07-28'] };
    modern.script.handlers = {
      ...before,
      'tools/call': () => ({ error: { code, message: 'no', data }, status: 400 }),
      'prompts/get': () => ({ error: { code, message: 'no', data }, status: 400 }),
    };
    const session = await Session.open(gateway.url);
    const call = await session.request('tools/call', { name: 'new__one' });
    const prompt = await session.request('prompts/get', { name: 'new__ask' });
    expect(prompt.error?.code).toBe(-32603);
    if (code === -32021)
      expect(call.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('sampling') }] });
    else expect(call.error?.code).toBe(-32603);
    await session.end();
    modern.script.handlers = before;
  });
});

describe('#92 a merged list', () => {
  test.each([
    ['public', 9_000, 'public', 5_000, 'public', 5_000],
    ['public', 3_000, 'private', 9_000, 'private', 3_000],
    ['private', 9_000, 'private', 8_000, 'private', 8_000],
  ])('of %s (%i ms) and %s (%i ms) is %s and good for %i ms at most, on every page', async (...row) => {
    const [oneScope, oneMs, otherScope, otherMs, scope, most] = row;
    const one = await startModern({ tools: [tool('a'), tool('b')], caching: { cacheScope: oneScope, ttlMs: oneMs } });
    const other = await startModern({ tools: [tool('c')], caching: { cacheScope: otherScope, ttlMs: otherMs } });
    const merged = await startGateway({
      config: {
        lists: { pageSize: 1, firstWait: '60s' },
        upstreams: { one: { url: one.url }, other: { url: other.url } },
      },
    });
    try {
      const client = new ModernClient(merged.url);
      const pages: Record<string, unknown>[] = [];
      let cursor: unknown;
      do {
        const params = cursor === undefined ? {} : { cursor };
        const page = await client.result('tools/list', { params });
        pages.push(page);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(pages.map(({ cacheScope }) => cacheScope)).toEqual([scope, scope, scope]);
      for (const { ttlMs } of pages) {
        expect(Number.isInteger(ttlMs)).toBe(true);
        expect(ttlMs).toBeGreaterThanOrEqual(0);
        expect(ttlMs).toBeLessThanOrEqual(most);
      }
    } finally {
      await merged.stop();
      await Promise.all([one.close(), other.close()]);
    }
  });
});
