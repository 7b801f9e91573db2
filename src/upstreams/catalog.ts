/** What one upstream offers, as it said it: every item is kept as the bytes that came. */
import type { Caching } from '../protocol/call.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import type { Span } from '../protocol/json/scan.ts';

export type ItemKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** How an item of a kind is named, and which request lists it. */
export const ITEM_KINDS: Readonly<Record<ItemKind, { key: string; method: string; capability: string }>> = {
  tools: { key: 'name', method: 'tools/list', capability: 'tools' },
  prompts: { key: 'name', method: 'prompts/list', capability: 'prompts' },
  resources: { key: 'uri', method: 'resources/list', capability: 'resources' },
  resourceTemplates: { key: 'uriTemplate', method: 'resources/templates/list', capability: 'resources' },
};

export interface CatalogItem {
  /** Upstream name, URI or URI template. */
  readonly name: string;
  /** The item's JSON text. */
  readonly raw: Buffer;
  /** Where its name stands in `raw`. */
  readonly nameAt: Span;
  /** Where `ui://` references stand in `raw` (`_meta.ui.resourceUri`, `_meta["ui/resourceUri"]`), with their values. */
  readonly ui: readonly (Span & { readonly uri: string })[];
  /** How it differs from what its upstream says; nothing where it does not. */
  readonly shape?: ItemShape | undefined;
}

/** What the configuration makes of an item. */
export interface ItemShape {
  /** The item as its upstream says it. */
  readonly source: CatalogItem;
  /** What it is called in place of its name. */
  readonly alias: string | undefined;
  /** Arguments that are not shown and always have this value, each as JSON text. */
  readonly fixed: ReadonlyMap<string, string>;
}

/** Items that are there and not for clients. */
export interface Withheld {
  /** Those whose definitions are not the ones that were agreed to. */
  readonly held: Readonly<Record<ItemKind, readonly CatalogItem[]>>;
  /** Whether a URI is not for clients, listed or not. */
  withholds(uri: string): boolean;
}

/** An immutable snapshot. */
export interface Catalog {
  readonly upstream: string;
  /** Grows with every snapshot whose content differs from the one before. */
  readonly generation: number;
  /** When the upstream said this, milliseconds since 1970; of an earlier run, when it first did. */
  readonly fetchedAt: number;
  readonly server: ServerFacts;
  readonly items: Readonly<Record<ItemKind, readonly CatalogItem[]>>;
  /** Further members of the upstream's list results, as JSON text `"key":value,…`; empty when there were none. */
  readonly extras: Readonly<Record<ItemKind, string>>;
  /** Members of the `_meta` of its list results, in the same form. */
  readonly metas: Readonly<Record<ItemKind, string>>;
  /** What it said of how long its lists stay good; nothing where it is of an era that does not say. */
  readonly caching: Readonly<Partial<Record<ItemKind, Caching>>>;
  /** A hash of all of the above but the times; equal for equal content. */
  readonly digest: string;
  /** What the configuration keeps from clients; nothing where that is nothing. */
  readonly withheld?: Withheld | undefined;
}

/** A catalog that has no place yet among those of this run. */
export type Snapshot = Omit<Catalog, 'generation'>;

const names = new WeakMap<readonly CatalogItem[], ReadonlyMap<string, CatalogItem>>();

/** The item with this upstream name; the last one, where there are several. */
export function itemNamed(items: readonly CatalogItem[], name: string): CatalogItem | undefined {
  const known = names.get(items);
  if (known) return known.get(name);
  const found = new Map(items.map((item) => [item.name, item]));
  names.set(items, found);
  return found.get(name);
}
