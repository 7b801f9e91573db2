/** A catalog as the configuration wants clients to see it: items renamed, described otherwise, or left out. */
import { applyEdits } from '../protocol/json/edit.ts';
import { type ItemEdits, type ItemTexts, promptEdits, resourceEdits, toolEdits } from '../protocol/shaped-item.ts';
import type { Catalog, CatalogItem, ItemKind, Withheld } from '../upstreams/catalog.ts';
import { KINDS, readItem } from '../upstreams/catalog-items.ts';
import type { ItemRule, ItemRules } from '../upstreams/item-rules.ts';
import { withholding } from './withheld.ts';

/** What cannot be done as the configuration has it, for who wrote it. */
export interface ShapeNote {
  readonly upstream: string;
  readonly kind: ItemKind;
  readonly name: string;
  readonly problem: string;
}

/** Tells which items are held back, since their definitions are not the ones that were agreed to. */
export type Holds = (upstream: string, kind: ItemKind, item: CatalogItem) => boolean;

/**
 * @param rules of its upstream
 * @param notes takes what cannot be done
 * @returns the same catalog where nothing is said of its items
 */
export function shapeCatalog(
  catalog: Catalog,
  rules: ItemRules | undefined,
  holds: Holds | undefined,
  notes: ShapeNote[],
): Catalog {
  if (!rules && !holds) return catalog;
  const { upstream } = catalog;
  const items = {} as Record<ItemKind, readonly CatalogItem[]>;
  const held = {} as Record<ItemKind, readonly CatalogItem[]>;
  for (const kind of KINDS) {
    const note = (name: string, problem: string): void => void notes.push({ upstream, kind, name, problem });
    const known = catalog.items[kind].flatMap((item) => {
      const rule = rules?.of(kind, item.name);
      if (rule?.hide) return [];
      return { item: rule ? shapeItem(kind, item, rule, note) : item, held: holds?.(upstream, kind, item) === true };
    });
    const own = withoutClashes(
      known.map(({ item }) => item),
      note,
    );
    items[kind] = own.filter((_, i) => !known[i]!.held);
    held[kind] = own.filter((_, i) => known[i]!.held);
    for (const name of rules?.named(kind) ?? [])
      if (!catalog.items[kind].some((item) => item.name === name)) note(name, 'the upstream has no such item');
  }
  // nothing is said of it, and nothing held back
  if (!rules && KINDS.every((kind) => held[kind].length === 0)) return catalog;
  const withheld: Withheld = withholding(catalog, rules, items, held);
  return { ...catalog, items, withheld };
}

type Note = (name: string, problem: string) => void;

const EDITS: Readonly<Record<ItemKind, (raw: Buffer, texts: ItemTexts) => ItemEdits>> = {
  tools: toolEdits,
  prompts: promptEdits,
  resources: resourceEdits,
  resourceTemplates: resourceEdits,
};

function shapeItem(kind: ItemKind, item: CatalogItem, rule: ItemRule, note: Note): CatalogItem {
  const { title, description, name: alias, fixed, fixedByName, argumentDescriptions } = rule;
  const texts = { title, description, hidden: new Set(fixed.keys()), descriptions: argumentDescriptions };
  const { edits, unknown } = EDITS[kind](item.raw, texts);
  const lacking = new Set(unknown);
  for (const name of fixedByName)
    if (lacking.has(name)) note(item.name, `it declares no argument ${JSON.stringify(name)}`);
  // what fits a pattern has such an argument, or not
  const given = new Map([...fixed].filter(([name]) => fixedByName.has(name) || !lacking.has(name)));
  if (edits.length === 0 && alias === undefined && given.size === 0) return item;
  const shape = { source: item, alias, fixed: given };
  const raw = applyEdits(item.raw, edits);
  return { ...(readItem(raw, { start: 0, end: raw.length }, kind) ?? item), shape };
}

/**
 * A new name that another item of the upstream has is not given. Who then keeps its own name may be in the way of one more.
 */
function withoutClashes(items: readonly CatalogItem[], note: Note): readonly CatalogItem[] {
  const own = new Set(items.filter(({ shape }) => shape?.alias === undefined).map(({ name }) => name));
  const clashes = ({ shape }: CatalogItem): boolean => shape?.alias !== undefined && own.has(shape.alias);
  let left = items;
  while (left.some(clashes)) {
    left = left.map((item) => {
      if (!clashes(item)) return item;
      note(item.name, `it cannot be called ${JSON.stringify(item.shape!.alias)}, which is the name of another item`);
      own.add(item.name);
      return { ...item, shape: { ...item.shape!, alias: undefined } };
    });
  }
  return left;
}
