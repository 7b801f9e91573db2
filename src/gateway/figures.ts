/** How the running gateway is doing, in numbers. */
import type { Figures } from '../telemetry/metrics.ts';
import type { Catalog } from '../upstreams/catalog.ts';
import { NO_AUDIENCE } from '../upstreams/catalog-store.ts';
import { liveGroups } from '../upstreams/groups.ts';
import type { Gateway } from './gateway.ts';
import type { PinBoard } from './pin-board.ts';

/** Reads the figures of this moment. */
export function figuresOf({ context, pins, modernCalls, peers }: Gateway): Figures {
  const { pool, catalogs, sessions } = context;
  const known = new Map(catalogs.known(NO_AUDIENCE).map((catalog) => [catalog.upstream, catalog]));
  return {
    sessions: sessions.size,
    calls: sessions.inFlight + modernCalls.size,
    processes: liveGroups().length,
    passed: peers?.passed ?? 0,
    upstreams: [...pool.upstreams].map(([upstream, links]) => ({
      upstream,
      state: links.health.state,
      failures: links.health.failures,
      links: links.size,
      inFlight: links.inFlight,
      // what is known from whichever audience is listed to all
      missing: catalogs.server(upstream) === undefined,
      ...deviationsOf(pins, known.get(upstream)),
    })),
  };
}

function deviationsOf(pins: PinBoard | undefined, catalog: Catalog | undefined): { changed: number; unpinned: number } {
  const found = pins && catalog ? pins.deviations(catalog) : [];
  const count = (change: string): number => found.filter((one) => one.change === change).length;
  return { changed: count('changed'), unpinned: count('new') };
}
