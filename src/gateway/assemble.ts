/** Puts the parts of a running gateway together from its configuration, and takes them apart again. */
import { createAuthenticate } from '../auth/authenticate.ts';
import type { Config } from '../config/schema.ts';
import { Announcer } from '../methods/announce.ts';
import type { MethodContext } from '../methods/context.ts';
import { sessionScope } from '../methods/route-one.ts';
import { buildView, type View } from '../methods/view.ts';
import { LearnedUris } from '../namespace/learned.ts';
import { Sealer } from '../sessions/seal.ts';
import { SessionStore } from '../sessions/session-store.ts';
import type { Logger } from '../telemetry/log.ts';
import { CatalogStore } from '../upstreams/catalog-store.ts';
import { Connector } from '../upstreams/connector.ts';
import { LinkPool, SHARED_SCOPE } from '../upstreams/pool.ts';
import { specsOf } from '../upstreams/spec.ts';
import { createGuard } from './guard.ts';
import { Heartbeat } from './heartbeat.ts';
import { LegacyCall } from './legacy-call.ts';
import type { Gateway } from './pipeline.ts';

export interface Assembly {
  readonly gateway: Gateway;
  /** Refuses new work from now on. */
  drain(): void;
  /** Calls in progress of all sessions. */
  inFlight(): number;
  /** Ends sessions, links and processes. Resolves when nothing is left. */
  close(): Promise<void>;
}

export function assemble(config: Config, version: string, log: Logger): Assembly {
  const specs = specsOf(config.upstreams);
  const names = [...specs.keys()];
  const connectors = new Map(
    [...specs].map(([name, spec]) => [name, new Connector(spec, log.child({ upstream: name }))] as const),
  );
  const pool = new LinkPool(
    connectors,
    {
      listChanged: (upstream) => void catalogs.refresh(upstream),
      log: () => undefined,
      closed: () => undefined,
    },
    log,
  );
  const catalogs = new CatalogStore({
    upstreams: names,
    limits: config.lists,
    refresh: config.lists.refresh,
    log,
    link: (upstream) => pool.lease(upstream, SHARED_SCOPE, { capabilities: {}, info: { name: 'patchbay', version } }),
    changed: () => announcer.changed(),
  });
  const view = memo(
    catalogs,
    () => buildView(catalogs.known(), { names: config.names, upstreams: names }, catalogs.generation),
    log,
  );
  const sessions = new SessionStore(config.sessions, (session, reason) => {
    log.info({ client: session.client.info?.name, reason }, 'session closed');
    session.stream?.close();
    for (const call of session.inFlight.values()) if (call instanceof LegacyCall) call.cancel('session closed');
    void pool.release(sessionScope(session.id));
  });
  const announcer = new Announcer(view, () => sessions.all());
  const learned = new Map<string, LearnedUris>();
  const context: MethodContext = {
    version,
    upstreams: specs,
    pool,
    catalogs,
    sealer: new Sealer(),
    log,
    lists: config.lists,
    separator: config.names.prefix === 'always' ? config.names.separator : undefined,
    view,
    learned: (principal) => {
      const own = learned.get(principal) ?? new LearnedUris();
      learned.set(principal, own);
      return own;
    },
  };
  const { server } = config;
  const heartbeat = new Heartbeat(server.keepAlive);
  let draining = false;
  const gateway: Gateway = {
    context,
    sessions,
    heartbeat,
    log,
    maxDepth: server.maxDepth,
    maxInFlight: config.sessions.maxInFlight,
    authenticate: createAuthenticate(config.auth.mode),
    guard: createGuard({
      host: server.host,
      publicUrl: server.publicUrl === undefined ? undefined : new URL(server.publicUrl),
      allowedHosts: server.allowedHosts,
      allowedOrigins: server.allowedOrigins,
    }),
    draining: () => draining,
  };
  return {
    gateway,
    drain: () => {
      draining = true;
    },
    inFlight: () => [...sessions.all()].reduce((sum, session) => sum + session.inFlight.size, 0),
    close: async () => {
      draining = true;
      announcer.close();
      heartbeat.stop();
      catalogs.close();
      sessions.close();
      await pool.close();
    },
  };
}

/** The view is built once for each state of the catalogs. */
function memo(catalogs: CatalogStore, build: () => View, log: Logger): () => View {
  let last: View | undefined;
  return () => {
    if (last?.generation === catalogs.generation) return last;
    last = build();
    for (const table of [last.tools, last.prompts])
      for (const { upstream, name, exposed, reason } of table.notes)
        log.debug({ upstream, name, exposed, reason }, 'exposed under another name');
    return last;
  };
}
