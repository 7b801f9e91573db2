/** How the running gateway is doing, in numbers. */
import type { Figures } from '../telemetry/metrics.ts';
import { liveGroups } from '../upstreams/groups.ts';
import type { Gateway } from './gateway.ts';

/** Reads the figures of this moment. */
export function figuresOf({ context, modernCalls }: Gateway): Figures {
  const { pool, catalogs, sessions } = context;
  return {
    sessions: sessions.size,
    calls: sessions.inFlight + modernCalls.size,
    processes: liveGroups().length,
    upstreams: [...pool.upstreams].map(([upstream, links]) => ({
      upstream,
      state: links.health.state,
      failures: links.health.failures,
      links: links.size,
      inFlight: links.inFlight,
      // what is known from whichever audience is listed to all
      missing: catalogs.server(upstream) === undefined,
    })),
  };
}
