/** Lists and look-ups agree, whatever the config says of items: what is listed is found, and what is not is not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { wholeView } from '../../src/methods/view-cache.ts';
import type { Catalog, CatalogItem } from '../../src/upstreams/catalog.ts';
import { KINDS, readItem } from '../../src/upstreams/catalog-items.ts';
import { type ItemRules, itemRules } from '../../src/upstreams/item-rules.ts';

const item = (kind: (typeof KINDS)[number], value: object): CatalogItem => {
  const raw = Buffer.from(JSON.stringify(value));
  return readItem(raw, { start: 0, end: raw.length }, kind)!;
};

function catalogOf(upstream: string, tools: readonly string[], uris: readonly string[]): Catalog {
  const items = Object.fromEntries(KINDS.map((kind) => [kind, [] as CatalogItem[]]));
  items.tools = tools.map((name) => item('tools', { name, inputSchema: { type: 'object', properties: { a: {} } } }));
  items.resources = uris.map((uri) => item('resources', { uri, name: uri }));
  const none = Object.fromEntries(KINDS.map((kind) => [kind, '']));
  return { upstream, generation: 1, items, extras: none, metas: none } as unknown as Catalog;
}

function rulesOf(items: object): ItemRules | undefined {
  const loaded = parseConfig(JSON.stringify({ upstreams: { a: { command: 'run', items } } }), {
    file: 'x.yaml',
    env: {},
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return itemRules(loaded.config.upstreams.a!.items);
}

const UPSTREAMS = ['a', 'b', 'a__b'];
const NAMES = ['get', 'get_x', 'delete_x', 'b__get', 'new', 'it.em', '__proto__'];
const URIS = ['note://a/1', 'note://a/2', 'note://b/1'];
// an upstream may have a tool of that name; the config file has no key of it
const PATTERNS = ['*', 'get*', '*_x', ...NAMES.filter((name) => name !== '__proto__')];

const settings = (pattern: string) =>
  fc.record(
    {
      hide: fc.boolean(),
      ...(pattern.includes('*') ? {} : { name: fc.constantFrom('new', 'get', 'other') }),
      arguments: fc.constant({ a: { value: 1 } }),
    },
    { requiredKeys: [] },
  );
const tools = fc
  .uniqueArray(fc.constantFrom(...PATTERNS), { maxLength: 4 })
  .chain((patterns) => fc.tuple(...patterns.map((pattern) => fc.tuple(fc.constant(pattern), settings(pattern)))))
  // a name is given once
  .filter((entries) => {
    const given = entries.flatMap(([, { name }]) => (typeof name === 'string' ? [name] : []));
    return new Set(given).size === given.length;
  })
  .map((entries) => Object.fromEntries(entries));
const resources = fc
  .uniqueArray(fc.tuple(fc.constantFrom('*', 'note://a/*', ...URIS), fc.record({ hide: fc.boolean() })), {
    maxLength: 3,
    selector: ([pattern]) => pattern,
  })
  .map((entries) => Object.fromEntries(entries));

const upstream = fc.record({
  tools: fc.uniqueArray(fc.constantFrom(...NAMES)),
  uris: fc.uniqueArray(fc.constantFrom(...URIS)),
  items: fc.record({ tools, resources }),
  held: fc.uniqueArray(fc.constantFrom(...NAMES, ...URIS)),
});

test('what is listed is found under its name, and what is hidden or held back is not, for any rules', () => {
  fc.assert(
    fc.property(
      fc.array(upstream, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('always', 'conflict', 'never'),
      (all, prefix) => {
        const catalogs = all.map(({ tools: names, uris }, i) => catalogOf(UPSTREAMS[i]!, names, uris));
        const rules = new Map(all.map(({ items }, i) => [UPSTREAMS[i]!, { items: rulesOf(items) }]));
        const isHeld = (id: string, name: string) => all[UPSTREAMS.indexOf(id)]!.held.includes(name);
        const { view } = wholeView(
          catalogs,
          {
            names: { prefix, separator: '__', maxLength: 64 },
            upstreams: rules,
            hosts: [],
            holds: (id, _kind, { name }) => isHeld(id, name),
          },
          1,
        );
        const shown = (id: string, kind: 'tools' | 'resources', name: string) =>
          rules.get(id)!.items?.of(kind, name)?.hide !== true && !isHeld(id, name);

        const listed = view.lists.tools.items.map((raw, i) => {
          const { name } = JSON.parse(raw.toString('utf8')) as { name: string };
          return { name, ...view.lists.tools.origins[i]! };
        });
        expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length);
        for (const { name, upstream: id, item: own } of listed) {
          expect(view.tools.resolve(name)).toEqual({ upstream: id, name: own.name });
          expect(view.tools.expose(id, own.name)).toBe(name);
          expect(shown(id, 'tools', own.name)).toBe(true);
        }
        const wanted = catalogs.flatMap(({ upstream: id, items }) =>
          items.tools.filter(({ name }) => shown(id, 'tools', name)).map(({ name }) => `${id} ${name}`),
        );
        expect(listed.map(({ upstream: id, item: own }) => `${id} ${own.name}`).sort()).toEqual(wanted.sort());
        // whatever a client may call is listed, and no other than what it is listed as
        for (const name of [...NAMES, 'other', ...UPSTREAMS.flatMap((id) => NAMES.map((own) => `${id}__${own}`))]) {
          const target = view.tools.resolve(name);
          if (target) expect(listed.map((one) => one.name)).toContain(name);
          const held = view.held?.('tools', name);
          if (held) expect([target, isHeld(held.upstream, held.name)]).toEqual([undefined, true]);
        }

        const uris = view.lists.resources.origins.map(({ upstream: id, item: own }) => `${id} ${own.name}`);
        const readable = catalogs.flatMap(({ upstream: id, items }) =>
          items.resources.filter(({ name }) => shown(id, 'resources', name)).map(({ name }) => `${id} ${name}`),
        );
        expect(uris.sort()).toEqual(readable.sort());
        for (const { upstream: id, items } of catalogs) {
          for (const { name } of items.resources) {
            const found = view.uris.resolveUri(view.uris.exposeUri(id, name));
            expect(found).toEqual(shown(id, 'resources', name) ? { upstream: id, uri: name } : undefined);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
