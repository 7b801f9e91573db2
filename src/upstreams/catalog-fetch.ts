/** Fetches everything an upstream lists, page by page. */
import { createHash } from 'node:crypto';
import { code } from '../errors.ts';
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
import type { Logger } from '../telemetry/log.ts';
import { ask, UpstreamError } from './ask.ts';
import { type Catalog, type CatalogItem, ITEM_KINDS, type ItemKind } from './catalog.ts';
import type { Link } from './link.ts';

export interface FetchLimits {
  /** The most pages followed per list. */
  readonly maxPages: number;
  /** The most items kept per list. */
  readonly maxItems: number;
}

interface List {
  items: CatalogItem[];
  extras: string;
}

const KINDS = Object.keys(ITEM_KINDS) as ItemKind[];

/**
 * @returns a snapshot without a generation
 * @throws Fault or UpstreamError when a list that the upstream declares cannot be fetched
 */
export async function fetchCatalog(link: Link, limits: FetchLimits, log: Logger): Promise<Omit<Catalog, 'generation'>> {
  const lists = await Promise.all(KINDS.map((kind) => fetchList(link, kind, limits, log)));
  const hash = createHash('sha256').update(JSON.stringify(link.server));
  const items = {} as Record<ItemKind, CatalogItem[]>;
  const extras = {} as Record<ItemKind, string>;
  for (const [i, kind] of KINDS.entries()) {
    const list = lists[i]!;
    items[kind] = list.items;
    extras[kind] = list.extras;
    hash.update(`\0${kind}\0${list.extras}`);
    for (const item of list.items) hash.update(item.raw).update('\0');
  }
  return {
    upstream: link.upstream,
    fetchedAt: Date.now(),
    server: link.server,
    items,
    extras,
    digest: hash.digest('base64url'),
  };
}

async function fetchList(link: Link, kind: ItemKind, limits: FetchLimits, log: Logger): Promise<List> {
  const { method, capability } = ITEM_KINDS[kind];
  const list: List = { items: [], extras: '' };
  if (!Object.hasOwn(link.server.capabilities, capability)) return list;
  const cursors = new Set<string>();
  let cursor: string | undefined;
  for (let page = 1; ; page++) {
    const next = await fetchPage(link, kind, cursor, list, log);
    const full = list.items.length > limits.maxItems || (next !== undefined && list.items.length === limits.maxItems);
    if (next === undefined && !full) return list;
    list.items.length = Math.min(list.items.length, limits.maxItems);
    const reason = full
      ? `lists.maxItems (${limits.maxItems}) reached`
      : cursors.has(next!)
        ? 'the upstream repeats a cursor'
        : page >= limits.maxPages
          ? `lists.maxPages (${limits.maxPages}) reached`
          : undefined;
    if (reason) {
      log.warn({ method, pages: page, items: list.items.length, reason }, 'list is cut short');
      return list;
    }
    cursors.add(next!);
    cursor = next;
  }
}

/** Adds one page to `list`; gives the next cursor. */
async function fetchPage(
  link: Link,
  kind: ItemKind,
  cursor: string | undefined,
  list: List,
  log: Logger,
): Promise<string | undefined> {
  const { method } = ITEM_KINDS[kind];
  let answer: Awaited<ReturnType<typeof ask>>;
  try {
    answer = await ask(link, method, cursor === undefined ? {} : { cursor });
  } catch (error) {
    // a server may have resources and no templates, say; what it does not know is an empty list
    if (error instanceof UpstreamError && error.code === code.methodNotFound) return undefined;
    throw error;
  }
  const { bytes, result } = answer;
  const top = members(bytes, result!.start);
  const array = memberOf(top, kind);
  if (array && isArrayAt(bytes, array.start)) {
    for (const element of elements(bytes, array.start)) {
      const item = readItem(bytes, element, kind);
      if (item) list.items.push(item);
      else log.warn({ method }, `ignored an item without a ${ITEM_KINDS[kind].key}`);
    }
  }
  if (!array || !isArrayAt(bytes, array.start)) log.warn({ method }, `the answer holds no list "${kind}"`);
  if (cursor === undefined) list.extras = extrasOf(bytes, top, kind);
  const next = memberOf(top, 'nextCursor');
  return next && isStringAt(bytes, next.start) ? textOf(bytes, next.start, next.end) : undefined;
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
