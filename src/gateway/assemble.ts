/** Puts the parts of a running gateway together from its configuration, and takes them apart again. */
import { Addresses } from '../auth/addresses.ts';
import { ApiKeys } from '../auth/api-keys.ts';
import { createAuth } from '../auth/auth.ts';
import { createProver } from '../auth/dpop.ts';
import { Grants } from '../auth/grants.ts';
import { IssuerVerifiers } from '../auth/issuer-verifiers.ts';
import { Profiles } from '../auth/profiles.ts';
import { createSafeFetch, type SafeFetch } from '../auth/safe-fetch.ts';
import { TokenCache } from '../auth/token-cache.ts';
import { askClient } from '../bridge/ask-client.ts';
import { ElicitationIds } from '../bridge/elicitation-ids.ts';
import { Parks } from '../bridge/parks.ts';
import { Subscriptions } from '../bridge/subscriptions.ts';
import type { Config } from '../config/schema.ts';
import { Announcer } from '../methods/announce.ts';
import { isSole, type MethodContext } from '../methods/context.ts';
import { HostedTasks } from '../methods/hosted-tasks.ts';
import { OpenedApps } from '../methods/opened-apps.ts';
import { Rates } from '../methods/rates.ts';
import { gatewayLessee, sessionScope } from '../methods/scope.ts';
import { TaskListeners } from '../methods/task-listeners.ts';
import { ViewCache } from '../methods/view-cache.ts';
import { LearnedByPrincipal } from '../namespace/learned.ts';
import type { Call, Principal, Round } from '../protocol/call.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { Sealer } from '../sessions/seal.ts';
import { sealKeys } from '../sessions/seal-keys.ts';
import { SessionStore } from '../sessions/session-store.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import { openVault } from '../storage/vault.ts';
import { auditTo } from '../telemetry/audit.ts';
import type { Logger } from '../telemetry/log.ts';
import { CatalogStore, NO_AUDIENCE } from '../upstreams/catalog-store.ts';
import { Connector } from '../upstreams/connector.ts';
import { LinkPool } from '../upstreams/pool.ts';
import { SavedCatalogs, shelfOf } from '../upstreams/saved-catalogs.ts';
import { specsOf } from '../upstreams/spec.ts';
import type { LinkName } from '../upstreams/upstream-links.ts';
import { createDoor } from './door.ts';
import type { Gateway, InProgress } from './gateway.ts';
import { createGuard } from './guard.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Kept } from './kept.ts';
import { LegacyCall } from './legacy-call.ts';
import { catalogSettings, reconfigure, separatorOf, viewSettings } from './reconfigure.ts';
import { endUnwelcome } from './reconfigure-auth.ts';
import { takeBack } from './take-back.ts';
import { taskChanged } from './task-events.ts';
import { forgetSession, upstreamEvents } from './upstream-events.ts';

export interface Assembly {
  readonly gateway: Gateway;
  /** Refuses new work from now on. */
  drain(): void;
  /** Takes over another configuration, as far as it can without a restart. */
  reconfigure(config: Config): void;
  /** Other definitions are agreed to than before. */
  pinned(): void;
  /** Calls in progress of all sessions. */
  inFlight(): number;
  /** Ends sessions, links and processes. Resolves when nothing is left. */
  close(): Promise<void>;
}

/** How often replies whose head is held are looked at, milliseconds: often enough for the time they are held. */
const heldBeat = (hold: number): number => Math.min(250, Math.max(5, hold > 0 ? hold / 4 : 250));

export function assemble(
  config: Config,
  version: string,
  log: Logger,
  { database, vault = openVault(undefined, undefined, log), users, pins, SignIn, peers }: Kept = {},
): Assembly {
  const specs = specsOf(config.upstreams);
  // with those that were taken out and still finish their calls
  const known = new Map(specs);
  const { events, retry, deliver, ...limits } = config.sessions;
  const ask = (session: LegacySession, round: Round, from: Owner, stream: SessionStream) => {
    const { upstream } = round;
    const rules = {
      label: isSole(context) ? undefined : upstream,
      exposeUri: (uri: string) =>
        context.view(session).uris.exposeUri(upstream, uri, context.learned(session.principal.key)),
      exposeElicitation: (id: string) => context.elicitations.expose(from, id, session.id),
    };
    return askClient(session, round, stream, rules, { ...known.get(upstream)!.timeouts, deliver });
  };
  const pool = new LinkPool(
    upstreamEvents(() => context, ask),
    log,
  );
  for (const [name, spec] of specs) pool.add(new Connector(spec, log.child({ upstream: name })), 0);
  const catalogs = new CatalogStore({
    ...catalogSettings(config, specs),
    log,
    shelf: database?.path === undefined ? undefined : shelfOf(specs, new SavedCatalogs(database, log)),
    link: (upstream, audience) => pool.lease(upstream, gatewayLessee(context, upstream, audience)),
    retryIn: (upstream) => pool.upstreams.get(upstream)?.health.retryIn ?? 0,
    mask: (upstream, text) => pool.upstreams.get(upstream)?.mask(text) ?? text,
    changed: () => announcer.changed(),
  });
  const views = new ViewCache(catalogs, viewSettings(config, specs, pins?.holds), log);
  const warn = (details: object, text: string): void => log.warn(details, text);
  const streams = { worker: peers?.worker, events, retry, patience: limits.idleTimeout, warn };
  const ended = (session: LegacySession, reason: string): void => {
    log.info({ client: session.client.info?.name, reason }, 'session closed');
    for (const call of session.inFlight.values()) if (call instanceof LegacyCall) call.cancel('session closed');
    forgetSession(context, session);
    void pool.release(sessionScope(session.id));
    if (peers) peers.load = sessions.size;
  };
  const renewed = ({ principal, client: { profile } }: LegacySession, before: Principal): void => {
    // newer credentials may let through something else
    if (grants.of(principal, profile) !== grants.of(before, profile)) announcer.changed();
  };
  const sessions = new SessionStore(limits, streams, ended, renewed);
  const announcer = new Announcer(
    (reader) => context.view(reader),
    () => [...sessions.all(), ...context.listeners.values()],
    // what does not fit the config is told before anybody connects
    () => void views.whole(NO_AUDIENCE),
  );
  const learned = new LearnedByPrincipal(undefined, peers?.tallies);
  const audit = auditTo(log);
  const cache = new TokenCache();
  const keys =
    database && config.auth.mode.includes('apiKeys')
      ? new ApiKeys({ database, audit, cache, onRevoked: (principals) => takeBack(gateway, principals) })
      : undefined;
  const door = createDoor(config.auth, audit, keys, peers?.tallies);
  const open = config.auth.mode.includes('none');
  const profiles = new Profiles(config.profiles, open ? undefined : config.auth.scopes, version);
  const grants = new Grants(profiles, config.policy);
  const addresses = new Addresses(config.server.publicUrl);
  let fetchSafely = createSafeFetch({ allow: config.auth.allowAddresses });
  const signIn =
    database && SignIn && config.auth.mode.includes('embedded')
      ? new SignIn({
          ...{
            addresses,
            profiles,
            scopes: () => grants.scopes,
            settings: config.auth,
            database,
            vault,
            users,
            safeFetch: (...asked: Parameters<SafeFetch>) => fetchSafely(...asked),
            audit,
            log,
          },
          onRevoked: (principals) => takeBack(gateway, principals),
        })
      : undefined;
  // what they have learned and counted outlives an edit
  const [issuers, prove] = [new IssuerVerifiers(), createProver(addresses)];
  const authOf = (settings: Config['auth']) =>
    createAuth(settings, {
      ...{ addresses, log, cache, issuers, prove, safeFetch: fetchSafely },
      verifiers: [keys, signIn?.verifier].filter((one) => one !== undefined),
      admit: (address) => door.failures.check(address),
    });
  let auth = authOf(config.auth);
  let settings = config.auth;
  const takeOver = (next: Config['auth']): void => {
    if (JSON.stringify(next) === JSON.stringify(settings)) return;
    const before = settings;
    fetchSafely = createSafeFetch({ allow: next.allowAddresses });
    const made = authOf(next);
    [auth, settings] = [made, next];
    door.configure(next.limits);
    cache.forget(() => true);
    if (!open) signIn?.configure(next);
    endUnwelcome(gateway, before, next);
    auth.warm();
  };
  const context: MethodContext = {
    version,
    worker: peers?.worker,
    elsewhere: peers,
    upstreams: specs,
    pool,
    catalogs,
    sessions,
    subscriptions: new Subscriptions(),
    elicitations: new ElicitationIds(),
    listeners: new Map(),
    apps: new OpenedApps(peers?.tallies),
    tasks: new HostedTasks(
      config.sessions.maxParked,
      database && { database, vault },
      (task) => taskChanged(context, task),
      peers && { worker: peers.worker, elsewhere: peers },
    ),
    taskListeners: new TaskListeners(),
    parks: new Parks(config.sessions.maxParked),
    sealer: new Sealer(sealKeys(database, vault)),
    rates: new Rates('items', peers?.tallies),
    profiles,
    grants,
    audit,
    log,
    lists: config.lists,
    separator: separatorOf(config),
    view: ({ principal, client }) => views.get(client.audience, grants.of(principal, client.profile)),
    whole: (audience) => views.whole(audience),
    learned: (principal) => learned.of(principal),
  };
  const { server } = config;
  const timing = {
    held: new Heartbeat(heldBeat(server.hold)),
    streams: new Heartbeat(server.keepAlive),
    modern: new Heartbeat(server.keepAlive / 4),
    hold: server.hold,
  };
  const modernCalls = new Set<InProgress>();
  let draining = false;
  const gateway: Gateway = {
    context,
    peers,
    pins,
    timing,
    host: {
      get labelled() {
        return specs.size > 1;
      },
      ask: (session: LegacySession, round: Round, call: Call, stream: SessionStream) =>
        ask(session, round, { upstream: round.upstream, scope: call.scope! }, stream),
    },
    log,
    signIn,
    maxDepth: server.maxDepth,
    maxInFlight: limits.maxInFlight,
    get auth() {
      return auth;
    },
    door,
    open,
    guard: createGuard({
      host: server.host,
      publicUrl: server.publicUrl === undefined ? undefined : new URL(server.publicUrl),
      allowedHosts: server.allowedHosts,
      allowedOrigins: server.allowedOrigins,
    }),
    basePath: auth.addresses.path,
    modernCalls,
    patience: limits.idleTimeout,
    retry,
    opened: (session) => {
      announcer.opened(session);
      if (peers) peers.load = sessions.size;
    },
    listening: (listener) => announcer.opened(listener),
    draining: () => draining,
  };
  return {
    gateway,
    drain: () => {
      draining = true;
    },
    reconfigure: (next) => {
      reconfigure({ context, views, specs, pins, patience: server.drainTimeout, log }, next, open);
      takeOver(next.auth);
      for (const [name, spec] of specs) known.set(name, spec);
    },
    pinned: () => {
      views.rebuild();
      announcer.changed();
    },
    // those that wait for their clients may wait for long
    inFlight: () => sessions.inFlight + [...modernCalls].filter(({ exchange }) => exchange).length,
    close: async () => {
      draining = true;
      announcer.close();
      timing.held.stop();
      timing.streams.stop();
      timing.modern.stop();
      catalogs.close();
      for (const listener of [...context.listeners.values()]) listener.end();
      for (const call of [...modernCalls]) call.cutOff();
      for (const session of sessions.all()) {
        for (const call of [...session.inFlight.values()]) if (call instanceof LegacyCall) call.cutOff();
        session.sendAway();
      }
      sessions.close();
      await pool.close();
      keys?.close();
      signIn?.close();
    },
  };
}

type Owner = Pick<LinkName, 'upstream' | 'scope'>;
