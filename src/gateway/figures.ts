/** How the running gateway is doing, in numbers. */
import type { Figures } from '../telemetry/metrics.ts';
import { NO_AUDIENCE } from '../upstreams/catalog-store.ts';
import { liveGroups } from '../upstreams/groups.ts';
import type { Gateway } from './gateway.ts';

/** Reads the figures of this moment. */
export function figuresOf({ context }: Gateway): Figures {
  const { pool, catalogs, sessions } = context;
  // of the lists that the gateway fetches for clients without capabilities, which stand for all
  const missing = new Set(catalogs.missing(NO_AUDIENCE).map(({ upstream }) => upstream));
  return {
    sessions: sessions.size,
    calls: sessions.inFlight,
    processes: liveGroups().length,
    upstreams: [...pool.upstreams].map(([upstream, links]) => ({
      upstream,
      state: links.health.state,
      failures: links.health.failures,
      links: links.size,
      inFlight: links.inFlight,
      missing: missing.has(upstream),
    })),
  };
}
