/** tools/list, prompts/list, resources/list, resources/templates/list: answered from the merged view. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import { ITEM_KINDS, type ItemKind } from '../upstreams/catalog.ts';
import { cachingOf } from './caching.ts';
import { type Method, type MethodContext, missingFor, settled } from './context.ts';
import { listFor } from './dated-lists.ts';
import { listResult } from './view.ts';

/** In the `_meta` of a list: the upstreams whose items are not in it because they could not be reached yet. */
const MISSING = 'patchbay/missing';

interface Cursor {
  readonly kind: ItemKind;
  readonly generation: number;
  readonly offset: number;
}

/** @returns the method that lists one kind of item */
export function listOf(kind: ItemKind): Method {
  return async (context, call, params) => {
    const cursor = params.find('cursor') ? readCursor(context, call, params.string('cursor').text) : undefined;
    const { audience } = call.client;
    await settled(context, call);
    context.catalogs.revalidate(audience);
    const view = context.view(call);
    const missing = missingFor(context, call).map(({ upstream }) => upstream);
    const { items, result, extras, meta: own } = listFor(view, kind, call.client);
    const { pageSize } = context.lists;
    if (cursor && (cursor.kind !== kind || cursor.generation !== view.generation)) throw new Fault('invalidCursor');
    // a client that shows where a list has holes can say so; others ignore it
    const holes = missing.length === 0 ? '' : `"${MISSING}":${JSON.stringify(missing)}`;
    const meta = [own, holes].filter((text) => text !== '').join(',');
    const cache = call.client.era === 'modern' ? cachingOf(context, call, kind) : undefined;
    if (pageSize === 0 && !cursor) return call.sink.done({ kind: 'local', result, meta, cache });
    const from = cursor?.offset ?? 0;
    const to = pageSize === 0 ? items.length : from + pageSize;
    let more = extras;
    if (to < items.length) {
      const next: Cursor = { kind, generation: view.generation, offset: to };
      more += `,"nextCursor":${JSON.stringify(context.sealer.seal(JSON.stringify(next), boundTo(call)))}`;
    }
    call.sink.done({ kind: 'local', result: listResult(kind, items.slice(from, to), more), meta, cache });
  };
}

/** A cursor is good for the principal that got it and as long as the list stands. */
const boundTo = (call: Call): string => `cursor\0${call.principal.key}`;

function readCursor(context: MethodContext, call: Call, text: string): Cursor {
  const opened = context.sealer.open(text, boundTo(call));
  if (opened === undefined) throw new Fault('invalidCursor');
  return JSON.parse(opened) as Cursor;
}

export const listMethods = (Object.keys(ITEM_KINDS) as ItemKind[]).map(
  (kind) => [ITEM_KINDS[kind].method, listOf(kind)] as const,
);
