/**
 * What clients see of all catalogs together: exposed names and URIs, and the merged lists ready to send. Immutable; built
 * anew when a catalog changes.
 */
import { type NameRules, type NameTable, nameTable } from '../namespace/names.ts';
import { type UriTable, uriTable } from '../namespace/uris.ts';
import { applyEdits, type Edit } from '../protocol/json/edit.ts';
import { type Catalog, type CatalogItem, ITEM_KINDS, type ItemKind } from '../upstreams/catalog.ts';
import { type HeldLookup, heldLookup, shapedNames, wishedName, withheldUris } from './withheld.ts';

export interface View {
  /** Equal for two views exactly when they were made of the same catalogs. */
  readonly generation: number;
  readonly catalogs: readonly Catalog[];
  readonly tools: NameTable;
  readonly prompts: NameTable;
  readonly uris: UriTable;
  readonly lists: Readonly<Record<ItemKind, MergedList>>;
  /** The item that is held back under an exposed name or URI; nothing is without it. */
  readonly held?: HeldLookup | undefined;
  /** Whether anything of an upstream may be seen in it, its catalog being known or not. */
  concerns(upstream: string): boolean;
  /** Whether an item is seen, by its upstream name. */
  sees(kind: ItemKind, upstream: string, name: string): boolean;
}

export interface MergedList {
  /** The JSON text of each exposed item, in config order of the upstreams and upstream order within. */
  readonly items: readonly Buffer[];
  /** What each of them is, in the same order. */
  readonly origins: readonly Origin[];
  /** The whole list as the text of a result object, without a cursor. */
  readonly result: Buffer;
  /** Members beside the list, as JSON text with a leading comma; only ever from a sole upstream. */
  readonly extras: string;
  /** Members of its `_meta`, as JSON text; likewise. */
  readonly meta: string;
}

/** An item and whose it is. */
export interface Origin {
  readonly upstream: string;
  readonly item: CatalogItem;
}

export interface ViewRules {
  readonly names: NameRules;
  /** Every configured upstream in config order, whether its catalog is known or not. */
  readonly upstreams: readonly string[];
}

export function buildView(catalogs: readonly Catalog[], rules: ViewRules, generation: number): View {
  const sole = rules.upstreams.length === 1;
  const byName = new Map(catalogs.map((c) => [c.upstream, c]));
  // upstreams without a catalog take part with no items, so that ids alone decide about prefixes
  const namesOf = (kind: ItemKind) =>
    rules.upstreams.map((upstream) => ({
      upstream,
      names: offered(byName.get(upstream), kind).map(wishedName),
    }));
  const tools = shapedNames(nameTable(rules.names, namesOf('tools')), catalogs, 'tools');
  const prompts = shapedNames(nameTable(rules.names, namesOf('prompts')), catalogs, 'prompts');
  const allUris: UriTable = uriTable(
    rules.upstreams.map((id) => {
      const catalog = byName.get(id);
      return {
        id,
        uris: offered(catalog, 'resources').map((i) => i.name),
        templates: offered(catalog, 'resourceTemplates').map((i) => i.name),
        uiUris: offered(catalog, 'tools').flatMap((i) => i.ui.map((u) => u.uri)),
      };
    }),
    { transparent: sole },
  );
  const isShaped = catalogs.some(({ withheld }) => withheld);
  const uris = isShaped ? withheldUris(allUris, catalogs) : allUris;
  const exposed: Record<ItemKind, (upstream: string, item: CatalogItem) => string | undefined> = {
    tools: (upstream, item) => tools.expose(upstream, item.name),
    prompts: (upstream, item) => prompts.expose(upstream, item.name),
    resources: (upstream, item) => uris.exposeUri(upstream, item.name),
    resourceTemplates: (upstream, item) => uris.exposeTemplate(upstream, item.name),
  };
  const lists = {} as Record<ItemKind, MergedList>;
  for (const kind of Object.keys(ITEM_KINDS) as ItemKind[]) {
    const items: Buffer[] = [];
    const origins: Origin[] = [];
    const seen = new Set<string>();
    for (const { upstream, items: own } of catalogs) {
      for (const item of own[kind]) {
        const name = exposed[kind](upstream, item);
        if (name === undefined || seen.has(name)) continue;
        seen.add(name);
        items.push(exposeItem(item, name, (uri) => uris.exposeUri(upstream, uri)));
        origins.push({ upstream, item });
      }
    }
    const only = sole ? catalogs[0] : undefined;
    lists[kind] = merged(kind, items, origins, only?.extras[kind] ?? '', only?.metas[kind] ?? '');
  }
  const held = isShaped ? heldLookup({ tools, prompts, uris: allUris }, catalogs) : undefined;
  return { generation, catalogs, tools, prompts, uris, lists, held, concerns: () => true, sees: () => true };
}

/** The items that names and URIs are made for: those that are held back keep theirs. */
const offered = (catalog: Catalog | undefined, kind: ItemKind): readonly CatalogItem[] =>
  catalog?.withheld ? [...catalog.items[kind], ...catalog.withheld.held[kind]] : (catalog?.items[kind] ?? []);

/** The item's own bytes with its name (and its references to UI resources) replaced where they differ. */
function exposeItem(item: CatalogItem, name: string, exposeUri: (uri: string) => string): Buffer {
  const edits: Edit[] = [];
  if (name !== item.name) edits.push({ start: item.nameAt.start, end: item.nameAt.end, text: JSON.stringify(name) });
  for (const { start, end, uri } of item.ui) {
    const outside = exposeUri(uri);
    if (outside !== uri) edits.push({ start, end, text: JSON.stringify(outside) });
  }
  return applyEdits(item.raw, edits);
}

function merged(
  kind: ItemKind,
  items: readonly Buffer[],
  origins: readonly Origin[],
  extras: string,
  meta: string,
): MergedList {
  const more = extras === '' ? '' : `,${extras}`;
  return { items, origins, extras: more, meta, result: listResult(kind, items, more) };
}

const COMMA = Buffer.from(',');

/** `{"<kind>":[…]<more>}` of ready items. */
export function listResult(kind: ItemKind, items: readonly Buffer[], more: string): Buffer {
  const parts: Buffer[] = [Buffer.from(`{"${kind}":[`)];
  for (const [i, item] of items.entries()) {
    if (i > 0) parts.push(COMMA);
    parts.push(item);
  }
  parts.push(Buffer.from(`]${more}}`));
  return Buffer.concat(parts);
}
