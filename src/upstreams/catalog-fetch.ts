/** Fetches everything an upstream lists, page by page. */
import { code } from '../errors.ts';
import type { Caching } from '../protocol/call.ts';
import { headerDecls, withoutAnnotations } from '../protocol/tool-headers.ts';
import type { Logger } from '../telemetry/log.ts';
import { ask, UpstreamError } from './ask.ts';
import { type CatalogItem, ITEM_KINDS, type ItemKind, type Snapshot } from './catalog.ts';
import { digestOf, KINDS, readItem, readPage } from './catalog-items.ts';
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
  meta: string;
  caching: Caching | undefined;
}

/**
 * @returns a snapshot without a generation
 * @throws Fault or UpstreamError when a list that the upstream declares cannot be fetched
 */
export async function fetchCatalog(link: Link, limits: FetchLimits, log: Logger): Promise<Snapshot> {
  const lists = await Promise.all(KINDS.map((kind) => fetchList(link, kind, limits, log)));
  const items = {} as Record<ItemKind, CatalogItem[]>;
  const extras = {} as Record<ItemKind, string>;
  const metas = {} as Record<ItemKind, string>;
  const caching: Partial<Record<ItemKind, Caching>> = {};
  for (const [i, kind] of KINDS.entries()) {
    const list = lists[i]!;
    items[kind] = list.items;
    extras[kind] = list.extras;
    metas[kind] = list.meta;
    if (list.caching) caching[kind] = list.caching;
  }
  const content = { server: link.server, items, extras, metas, caching };
  return { upstream: link.upstream, fetchedAt: Date.now(), ...content, digest: digestOf(content) };
}

async function fetchList(link: Link, kind: ItemKind, limits: FetchLimits, log: Logger): Promise<List> {
  const { method, capability } = ITEM_KINDS[kind];
  const list: List = { items: [], extras: '', meta: '', caching: undefined };
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

/**
 * A tool whose `x-mcp-header` annotations are wrong must not be used over HTTP (2026-07-28, Streamable HTTP); where they
 * mean nothing to the upstream, the tool is kept without them, so that clients do not refuse it.
 */
function usable(link: Link, tool: CatalogItem, log: Logger): CatalogItem[] {
  const { problem } = headerDecls(tool.raw);
  if (problem === undefined) return [tool];
  if (link.headers) {
    log.warn({ tool: tool.name, problem }, 'ignored a tool, its header annotations are wrong');
    return [];
  }
  log.warn({ tool: tool.name, problem }, 'took the header annotations off a tool, they are wrong');
  const raw = withoutAnnotations(tool.raw);
  const item = readItem(raw, { start: 0, end: raw.length }, 'tools');
  return item ? [item] : [];
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
  const page = readPage(answer.bytes, answer.result!.start, kind);
  for (const item of page.items ?? []) {
    if (!item) log.warn({ method }, `ignored an item without a ${ITEM_KINDS[kind].key}`);
    else if (kind === 'tools') list.items.push(...usable(link, item, log));
    else list.items.push(item);
  }
  if (!page.items) log.warn({ method }, `the answer holds no list "${kind}"`);
  if (cursor === undefined) {
    list.extras = page.extras;
    list.meta = page.meta;
    list.caching = page.caching;
  }
  return page.nextCursor;
}
