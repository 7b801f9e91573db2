/** Reads the items of list results, wherever their text comes from: an upstream, or what was kept of it. */
import { createHash } from 'node:crypto';
import type { Caching } from '../protocol/call.ts';
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
import { valueAt } from '../protocol/message.ts';
import { SERVER_KEY } from '../protocol/meta.ts';
import { type Catalog, type CatalogItem, ITEM_KINDS, type ItemKind } from './catalog.ts';

/** All kinds of item, in a fixed order. */
export const KINDS = Object.keys(ITEM_KINDS) as ItemKind[];

/** The longest time that a list is taken to stay good for, milliseconds. */
const LONGEST_TTL = 86_400_000;

/** What an upstream says of itself and lists. */
export type CatalogContent = Pick<Catalog, 'server' | 'items' | 'extras' | 'metas' | 'caching'>;

/** One list result. */
export interface Page {
  /** `undefined` in place of an element without a proper name; no array when the result holds no list. */
  readonly items: readonly (CatalogItem | undefined)[] | undefined;
  /** Members beside the list and its cursor, as JSON text `"key":value,…`. */
  readonly extras: string;
  /** Members of its `_meta`, in the same form. */
  readonly meta: string;
  readonly caching: Caching | undefined;
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
    extras: textOfMembers(bytes, top, ({ key }) => key !== kind && !KNOWN.has(key)),
    meta: metaOf(bytes, top),
    caching: cachingOf(bytes, top),
    nextCursor: next && isStringAt(bytes, next.start) ? textOf(bytes, next.start, next.end) : undefined,
  };
}

/** A hash of what an upstream says of itself and lists; equal for equal content. */
export function digestOf({ server, items, extras, metas, caching }: CatalogContent): string {
  const hash = createHash('sha256').update(JSON.stringify([server, caching]));
  for (const kind of KINDS) {
    hash.update(`\0${kind}\0${extras[kind]}\0${metas[kind]}`);
    for (const item of items[kind]) hash.update(item.raw).update('\0');
  }
  return hash.digest('base64url');
}

/** Members of list results that are understood here. */
const KNOWN = new Set(['nextCursor', '_meta', 'resultType', 'ttlMs', 'cacheScope']);

const textOfMembers = (bytes: Buffer, list: readonly Member[], stays: (member: Member) => boolean): string =>
  list
    .filter(stays)
    .map((m) => bytes.toString('utf8', m.keyStart, m.end))
    .join(',');

function metaOf(bytes: Buffer, top: readonly Member[]): string {
  const meta = memberOf(top, '_meta');
  if (!meta || !isObjectAt(bytes, meta.start)) return '';
  return textOfMembers(bytes, members(bytes, meta.start), ({ key }) => key !== SERVER_KEY);
}

/** How long the list stays good (2026-07-28, caching). */
function cachingOf(bytes: Buffer, top: readonly Member[]): Caching | undefined {
  const [ttl, scope] = [memberOf(top, 'ttlMs'), memberOf(top, 'cacheScope')];
  const ttlMs = ttl && valueAt(bytes, ttl);
  if (typeof ttlMs !== 'number' || ttlMs < 0) return undefined;
  return {
    ttlMs: Math.min(Math.floor(ttlMs), LONGEST_TTL),
    cacheScope: scope && valueAt(bytes, scope) === 'public' ? 'public' : 'private',
  };
}

/** One item; `undefined` when it is no object with a proper name. */
export function readItem(bytes: Buffer, span: Span, kind: ItemKind): CatalogItem | undefined {
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
