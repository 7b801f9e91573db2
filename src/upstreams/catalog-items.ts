/** Reads the items of list results, wherever their text comes from: an upstream, or what was kept of it. */
import { createHash } from 'node:crypto';
import {
  elements,
  isArrayAt,
  isObjectAt,
  isStringAt,
  type Member,
  memberOf,
  members,
  type Span,
  textOf,
} from '../protocol/json/scan.ts';
import { type Catalog, type CatalogItem, ITEM_KINDS, type ItemKind } from './catalog.ts';

/** All kinds of item, in a fixed order. */
export const KINDS = Object.keys(ITEM_KINDS) as ItemKind[];

/** One list result. */
export interface Page {
  /** `undefined` in place of an element without a proper name; no array when the result holds no list. */
  readonly items: readonly (CatalogItem | undefined)[] | undefined;
  /** Members beside the list and its cursor, as JSON text `"key":value,…`. */
  readonly extras: string;
  readonly nextCursor: string | undefined;
}

/**
 * Reads the result object that begins at `at`.
 * @throws JsonSyntaxError when it is none
 */
export function readPage(bytes: Buffer, at: number, kind: ItemKind): Page {
  const top = members(bytes, at);
  const array = memberOf(top, kind);
  const next = memberOf(top, 'nextCursor');
  return {
    items:
      array && isArrayAt(bytes, array.start)
        ? elements(bytes, array.start).map((element) => readItem(bytes, element, kind))
        : undefined,
    extras: extrasOf(bytes, top, kind),
    nextCursor: next && isStringAt(bytes, next.start) ? textOf(bytes, next.start, next.end) : undefined,
  };
}

/** A hash of what an upstream says of itself and lists; equal for equal content. */
export function digestOf({ server, items, extras }: Pick<Catalog, 'server' | 'items' | 'extras'>): string {
  const hash = createHash('sha256').update(JSON.stringify(server));
  for (const kind of KINDS) {
    hash.update(`\0${kind}\0${extras[kind]}`);
    for (const item of items[kind]) hash.update(item.raw).update('\0');
  }
  return hash.digest('base64url');
}

function extrasOf(bytes: Buffer, top: readonly Member[], kind: ItemKind): string {
  return top
    .filter((m) => m.key !== kind && m.key !== 'nextCursor')
    .map((m) => bytes.toString('utf8', m.keyStart, m.end))
    .join(',');
}

function readItem(bytes: Buffer, span: Span, kind: ItemKind): CatalogItem | undefined {
  if (!isObjectAt(bytes, span.start)) return undefined;
  const raw = bytes.subarray(span.start, span.end);
  const list = members(raw, 0);
  const at = memberOf(list, ITEM_KINDS[kind].key);
  if (!at || !isStringAt(raw, at.start)) return undefined;
  return { name: textOf(raw, at.start, at.end), raw, nameAt: at, ui: kind === 'tools' ? uiReferences(raw, list) : [] };
}

/** `_meta.ui.resourceUri` and its older spelling `_meta["ui/resourceUri"]`. */
function uiReferences(raw: Buffer, list: readonly Member[]): CatalogItem['ui'] {
  const meta = memberOf(list, '_meta');
  if (!meta || !isObjectAt(raw, meta.start)) return [];
  const inMeta = members(raw, meta.start);
  const ui = memberOf(inMeta, 'ui');
  const found = [
    memberOf(inMeta, 'ui/resourceUri'),
    ui && isObjectAt(raw, ui.start) ? memberOf(members(raw, ui.start), 'resourceUri') : undefined,
  ];
  return found.flatMap((m) =>
    m && isStringAt(raw, m.start) ? [{ start: m.start, end: m.end, uri: textOf(raw, m.start, m.end) }] : [],
  );
}
