/** Catalogs of an earlier run: known at once, fetched again, announced only where they differ. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Catalog, Snapshot } from '../../src/upstreams/catalog.ts';
import type { CatalogShelf } from '../../src/upstreams/catalog-settings.ts';
import { CatalogStore, NO_AUDIENCE } from '../../src/upstreams/catalog-store.ts';
import type { Link } from '../../src/upstreams/link.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { openScripted } from './scripted-wire.ts';

/** What each upstream lists; nothing where it is down. */
let tools: Record<string, readonly string[] | undefined>;
/** What outlives the runs, by upstream and audience. */
const kept = new Map<string, Snapshot>();
let saves: string[];
let fetches: string[];
let changes: Catalog[];
let lines: LogLine[];
let store: CatalogStore;
const links: Link[] = [];

const shelf: CatalogShelf = {
  load: (upstream, audience) => kept.get(`${upstream} ${audience}`),
  save: (upstream, audience, catalog) => {
    saves.push(`${upstream} ${audience}`);
    kept.set(`${upstream} ${audience}`, catalog);
  },
};

/** Begins a run. */
function begin(shared: readonly string[] = []): void {
  store?.close();
  const memory = memoryLog();
  [lines, saves, fetches, changes] = [memory.lines, [], [], []];
  store = new CatalogStore({
    upstreams: new Map(
      Object.keys(tools).map((name) => [name, { shared: shared.includes(name), starts: false, identity: name }]),
    ),
    limits: { maxPages: 10, maxItems: 10 },
    refresh: 60_000,
    log: memory.log,
    shelf,
    retryIn: () => 0,
    mask: (_, text) => text,
    changed: (catalog) => void (catalog && changes.push(catalog)),
    link: async (upstream, audience) => {
      fetches.push(`${upstream} ${audience}`);
      const list = tools[upstream];
      if (!list) throw new Error('it is down');
      const script = ({ method = '' }) =>
        method === 'tools/list' ? { tools: list.map((name) => ({ name })) } : undefined;
      const { link } = await openScripted({ upstream, script });
      links.push(link);
      return link;
    },
  });
}

const known = (audience = NO_AUDIENCE): Record<string, string[]> =>
  Object.fromEntries(store.known(audience).map((c) => [c.upstream, c.items.tools.map((t) => t.name)]));

/** Waits until every upstream has been asked again, whatever came of it. */
const refreshed = (audience = NO_AUDIENCE): Promise<unknown> =>
  Promise.all(Object.keys(tools).map((name) => store.refresh(name, audience)));

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  tools = { a: ['a1'], b: ['b1', 'b2'] };
  kept.clear();
  begin();
  await store.settled(NO_AUDIENCE, 5_000);
});

afterEach(async () => {
  store.close();
  // the timer of a link for its calls ends with it
  await Promise.all(links.splice(0).map((link) => link.close()));
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

test('what is fetched is kept', () => {
  expect(saves.sort()).toEqual(['a ', 'b ']);
});

describe('the next run', () => {
  test('knows everything at once, and has asked nobody for it', () => {
    tools = { a: undefined, b: undefined };
    begin();
    expect(known()).toEqual({ a: ['a1'], b: ['b1', 'b2'] });
    expect(store.missing(NO_AUDIENCE)).toEqual([]);
    expect(store.server('b')?.info).toEqual({ name: 'scripted', version: '1' });
    const generations = store.known(NO_AUDIENCE).map(({ generation }) => generation);
    expect(new Set(generations).size).toBe(2);
    expect(store.generation).toBe(Math.max(...generations));
    expect([fetches, changes]).toEqual([[], []]);
  });

  test('waits for nobody; the first use begins one fetch of each', async () => {
    begin();
    const settled = store.settled(NO_AUDIENCE, 5_000);
    store.revalidate(NO_AUDIENCE);
    store.revalidate(NO_AUDIENCE);
    await settled;
    expect(fetches).toEqual(['a ', 'b ']);
    expect(lines).toEqual([]);
    await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'upstream ready')).toHaveLength(2));
    store.revalidate(NO_AUDIENCE);
    expect(fetches).toHaveLength(2);
  });

  test('tells of nothing when nothing has changed, and everything keeps its generation', async () => {
    begin();
    const { generation } = store;
    await refreshed();
    expect(fetches).toHaveLength(2);
    expect([changes, store.generation]).toEqual([[], generation]);
  });

  test('tells of what has changed, and keeps that', async () => {
    tools = { a: ['new'], b: ['b1', 'b2'] };
    begin();
    expect(known().a).toEqual(['a1']);
    await refreshed();
    expect(known().a).toEqual(['new']);
    expect(changes.map(({ upstream }) => upstream)).toEqual(['a']);
    begin();
    expect(known().a).toEqual(['new']);
  });

  test('lists what is down as it was, tries it ever less often, and finds it when it is back', async () => {
    tools = { a: undefined, b: ['b1', 'b2'] };
    begin();
    await store.settled(NO_AUDIENCE, 5_000);
    await vi.waitFor(() => expect(lines).toContainEqual(expect.objectContaining({ problem: 'it is down' })));
    expect([known().a, store.missing(NO_AUDIENCE)]).toEqual([['a1'], []]);
    store.revalidate(NO_AUDIENCE);
    expect(fetches.filter((fetch) => fetch === 'a ')).toHaveLength(1);
    tools.a = ['a1', 'a2'];
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => expect(known().a).toEqual(['a1', 'a2']));
    expect(changes.map(({ upstream }) => upstream)).toEqual(['a']);
  });

  test('waits for an upstream of which nothing was kept', async () => {
    tools = { a: ['a1'], c: ['c1'] };
    begin();
    expect(known()).toEqual({ a: ['a1'] });
    await store.settled(NO_AUDIENCE, 5_000);
    expect(known()).toEqual({ a: ['a1'], c: ['c1'] });
  });
});

test('each audience has what was kept of it; upstreams that all share have one for all', async () => {
  begin(['b']);
  await store.settled('rich', 5_000);
  await refreshed('rich');
  expect(new Set(saves)).toEqual(new Set(['a rich', 'b ']));
  begin(['b']);
  expect(known('rich')).toEqual({ a: ['a1'], b: ['b1', 'b2'] });
  for (const key of ['a ', 'a rich']) kept.delete(key);
  begin(['b']);
  // of one that was kept for others alone, that stands until it has answered
  expect(known('poor')).toEqual({ b: ['b1', 'b2'] });
  kept.set('a ', { ...kept.get('b ')!, upstream: 'a' });
  begin(['b']);
  expect(known('poor')).toEqual({ a: ['b1', 'b2'], b: ['b1', 'b2'] });
});
