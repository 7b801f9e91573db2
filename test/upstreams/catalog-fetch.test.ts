import { describe, expect, test } from 'vitest';
import { ITEM_KINDS, type ItemKind } from '../../src/upstreams/catalog.ts';
import { type FetchLimits, fetchCatalog } from '../../src/upstreams/catalog-fetch.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { Failure, openScripted, type Script, type Sent } from './scripted-wire.ts';

const ALL = { tools: {}, prompts: {}, resources: {} };
const NO_LIMITS: FetchLimits = { maxPages: 100, maxItems: 1_000 };

const EMPTY: Record<string, object> = {
  'tools/list': { tools: [] },
  'prompts/list': { prompts: [] },
  'resources/list': { resources: [] },
  'resources/templates/list': { resourceTemplates: [] },
};

/** Fetches the catalog of an upstream that answers lists as the script says, and with nothing where it says nothing. */
async function fetched(script: Script, limits = NO_LIMITS, capabilities: object = ALL) {
  const { log, lines } = memoryLog();
  const { link, wire } = await openScripted({
    capabilities,
    script: (sent) => (sent.method === 'initialize' ? undefined : (script(sent) ?? EMPTY[sent.method ?? ''])),
  });
  const catalog = await fetchCatalog(link, limits, log);
  const asked = wire.sent.filter((sent) => sent.method?.endsWith('/list'));
  return { catalog, asked, lines };
}

const names = (catalog: { items: Record<ItemKind, readonly { name: string }[]> }, kind: ItemKind): string[] =>
  catalog.items[kind].map((item) => item.name);

/** Pages of tools: `pages[n]` is the answer to the cursor `n`. */
const toolPages =
  (pages: readonly object[]): Script =>
  ({ method, params }) =>
    method === 'tools/list' ? pages[Number(params?.cursor ?? 0)] : undefined;

const tools = (...list: string[]): object[] => list.map((name) => ({ name, inputSchema: { type: 'object' } }));

const warnings = (lines: readonly LogLine[]): LogLine[] => lines.filter((line) => line.level === 40);

describe('items', () => {
  test('of all four kinds are named by their key', async () => {
    const answers: Record<string, object> = {
      'tools/list': { tools: [{ name: 't' }] },
      'prompts/list': { prompts: [{ name: 'p' }] },
      'resources/list': { resources: [{ uri: 'note://r', name: 'ignored' }] },
      'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'note://{x}', name: 'ignored' }] },
    };
    const { catalog } = await fetched(({ method }) => answers[method ?? '']);
    const found = (Object.keys(ITEM_KINDS) as ItemKind[]).map((kind) => names(catalog, kind));
    expect(found).toEqual([['t'], ['p'], ['note://r'], ['note://{x}']]);
    expect(catalog).toMatchObject({ upstream: 'up', server: { info: { name: 'scripted' } } });
  });

  test('are kept as the bytes that came, with the place of the name', async () => {
    const item = { inputSchema: { 'x-unknown': 1.5, $ref: '#/a' }, name: 'größe', _meta: { big: 1e21 } };
    const { catalog } = await fetched(toolPages([{ tools: [item] }]));
    const { raw, nameAt, name } = catalog.items.tools[0]!;
    expect(raw.toString()).toBe(JSON.stringify(item));
    expect([name, raw.toString('utf8', nameAt.start, nameAt.end)]).toEqual(['größe', '"größe"']);
  });

  test('without a proper name are left out, with a warning; the others stay', async () => {
    const list = [{ title: 'no name' }, { name: 5 }, 'text', null, ...tools('good')];
    const { catalog, lines } = await fetched(toolPages([{ tools: list }]));
    expect(names(catalog, 'tools')).toEqual(['good']);
    expect(warnings(lines)).toHaveLength(4);
  });

  test('references to user interfaces are found in both spellings', async () => {
    const item = { name: 'a', _meta: { ui: { resourceUri: 'ui://a/1' }, 'ui/resourceUri': 'ui://a/2' } };
    const none = { name: 'b', _meta: { ui: 'ui://b', 'ui/resourceUri': 7 } };
    const { catalog } = await fetched(toolPages([{ tools: [item, none] }]));
    const [a, b] = catalog.items.tools;
    expect(a!.ui.map((u) => u.uri).sort()).toEqual(['ui://a/1', 'ui://a/2']);
    for (const { start, end, uri } of a!.ui) expect(a!.raw.toString('utf8', start, end)).toBe(JSON.stringify(uri));
    expect(b!.ui).toEqual([]);
  });

  test('a list that is no list is empty', async () => {
    const { catalog } = await fetched(toolPages([{ tools: { name: 'x' } }]));
    expect(names(catalog, 'tools')).toEqual([]);
  });
});

describe('pages', () => {
  test('are all followed, in order', async () => {
    const pages = [{ tools: tools('a', 'b'), nextCursor: '1' }, { tools: [], nextCursor: '2' }, { tools: tools('c') }];
    const { catalog, asked } = await fetched(toolPages(pages));
    expect(names(catalog, 'tools')).toEqual(['a', 'b', 'c']);
    const cursors = asked.filter((s: Sent) => s.method === 'tools/list').map((s) => s.params);
    expect(cursors).toEqual([{}, { cursor: '1' }, { cursor: '2' }]);
  });

  test.each([{ nextCursor: null }, { nextCursor: 5 }, { nextCursor: {} }])(
    'end at %j, which is no cursor',
    async (end) => {
      const { catalog } = await fetched(toolPages([{ tools: tools('a'), ...end }]));
      expect(names(catalog, 'tools')).toEqual(['a']);
    },
  );

  test('an empty cursor is a cursor', async () => {
    const { asked } = await fetched(({ method, params }) =>
      method === 'tools/list' ? { tools: [], ...(params?.cursor === '' ? {} : { nextCursor: '' }) } : undefined,
    );
    expect(asked.filter((s) => s.method === 'tools/list')).toHaveLength(2);
  });

  test('#68 a repeating cursor ends the list, with a warning', async () => {
    const loop = { tools: tools('a'), nextCursor: '1' };
    const { catalog, lines } = await fetched(toolPages([loop, { tools: tools('b'), nextCursor: '1' }]));
    expect(names(catalog, 'tools')).toEqual(['a', 'b']);
    expect(warnings(lines)).toMatchObject([{ reason: 'the upstream repeats a cursor', method: 'tools/list' }]);
  });

  test.each([
    ['lists.maxPages', { maxPages: 3, maxItems: 1_000 }, 3, 'lists.maxPages (3) reached'],
    ['lists.maxItems', { maxPages: 100, maxItems: 5 }, 5, 'lists.maxItems (5) reached'],
  ])('%s bounds an endless list, and the log says so', async (_, limits, items, reason) => {
    let n = 0;
    const { catalog, lines } = await fetched(
      ({ method }) => (method === 'tools/list' ? { tools: tools(`t${n++}`), nextCursor: `c${n}` } : undefined),
      limits,
    );
    expect(catalog.items.tools).toHaveLength(items);
    expect(warnings(lines)).toMatchObject([{ reason, items }]);
  });

  test('lists.maxItems bounds a single page as well; a list of exactly that many is complete', async () => {
    const page = { tools: tools('a', 'b', 'c', 'd') };
    const limits = (maxItems: number): FetchLimits => ({ maxPages: 100, maxItems });
    const cut = await fetched(toolPages([page]), limits(3));
    expect(names(cut.catalog, 'tools')).toEqual(['a', 'b', 'c']);
    expect(warnings(cut.lines)).toMatchObject([{ reason: 'lists.maxItems (3) reached' }]);
    const whole = await fetched(toolPages([page]), limits(4));
    expect(whole.catalog.items.tools).toHaveLength(4);
    expect(warnings(whole.lines)).toEqual([]);
  });
});

describe('what is asked', () => {
  test('only for what the upstream declares', async () => {
    const { asked, catalog } = await fetched(() => undefined, NO_LIMITS, { prompts: {}, logging: {} });
    expect(asked.map((s) => s.method)).toEqual(['prompts/list']);
    expect(catalog.items.tools).toEqual([]);
  });

  test('a list that the upstream does not know is empty; the others stay', async () => {
    const { catalog } = await fetched(({ method }) => {
      if (method === 'resources/templates/list') return new Failure(-32601, 'Method not found');
      return method === 'resources/list' ? { resources: [{ uri: 'a:b' }] } : undefined;
    });
    expect([names(catalog, 'resources'), names(catalog, 'resourceTemplates')]).toEqual([['a:b'], []]);
  });

  test('any other failure of a list fails the whole: half a catalog would look like items that were removed', async () => {
    const broken = fetched(({ method }) =>
      method === 'prompts/list' ? new Failure(-32603, 'database gone') : undefined,
    );
    await expect(broken).rejects.toThrow('database gone');
  });
});

describe('the digest', () => {
  const digest = async (page: object, capabilities: object = ALL): Promise<string> =>
    (await fetched(toolPages([page]), NO_LIMITS, capabilities)).catalog.digest;

  test('is equal for equal content and different for any other', async () => {
    const page = { tools: tools('a', 'b') };
    const base = await digest(page);
    expect(await digest({ tools: tools('a', 'b') })).toBe(base);
    const others = await Promise.all([
      digest({ tools: tools('b', 'a') }),
      digest({ tools: tools('a') }),
      digest({ tools: [...tools('a'), { ...tools('b')[0], description: 'new' }] }),
      digest({ ...page, ttl: 5 }),
      digest(page, { ...ALL, logging: {} }),
    ]);
    expect(new Set([base, ...others]).size).toBe(6);
  });

  test('further members of a list result are kept as text, those of the first page', async () => {
    const pages = [
      { tools: [], 'x-own': 1.0, ttlMs: 1, cacheScope: 'public', nextCursor: '1', _meta: { a: 'é' } },
      { tools: [], 'x-own': 2, ttlMs: 2 },
    ];
    const { catalog } = await fetched(toolPages(pages));
    expect(catalog.metas.tools).toBe('"a":"é"');
    expect(catalog.caching).toEqual({ tools: { ttlMs: 1, cacheScope: 'public' } });
    expect(catalog.extras).toEqual({
      tools: '"x-own":1',
      prompts: '',
      resources: '',
      resourceTemplates: '',
    });
  });
});
