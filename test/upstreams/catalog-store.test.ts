import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Catalog } from '../../src/upstreams/catalog.ts';
import type { CatalogStoreOptions } from '../../src/upstreams/catalog-settings.ts';
import { CatalogStore, NO_AUDIENCE } from '../../src/upstreams/catalog-store.ts';
import type { Link } from '../../src/upstreams/link.ts';
import { memoryLog } from './memory-log.ts';
import { openScripted } from './scripted-wire.ts';

const REFRESH = 60_000;

/** A scripted upstream whose list of tools can be changed, held back and made to fail. */
class Upstream {
  tools: string[];
  /** While set, links do not open. */
  down: string | undefined;
  fetches = 0;
  readonly leases: string[] = [];
  readonly #links: Link[] = [];
  #gate: PromiseWithResolvers<void> | undefined;
  readonly #name: string;

  constructor(name: string, ...tools: string[]) {
    this.#name = name;
    this.tools = tools;
  }

  /** Holds every opening back until it is called. */
  hold(): () => void {
    const gate = Promise.withResolvers<void>();
    this.#gate = gate;
    return () => {
      this.#gate = undefined;
      gate.resolve();
    };
  }

  async link(audience: string): Promise<Link> {
    this.fetches++;
    this.leases.push(audience);
    const tools = this.tools.map((name) => ({ name: audience === 'rich' ? `${name}+` : name }));
    await this.#gate?.promise;
    if (this.down !== undefined) throw new Error(this.down);
    const { link } = await openScripted({
      upstream: this.#name,
      script: ({ method }) => (method === 'tools/list' ? { tools } : undefined),
    });
    this.#links.push(link);
    return link;
  }

  /** Their timers for calls end with them. */
  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }
}

let upstreams: Map<string, Upstream>;
let changes: Catalog[];
let store: CatalogStore;
/** For how long the upstreams are left alone, milliseconds. */
let leftAlone = 0;
let lines: ReturnType<typeof memoryLog>['lines'];

function build(shared: readonly string[] = [], starting: readonly string[] = []): CatalogStore {
  const memory = memoryLog();
  lines = memory.lines;
  const options: CatalogStoreOptions = {
    upstreams: new Map(
      [...upstreams.keys()].map((name) => [
        name,
        { shared: shared.includes(name), starts: starting.includes(name), identity: name },
      ]),
    ),
    limits: { maxPages: 10, maxItems: 10 },
    refresh: REFRESH,
    log: memory.log,
    link: (name, audience) => upstreams.get(name)!.link(audience),
    retryIn: () => leftAlone,
    mask: (_, text) => text,
    changed: (catalog) => void (catalog && changes.push(catalog)),
  };
  return new CatalogStore(options);
}

const known = (audience = NO_AUDIENCE): Record<string, string[]> =>
  Object.fromEntries(store.known(audience).map((c) => [c.upstream, c.items.tools.map((t) => t.name)]));

const up = (name: string): Upstream => upstreams.get(name)!;

beforeEach(() => {
  leftAlone = 0;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  upstreams = new Map([
    ['b', new Upstream('b', 'b1')],
    ['a', new Upstream('a', 'a1', 'a2')],
  ]);
  changes = [];
  store = build();
});

afterEach(async () => {
  store.close();
  await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

describe('the first time', () => {
  test('everything is fetched once, and known in the order of the config', async () => {
    expect(store.missing(NO_AUDIENCE)).toEqual([
      { upstream: 'b', problem: undefined },
      { upstream: 'a', problem: undefined },
    ]);
    await store.settled(NO_AUDIENCE, 5_000);
    expect(store.known(NO_AUDIENCE).map((c) => c.upstream)).toEqual(['b', 'a']);
    expect(known()).toEqual({ a: ['a1', 'a2'], b: ['b1'] });
    expect(store.missing(NO_AUDIENCE)).toEqual([]);
    expect(store.server('a')?.info).toEqual({ name: 'scripted', version: '1' });
    expect(store.server('nobody')).toBeUndefined();
  });

  test('all that wait share one fetch, and later ones need none', async () => {
    const release = up('a').hold();
    const waiting = Promise.all([1, 2, 3].map(() => store.settled(NO_AUDIENCE, 5_000)));
    release();
    await waiting;
    await store.settled(NO_AUDIENCE, 5_000);
    expect([up('a').fetches, up('b').fetches]).toEqual([1, 1]);
  });

  test('#71 a slow upstream delays the lists no longer than asked, and is added when it comes', async () => {
    const release = up('a').hold();
    const settled = store.settled(NO_AUDIENCE, 200);
    await vi.advanceTimersByTimeAsync(200);
    await settled;
    expect(known()).toEqual({ b: ['b1'] });
    expect(store.missing(NO_AUDIENCE)).toEqual([{ upstream: 'a', problem: undefined }]);
    release();
    await vi.waitFor(() => expect(known()).toEqual({ b: ['b1'], a: ['a1', 'a2'] }));
    expect(changes.map((c) => c.upstream)).toEqual(['b', 'a']);
  });

  test('#71 one that is much later than the others is not waited for as long as asked', async () => {
    const release = up('a').hold();
    const settled = store.settled(NO_AUDIENCE, 6_000);
    await vi.waitFor(() => expect(known()).toEqual({ b: ['b1'] }));
    let over = false;
    void settled.then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(900);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(over).toBe(true);
    release();
    await vi.waitFor(() => expect(known()).toEqual({ b: ['b1'], a: ['a1', 'a2'] }));
  });

  test('a process that has to be started is waited for, however much later than the others it is', async () => {
    store.close();
    store = build([], ['a']);
    const release = up('a').hold();
    const settled = store.settled(NO_AUDIENCE, 6_000);
    await vi.waitFor(() => expect(known()).toEqual({ b: ['b1'] }));
    await vi.advanceTimersByTimeAsync(5_000);
    release();
    await settled;
    expect(known()).toEqual({ b: ['b1'], a: ['a1', 'a2'] });
  });

  test('a dead upstream delays nothing once it has failed', async () => {
    up('a').down = 'no such command';
    await store.settled(NO_AUDIENCE, 5_000);
    expect(known()).toEqual({ b: ['b1'] });
    expect(store.missing(NO_AUDIENCE)).toEqual([{ upstream: 'a', problem: 'no such command' }]);
    await store.settled(NO_AUDIENCE, 5_000);
    expect(up('a').fetches).toBe(1);
  });
});

describe('changes', () => {
  beforeEach(() => store.settled(NO_AUDIENCE, 5_000));

  test('a refresh that finds nothing new changes neither generation nor digest, and tells nobody', async () => {
    const before = store.known(NO_AUDIENCE)[1]!;
    const generation = store.generation;
    changes.length = 0;
    await store.refresh('a', NO_AUDIENCE);
    const after = store.known(NO_AUDIENCE)[1]!;
    expect(after).toMatchObject({ digest: before.digest, generation: before.generation });
    expect(store.generation).toBe(generation);
    expect([up('a').fetches, changes]).toEqual([2, []]);
  });

  test('one that finds something new counts on and tells', async () => {
    const before = store.known(NO_AUDIENCE)[1]!;
    const { generation } = store;
    up('a').tools = ['a1'];
    await store.refresh('a', NO_AUDIENCE);
    const after = store.known(NO_AUDIENCE)[1]!;
    expect(after.digest).not.toBe(before.digest);
    expect(after.generation).toBe(generation + 1);
    expect(store.generation).toBe(generation + 1);
    expect(changes.at(-1)).toBe(after);
    expect(before.items.tools).toHaveLength(2);
  });

  test('#75 a change during a fetch leads to exactly one more, however many there are', async () => {
    up('a').fetches = 0;
    const release = up('a').hold();
    const first = store.refresh('a', NO_AUDIENCE);
    up('a').tools = ['changed'];
    const more = Array.from({ length: 10 }, () => store.refresh('a', NO_AUDIENCE));
    release();
    await Promise.all([first, ...more]);
    expect(up('a').fetches).toBe(2);
    expect(known().a).toEqual(['changed']);
    await store.refresh('a', NO_AUDIENCE);
    expect(up('a').fetches).toBe(3);
  });

  test('an upstream or audience nobody knows is no error', async () => {
    await store.refresh('nobody', NO_AUDIENCE);
    await store.refresh('a', 'nobody');
    expect(up('a').fetches).toBe(1);
  });

  test('what is old is fetched again in the background, what is not is left', async () => {
    await vi.advanceTimersByTimeAsync(REFRESH);
    store.revalidate(NO_AUDIENCE);
    expect(up('a').fetches).toBe(1);
    up('a').tools = ['new'];
    await vi.advanceTimersByTimeAsync(1);
    store.revalidate(NO_AUDIENCE);
    expect(known().a).toEqual(['a1', 'a2']);
    await vi.waitFor(() => expect(known().a).toEqual(['new']));
    store.revalidate(NO_AUDIENCE);
    expect(up('a').fetches).toBe(2);
  });
});

describe('failures', () => {
  test('are tried again after a second, then less and less often, at most every minute', async () => {
    up('a').down = 'down';
    await store.settled(NO_AUDIENCE, 5_000);
    let fetches = 1;
    for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await vi.advanceTimersByTimeAsync(wait - 1);
      expect(up('a').fetches, `before ${wait} ms`).toBe(fetches);
      await vi.advanceTimersByTimeAsync(1);
      expect(up('a').fetches, `after ${wait} ms`).toBe(++fetches);
    }
    expect(lines.filter((l) => l.msg === 'upstream is not available')).toHaveLength(1);
  });

  test('end with the first success: the list is there, and told', async () => {
    up('a').down = 'down';
    await store.settled(NO_AUDIENCE, 5_000);
    up('a').down = undefined;
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => expect(known().a).toEqual(['a1', 'a2']));
    expect(store.missing(NO_AUDIENCE)).toEqual([]);
    expect(changes.at(-1)?.upstream).toBe('a');
    up('a').down = 'down again';
    await store.refresh('a', NO_AUDIENCE);
    const { fetches } = up('a');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(up('a').fetches, 'the wait begins anew').toBe(fetches + 1);
  });

  test('keep what was known before', async () => {
    await store.settled(NO_AUDIENCE, 5_000);
    up('a').down = 'down';
    await store.refresh('a', NO_AUDIENCE);
    expect(known().a).toEqual(['a1', 'a2']);
    expect(store.missing(NO_AUDIENCE)).toEqual([]);
  });
});

describe('audiences', () => {
  test('have catalogs of their own, fetched over links of their own', async () => {
    await store.settled(NO_AUDIENCE, 5_000);
    await store.settled('rich', 5_000);
    await vi.waitFor(() => expect(known('rich')).toEqual({ a: ['a1+', 'a2+'], b: ['b1+'] }));
    expect(known()).toEqual({ a: ['a1', 'a2'], b: ['b1'] });
    expect(up('a').leases).toEqual([NO_AUDIENCE, 'rich']);
    up('a').tools = ['x'];
    await store.refresh('a', 'rich');
    expect([known().a, known('rich').a]).toEqual([['a1', 'a2'], ['x+']]);
  });

  test('wait for no upstream that is known: what others are listed stands until it has answered', async () => {
    await store.settled(NO_AUDIENCE, 5_000);
    changes.length = 0;
    const releases = ['a', 'b'].map((name) => up(name).hold());
    await store.settled('rich', 5_000);
    expect(known('rich')).toEqual({ a: ['a1', 'a2'], b: ['b1'] });
    expect([store.missing('rich'), changes]).toEqual([[], []]);
    // whoever looks for more than that waits until they have said it
    const sure = store.sure('rich', 5_000);
    expect(store.unsure('rich')).toBe(true);
    for (const release of releases) release();
    await sure;
    expect(store.unsure('rich')).toBe(false);
    await vi.waitFor(() => expect(known('rich')).toEqual({ a: ['a1+', 'a2+'], b: ['b1+'] }));
    expect(changes.map(({ upstream }) => upstream).sort()).toEqual(['a', 'b']);
  });

  test('wait for one that nobody knows as long as the first who asked', async () => {
    const release = up('a').hold();
    const first = store.settled(NO_AUDIENCE, 500);
    await vi.advanceTimersByTimeAsync(500);
    await first;
    const second = store.settled('rich', 500);
    await vi.advanceTimersByTimeAsync(0);
    await second;
    expect(store.missing('rich').map(({ upstream }) => upstream)).toEqual(['a']);
    release();
    await vi.waitFor(() => expect(store.missing('rich')).toEqual([]));
  });

  test('share the catalog of an upstream whose links are shared', async () => {
    store.close();
    store = build(['a']);
    await store.settled('rich', 5_000);
    await store.settled(NO_AUDIENCE, 5_000);
    expect(up('a').leases).toEqual([NO_AUDIENCE]);
    expect(known('rich').a).toEqual(['a1', 'a2']);
    up('a').tools = ['x'];
    await store.refresh('a', 'rich');
    expect([known().a, known('rich').a]).toEqual([['x'], ['x']]);
  });

  test('are bounded: the one unused for longest is forgotten, the common one never', async () => {
    await store.settled(NO_AUDIENCE, 5_000);
    await store.settled('first', 5_000);
    await store.settled('second', 5_000);
    for (let i = 0; i < 29; i++) await store.settled(`other ${i}`, 5_000);
    store.known('first');
    await store.settled('one too many', 5_000);
    const { fetches } = up('a');
    await store.settled('first', 5_000);
    await store.settled(NO_AUDIENCE, 5_000);
    expect(up('a').fetches).toBe(fetches);
    await store.settled('second', 5_000);
    expect(up('a').fetches).toBe(fetches + 1);
    const fetched = up('a').fetches + up('b').fetches;
    // one that was forgotten meanwhile is not stored
    await vi.waitFor(() =>
      expect(lines.filter(({ msg }) => msg === 'upstream ready').length).toBeGreaterThanOrEqual(fetched - 2),
    );
  });
});

describe('closing', () => {
  test('during a fetch: nothing is stored or told, nothing is tried again', async () => {
    const release = up('a').hold();
    const settled = store.settled(NO_AUDIENCE, 5_000);
    await vi.waitFor(() => expect(known()).toEqual({ b: ['b1'] }));
    store.close();
    release();
    await settled;
    expect(known()).toEqual({ b: ['b1'] });
    await store.refresh('a', NO_AUDIENCE);
    expect(up('a').fetches).toBe(1);
  });

  test('during a failing fetch: no retry is left behind', async () => {
    up('a').down = 'down';
    const release = up('a').hold();
    const settled = store.settled(NO_AUDIENCE, 5_000);
    store.close();
    release();
    await settled;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(up('a').fetches).toBe(1);
  });
});
