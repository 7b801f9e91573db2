/** How long lists stay good for clients, and who may share them (2026-07-28, caching). */
import type { Caching } from '../protocol/call.ts';
import type { Catalog, ItemKind } from '../upstreams/catalog.ts';
import { concernsOf, type MethodContext, missingFor, type Viewer } from './context.ts';

/** For lists of servers that say nothing of this but tell of changes, and of those that do not, milliseconds. */
const WITH_CHANGES = 60_000;
const WITHOUT = 5_000;

/**
 * Of a merged list, or of all that is known where no kind is given: as short-lived as the shortest-lived part, and private
 * unless every upstream has said that its own is public and everyone may see the same.
 */
export function cachingOf(context: MethodContext, viewer: Viewer, kind?: ItemKind): Caching {
  const { catalogs: store } = context;
  const { audience } = viewer.client;
  const concerns = concernsOf(context, viewer);
  // not those of the view, which stays the same when one is fetched again and has not changed
  const catalogs = store.known(audience).filter(({ upstream }) => concerns(upstream));
  // what is not known, or of others, is mended in a moment
  if (missingFor(context, viewer).length > 0 || store.unsure(audience, concerns))
    return { ttlMs: 0, cacheScope: 'private' };
  let ttlMs = WITH_CHANGES;
  let shared = catalogs.length > 0 && !context.grants.personal;
  for (const catalog of catalogs) {
    const own = kind && catalog.caching[kind];
    ttlMs = Math.min(ttlMs, own ? Math.max(0, own.ttlMs - (Date.now() - catalog.fetchedAt)) : usual(catalog, kind));
    shared &&= own?.cacheScope === 'public';
  }
  return { ttlMs, cacheScope: shared ? 'public' : 'private' };
}

function usual({ server }: Catalog, kind: ItemKind | undefined): number {
  const capability = kind === 'resourceTemplates' ? 'resources' : kind;
  const declared =
    capability === undefined ? {} : ((server.capabilities[capability] ?? {}) as { listChanged?: unknown });
  // what is not offered at all does not change often
  if (capability === undefined || !Object.hasOwn(server.capabilities, capability)) return WITH_CHANGES;
  return declared.listChanged === true ? WITH_CHANGES : WITHOUT;
}
