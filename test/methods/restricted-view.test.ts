/**
 * What is left of a view by any profile and any policy: everything that names an item finds exactly what is listed, and
 * that is what the rules say, read word by word.
 */
import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Grants } from '../../src/auth/grants.ts';
import { principalOf } from '../../src/auth/principal.ts';
import { Profiles } from '../../src/auth/profiles.ts';
import { parseConfig } from '../../src/config/load.ts';
import { restrictView } from '../../src/methods/restricted-view.ts';
import { buildView, type View } from '../../src/methods/view.ts';
import { ViewCache } from '../../src/methods/view-cache.ts';
import type { Catalog, CatalogItem, ItemKind } from '../../src/upstreams/catalog.ts';
import { ITEM_KINDS } from '../../src/upstreams/catalog.ts';
import { readItem } from '../../src/upstreams/catalog-items.ts';
import type { CatalogStore } from '../../src/upstreams/catalog-store.ts';
import { memoryLog } from '../upstreams/memory-log.ts';
import { groups, policy, profile, type RuleText } from './access-arbitraries.ts';

const KINDS = Object.keys(ITEM_KINDS) as ItemKind[];
const UPSTREAMS = ['docs', 'files', 'a/b'];
const RULES = { prefix: 'always', separator: '__', maxLength: 64 } as const;

const item = (kind: ItemKind, name: string, more: object = {}): CatalogItem => {
  const bytes = Buffer.from(JSON.stringify({ [ITEM_KINDS[kind].key]: name, ...more }));
  return readItem(bytes, { start: 0, end: bytes.length }, kind)!;
};

function catalogOf(upstream: string, generation: number, more: Partial<Record<ItemKind, CatalogItem[]>> = {}): Catalog {
  const none = { tools: '', prompts: '', resources: '', resourceTemplates: '' };
  return {
    upstream,
    generation,
    fetchedAt: 0,
    server: {
      era: 'legacy',
      version: '2025-11-25',
      capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} },
      info: { name: upstream },
      instructions: undefined,
    } as Catalog['server'],
    items: {
      tools: [
        item('tools', 'read', { annotations: { readOnlyHint: true } }),
        item('tools', 'write', { annotations: { destructiveHint: false } }),
        item('tools', 'delete'),
        item('tools', 'show', { _meta: { ui: { resourceUri: `ui://${upstream.replace('/', '-')}/page` } } }),
      ],
      prompts: [item('prompts', 'read'), item('prompts', 'greet')],
      resources: [
        item('resources', `${upstream.replace('/', '-')}:///open`),
        item('resources', `${upstream.replace('/', '-')}:///shut/x`),
      ],
      resourceTemplates: [item('resourceTemplates', `${upstream.replace('/', '-')}:///page/{id}`)],
      ...more,
    },
    extras: none,
    metas: none,
    caching: {},
    digest: '',
  };
}

const catalogs = UPSTREAMS.map((upstream, i) => catalogOf(upstream, i + 1));
const whole = buildView(catalogs, { names: RULES, upstreams: UPSTREAMS }, 1);

function viewFor(
  profile: object,
  policy: readonly RuleText[] | undefined,
  groups: readonly string[],
  of: View = whole,
): View {
  const upstreams = Object.fromEntries(UPSTREAMS.map((name) => [name, { command: 'run' }]));
  const text = JSON.stringify({
    auth: { mode: 'apiKeys' },
    upstreams,
    profiles: { p: profile },
    ...(policy && { policy }),
  });
  const loaded = parseConfig(text, { file: 'x.yaml', env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { config } = loaded;
  const grants = new Grants(new Profiles(config.profiles, config.auth.scopes, '1'), config.policy);
  const grant = grants.of(principalOf({ issuer: 'i', subject: 'ann', scopes: [], groups }), 'p');
  return grant ? restrictView(of, grant, 2) : of;
}

/** The rules as an admin reads them, without the shortcuts of the code; of what is listed and named by nothing else. */
function isMeant(
  upstream: string,
  kind: ItemKind,
  { name, raw }: CatalogItem,
  profile: { include?: readonly string[]; exclude?: readonly string[] },
  policy: readonly RuleText[] | undefined,
  groups: readonly string[],
): boolean {
  const spelled = (glob: string): RegExp =>
    new RegExp(
      `^${glob
        .split('*')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('[^]*')}$`,
    );
  const fits = (globs: readonly string[]): boolean =>
    globs.some((glob) => {
      if (!glob.includes('/') || glob === 'a/b') return glob === upstream || glob === '*';
      const [of, ...rest] = glob.startsWith('a/b/')
        ? ['a/b', glob.slice(4)]
        : [glob.split('/', 1)[0]!, glob.slice(glob.indexOf('/') + 1)];
      return spelled(of!).test(upstream) && spelled(rest.join('/')).test(name);
    });
  if (profile.include && !fits(profile.include)) return false;
  if (profile.exclude && fits(profile.exclude)) return false;
  if (!policy) return true;
  const { annotations = {} } = JSON.parse(raw.toString()) as { annotations?: Record<string, boolean> };
  const readOnly = annotations.readOnlyHint ?? false;
  const destructive = !readOnly && (annotations.destructiveHint ?? true);
  const about = (one: RuleText): boolean => {
    if (one.groups && !one.groups.some((group) => groups.includes(group))) return false;
    if (one.kinds && !one.kinds.includes(kind === 'resourceTemplates' ? 'resources' : kind)) return false;
    if ((one.readOnly !== undefined || one.destructive !== undefined) && kind !== 'tools') return false;
    if (one.readOnly !== undefined && one.readOnly !== readOnly) return false;
    if (one.destructive !== undefined && one.destructive !== destructive) return false;
    return fits(one.allow ?? one.deny!);
  };
  const fitting = policy.filter(about);
  return fitting.some(({ allow }) => allow) && !fitting.some(({ deny }) => deny);
}

describe('for any profile and policy', () => {
  test('what is listed is what can be named, under the names of the whole view', () => {
    fc.assert(
      fc.property(profile, policy, groups, (profile, policy, groups) => {
        const view = viewFor(profile, policy, groups);
        for (const { upstream, items } of catalogs) {
          for (const kind of KINDS) {
            for (const { name } of items[kind]) {
              const listed = view.lists[kind].origins.some(
                (one) => one.upstream === upstream && one.item.name === name,
              );
              expect(view.sees(kind, upstream, name)).toBe(listed);
              if (kind === 'tools' || kind === 'prompts') {
                const exposed = whole[kind].expose(upstream, name)!;
                expect(view[kind].expose(upstream, name)).toBe(listed ? exposed : undefined);
                expect(view[kind].resolve(exposed)).toEqual(listed ? { upstream, name } : undefined);
              } else if (kind === 'resources') {
                expect(view.uris.resolveUri(whole.uris.exposeUri(upstream, name)) !== undefined).toBe(listed);
              } else {
                const exposed = whole.uris.exposeTemplate(upstream, name);
                expect(view.uris.resolveTemplate(exposed) !== undefined).toBe(listed);
              }
              const left = view.catalogs.find((one) => one.upstream === upstream)?.items[kind] ?? [];
              expect(left.some((one) => one.name === name)).toBe(listed);
              if (listed) expect(view.concerns(upstream)).toBe(true);
            }
          }
        }
        for (const kind of KINDS) {
          const list = view.lists[kind];
          const { [kind]: parsed } = JSON.parse(list.result.toString()) as Record<string, object[]>;
          expect(parsed).toEqual(list.items.map((bytes) => JSON.parse(bytes.toString())));
          expect(list.items.length).toBe(list.origins.length);
        }
      }),
    );
  });

  test('it is what the rules say', () => {
    fc.assert(
      fc.property(profile, policy, groups, (profile, policy, groups) => {
        const view = viewFor(profile, policy, groups);
        for (const { upstream, items } of catalogs)
          for (const kind of ['tools', 'prompts', 'resources', 'resourceTemplates'] as const)
            for (const one of items[kind])
              expect([upstream, kind, one.name, view.sees(kind, upstream, one.name)]).toEqual([
                ...[upstream, kind, one.name],
                isMeant(upstream, kind, one, profile, policy, groups),
              ]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('URIs that nobody lists', () => {
  /** Ways to make a path of a URI, as servers do that were not written with care. */
  const readers: Readonly<Record<string, (uri: string) => string>> = {
    'by the book': (uri) => decodeURIComponent(new URL(uri).pathname),
    'by the book, then as a file': (uri) => posix.normalize(decodeURIComponent(new URL(uri).pathname)),
    'the rest of the text': (uri) => posix.normalize(uri.replace(/^[^:]*:(?:\/\/)?/, '/')),
    'the rest of the text, without escapes': (uri) =>
      posix.normalize(decodeURIComponent(uri).replace(/^[^:]*:(?:\/\/)?/, '/')),
    'without escapes, twice': (uri) =>
      posix.normalize(decodeURIComponent(decodeURIComponent(uri)).replace(/^[^:]*:(?:\/\/)?/, '/')),
    'as Windows has it': (uri) =>
      posix.normalize(
        decodeURIComponent(uri)
          .replaceAll('\\', '/')
          .replace(/^[^:]*:(?:\/\/)?/, '/'),
      ),
    'without parameters': (uri) => posix.normalize(uri.replace(/^[^:]*:(?:\/\/)?/, '/').replace(/;[^/]*/g, '')),
  };
  const free = catalogOf('docs', 1, { resourceTemplates: [item('resourceTemplates', 'docs:///free/{+path}')] });
  const withFree = buildView([free, ...catalogs.slice(1)], { names: RULES, upstreams: UPSTREAMS }, 1);
  const piece = fc.constantFrom(
    ...[
      '/',
      '//',
      '..',
      '../',
      '/..',
      '.',
      './',
      '%2e%2e',
      '%2E%2e/',
      '%2f',
      '%5c',
      '\\',
      '..\\',
      '%252e%252e',
      '?',
      '#',
      'x',
    ],
    ...['free', 'shut', '/shut', ';a=1', '..;/', 'x?/', 'x#/', '/x/', 'shut/y'],
  );

  test.each([
    ['include', { include: ['docs/docs:///free/*'] }, 'docs:///free/'],
    ['include by a template', { include: ['docs/docs:///free/{+path}'] }, 'docs:///free/'],
    ['include, the host as a folder', { include: ['docs/docs://free/*'] }, 'docs://free/'],
    ['include, no slashes', { include: ['docs/docs:free/*'] }, 'docs:free/'],
  ])('%s: whoever reads them, nothing outside is reached', (_, profile, begin) => {
    const view = viewFor(profile, undefined, [], withFree);
    let passed = 0;
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const uri = `${begin}${pieces.join('')}`;
        if (!view.sees('resources', 'docs', uri)) return;
        passed++;
        for (const [how, read] of Object.entries(readers)) {
          // where the host is the folder, nobody goes by the path alone
          if (begin === 'docs://free/' && how.startsWith('by the book')) continue;
          let path: string;
          try {
            path = read(uri);
          } catch {
            continue; // it refuses it
          }
          expect([uri, how, /^\/*shut(?:\/|$)/.test(path)]).toEqual([uri, how, false]);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(passed).toBeGreaterThan(20);
  });

  test.each([
    [['docs/docs:///free/*'], [], 'docs:///free/x', true],
    [['docs/docs:///free/*'], [], 'docs:///other', false],
    [['docs/docs:///page/{id}'], [], 'docs:///page/7', true],
    [['docs/docs:///page/{id}'], ['docs/docs:///page/7'], 'docs:///page/7', false],
    [['docs'], ['docs/docs:///page/{id}'], 'docs:///page/7', false],
    [['docs'], ['docs/docs:///page/7*'], 'docs:///page/%37', false],
    [['docs'], ['docs/docs:///shut/*'], 'DOCS:///shut/y', false],
    [['docs'], ['docs/docs:///shut/*'], 'docs:///open/../shut/y', false],
    [['docs'], ['docs/docs:///shut/*'], 'docs:///%2573hut/y', false],
    [['docs/docs:///free/*'], [], 'docs:///free/%2e%2e/shut/x', false],
    [['docs/docs:///free/*'], [], 'docs:///free/%2fx', true],
    [['docs/show'], [], 'ui://docs/page', true],
    [['docs/show'], ['docs/ui://*'], 'ui://docs/page', false],
    [['docs/read'], [], 'ui://docs/page', false],
    [['docs'], [], `docs:///${'x'.repeat(65_000)}`, true],
    [['docs'], [], `docs:///${'x'.repeat(66_000)}`, false],
  ])('include %j, exclude %j: %.60s is seen: %s', (include, exclude, uri, seen) => {
    const view = viewFor({ include, ...(exclude.length > 0 && { exclude }) }, undefined, []);
    expect(view.sees('resources', 'docs', uri)).toBe(seen);
  });

  test('an upstream stays that has them, though nothing is listed', () => {
    expect(viewFor({ include: ['docs/docs:///free/*'] }, undefined, []).catalogs.map((one) => one.upstream)).toEqual([
      'docs',
    ]);
    expect(viewFor({ include: ['docs/nothing'] }, undefined, []).catalogs).toEqual([]);
  });
});

test('views are built once for all whom the same rules are about, and anew when a catalog changes', () => {
  let known = catalogs;
  let generation = 1;
  const store = {
    known: () => known,
    get generation() {
      return generation;
    },
  } as unknown as CatalogStore;
  const cache = new ViewCache(
    store,
    { names: RULES, hosts: [], upstreams: new Map(UPSTREAMS.map((id) => [id, { items: undefined }])) },
    memoryLog().log,
  );
  const loaded = parseConfig(
    JSON.stringify({
      auth: { mode: 'apiKeys' },
      upstreams: { docs: { command: 'run' } },
      policy: [{ allow: ['docs'] }, { allow: ['files'], groups: ['eng'] }],
    }),
    { file: 'x.yaml', env: {} },
  );
  if (!loaded.ok) throw new Error('not valid');
  const grants = new Grants(new Profiles({}, undefined, '1'), loaded.config.policy);
  const of = (subject: string, groups: string[]) =>
    cache.get('', grants.of(principalOf({ issuer: 'i', subject, scopes: [], groups }), 'default'));
  const ann = of('ann', []);
  expect(of('bob', [])).toBe(ann);
  expect(of('ann', [])).toBe(ann);
  expect(of('eve', ['eng'])).not.toBe(ann);
  expect(of('eve', ['eng']).generation).not.toBe(ann.generation);
  generation++;
  expect(of('ann', [])).toBe(ann);
  known = [catalogOf('docs', 9, { tools: [item('tools', 'fresh')] }), ...catalogs.slice(1)];
  generation++;
  expect(of('ann', []).tools.resolve('docs__fresh')).toEqual({ upstream: 'docs', name: 'fresh' });
});

describe('what an upstream says of itself', () => {
  const said = (instructions: string): View =>
    buildView(
      catalogs.map((one) => ({ ...one, server: { ...one.server, instructions } })),
      { names: RULES, upstreams: UPSTREAMS },
      1,
    );
  const serverOf = (view: View) => view.catalogs.find(({ upstream }) => upstream === 'docs')?.server;

  test.each([
    ['Call delete with care.', undefined],
    ['Never deleted: nothing. See docs:///open.', undefined],
    ['Undeletable, and rewritten.', 'Undeletable, and rewritten.'],
    ['Begin with read.', 'Begin with read.'],
  ])('%s', (text, left) => {
    const { instructions } = serverOf(viewFor({ include: ['docs/read'] }, undefined, [], said(text)))!;
    expect(instructions).toBe(left);
  });

  test('nothing can be completed where no prompt and no template is seen', () => {
    const offers = (include: string) =>
      Object.keys(serverOf(viewFor({ include: [include] }, undefined, []))!.capabilities!);
    expect(offers('docs/show')).toEqual(['tools']);
    expect(offers('docs/greet')).toEqual(['prompts', 'completions']);
    expect(offers('docs/docs:///page/{id}')).toEqual(['resources', 'completions']);
  });
});
