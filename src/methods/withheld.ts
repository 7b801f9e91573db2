/** What the configuration keeps from clients, in terms of names and URIs: nobody finds it, whatever way is tried. */
import type { LearnedOwners } from '../namespace/learned.ts';
import type { NameTable, NameTarget } from '../namespace/names.ts';
import { UriTemplate } from '../namespace/uri-templates.ts';
import type { UriTable } from '../namespace/uris.ts';
import { type Catalog, type CatalogItem, type ItemKind, itemNamed, type Withheld } from '../upstreams/catalog.ts';
import type { ItemRules } from '../upstreams/item-rules.ts';
import { spellingsOf } from './spellings.ts';

type Items = Readonly<Record<ItemKind, readonly CatalogItem[]>>;

/**
 * @param catalog as its upstream says it
 * @param items what clients see of it
 * @param held what is held back of it
 */
export function withholding(catalog: Catalog, rules: ItemRules | undefined, items: Items, held: Items): Withheld {
  const templatesOf = (list: readonly CatalogItem[]): UriTemplate[] => list.map(({ name }) => new UriTemplate(name));
  const shown = new Set(items.resourceTemplates.map(({ name }) => name));
  const gone = catalog.items.resourceTemplates.filter(({ name }) => !shown.has(name));
  let parsed: { readonly gone: UriTemplate[]; readonly shown: UriTemplate[] } | undefined;
  const withholds = (uri: string): boolean => {
    const { all: spellings } = spellingsOf(uri);
    if (spellings.some((one) => rules?.of('resources', one)?.hide === true || itemNamed(held.resources, one)))
      return true;
    if (gone.length === 0 || itemNamed(items.resources, uri)) return false;
    parsed ??= { gone: templatesOf(gone), shown: templatesOf(items.resourceTemplates) };
    const fits = (template: UriTemplate): boolean => spellings.some((one) => template.matches(one));
    return parsed.gone.some(fits) && !parsed.shown.some(fits);
  };
  return { held, withholds };
}

/** The exposed names of one kind, where items have other names than their own, or are held back. */
export class ShapedNames implements NameTable {
  readonly #names: NameTable;
  /** By upstream and own name. */
  readonly #aliases = new Map<string, string>();
  /** By upstream and new name. */
  readonly #own = new Map<string, string>();
  readonly #held = new Set<string>();

  /** @param names the table of the names that items go by */
  constructor(names: NameTable, catalogs: readonly Catalog[], kind: ItemKind) {
    this.#names = names;
    for (const { upstream, items, withheld } of catalogs) {
      for (const { name } of withheld?.held[kind] ?? []) this.#held.add(keyOf(upstream, name));
      for (const { name, shape } of [...items[kind], ...(withheld?.held[kind] ?? [])]) {
        if (shape?.alias === undefined) continue;
        this.#aliases.set(keyOf(upstream, name), shape.alias);
        this.#own.set(keyOf(upstream, shape.alias), name);
      }
    }
  }

  get notes(): NameTable['notes'] {
    return this.#names.notes;
  }

  expose(upstream: string, name: string): string | undefined {
    const key = keyOf(upstream, name);
    // its own name may be the new one of another
    if (!this.#aliases.has(key) && this.#own.has(key)) return undefined;
    return this.#names.expose(upstream, this.#aliases.get(key) ?? name);
  }

  resolve(exposed: string): NameTarget | undefined {
    const target = this.#target(exposed);
    return target && !this.#held.has(keyOf(target.upstream, target.name)) ? target : undefined;
  }

  held(exposed: string): NameTarget | undefined {
    const target = this.#target(exposed);
    return target && this.#held.has(keyOf(target.upstream, target.name)) ? target : undefined;
  }

  #target(exposed: string): NameTarget | undefined {
    const found = this.#names.resolve(exposed);
    return found && { upstream: found.upstream, name: this.#own.get(keyOf(found.upstream, found.name)) ?? found.name };
  }
}

/** A table of names for catalogs of which some may be shaped. */
export const shapedNames = (names: NameTable, catalogs: readonly Catalog[], kind: 'tools' | 'prompts'): NameTable =>
  catalogs.some(({ withheld }) => withheld) ? new ShapedNames(names, catalogs, kind) : names;

/** What an item goes by before it is prefixed. */
export const wishedName = ({ name, shape }: CatalogItem): string => shape?.alias ?? name;

/** URIs of which some are owned by nobody, as far as clients can tell. */
export function withheldUris(uris: UriTable, catalogs: readonly Catalog[]): UriTable {
  const by = new Map(catalogs.map((catalog) => [catalog.upstream, catalog]));
  return {
    exposeUri: (upstream, uri, learned) => uris.exposeUri(upstream, uri, learned),
    exposeTemplate: (upstream, template) => uris.exposeTemplate(upstream, template),
    resolveUri: (uri, learned) => {
      const found = uris.resolveUri(uri, learned);
      return found && by.get(found.upstream)?.withheld?.withholds(found.uri) ? undefined : found;
    },
    resolveTemplate: (text) => {
      const found = uris.resolveTemplate(text);
      const catalog = found && by.get(found.upstream);
      if (!catalog?.withheld) return found;
      return itemNamed(catalog.items.resourceTemplates, found!.template) ? found : undefined;
    },
  };
}

/** Finds an item that is held back by its exposed name or URI. */
export type HeldLookup = (kind: ItemKind, exposed: string, learned?: LearnedOwners) => NameTarget | undefined;

/** @param tables names as clients see them, and URIs of which none is kept from them */
export function heldLookup(
  tables: { readonly tools: NameTable; readonly prompts: NameTable; readonly uris: UriTable },
  catalogs: readonly Catalog[],
): HeldLookup {
  const isHeld = (kind: ItemKind, upstream: string, name: string): boolean => {
    const { withheld } = catalogs.find((catalog) => catalog.upstream === upstream) ?? {};
    return withheld !== undefined && itemNamed(withheld.held[kind], name) !== undefined;
  };
  return (kind, exposed, learned) => {
    if (kind === 'tools' || kind === 'prompts') {
      const names = tables[kind];
      return names instanceof ShapedNames ? names.held(exposed) : undefined;
    }
    const template = kind === 'resourceTemplates' ? tables.uris.resolveTemplate(exposed) : undefined;
    if (template) {
      const { upstream, template: name } = template;
      return isHeld(kind, upstream, name) ? { upstream, name } : undefined;
    }
    const found = tables.uris.resolveUri(exposed, learned);
    return found && isHeld('resources', found.upstream, found.uri)
      ? { upstream: found.upstream, name: found.uri }
      : undefined;
  };
}

const keyOf = (upstream: string, name: string): string => JSON.stringify([upstream, name]);
