/** What methods work with. */
import type { Grants } from '../auth/grants.ts';
import type { Profiles } from '../auth/profiles.ts';
import type { ElicitationIds } from '../bridge/elicitation-ids.ts';
import type { Parks } from '../bridge/parks.ts';
import type { Subscriptions } from '../bridge/subscriptions.ts';
import type { LearnedUris } from '../namespace/learned.ts';
import type { Call, ClientFacts } from '../protocol/call.ts';
import type { Params } from '../protocol/params.ts';
import type { Sealer } from '../sessions/seal.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import type { Audit } from '../telemetry/audit.ts';
import type { Logger } from '../telemetry/log.ts';
import type { CatalogStore } from '../upstreams/catalog-store.ts';
import type { LinkPool } from '../upstreams/pool.ts';
import type { UpstreamSpec } from '../upstreams/spec.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { HostedTasks } from './hosted-tasks.ts';
import type { Listener } from './listeners.ts';
import type { OpenedApps } from './opened-apps.ts';
import type { Rates } from './rates.ts';
import type { TaskListeners } from './task-listeners.ts';
import type { View } from './view.ts';

/** Who sees something: somebody who has connected to a profile. */
export type Viewer = Pick<Call, 'principal'> & { readonly client: Pick<ClientFacts, 'audience' | 'profile'> };

/** What methods share. Settings in it change when the configuration does. */
export interface MethodContext {
  readonly version: string;
  /** The number of this worker; `undefined` where there is one process alone. */
  readonly worker: number | undefined;
  /** What other workers have. */
  readonly elsewhere: Elsewhere | undefined;
  readonly upstreams: ReadonlyMap<string, UpstreamSpec>;
  readonly pool: LinkPool;
  readonly catalogs: CatalogStore;
  readonly sessions: SessionStore;
  readonly subscriptions: Subscriptions;
  readonly elicitations: ElicitationIds;
  /** Modern clients that listen, by id. */
  readonly listeners: Map<string, Listener>;
  /** Whose apps principals have opened. */
  readonly apps: OpenedApps;
  /** Calls that go on here as tasks. */
  readonly tasks: HostedTasks;
  readonly taskListeners: TaskListeners;
  /** Calls that wait for their modern clients. */
  readonly parks: Parks;
  readonly sealer: Sealer;
  /** How often items are used that have a limit. */
  readonly rates: Rates;
  readonly profiles: Profiles;
  /** Who may use what. */
  readonly grants: Grants;
  readonly audit: Audit;
  readonly log: Logger;
  lists: {
    /** Items a page; 0 is everything in one page. */
    readonly pageSize: number;
    /** How long a list waits for catalogs that are not known yet, milliseconds. */
    readonly firstWait: number;
  };
  /** Stands between upstream and name in exposed names; `undefined` where names are not prefixed. */
  separator: string | undefined;
  /** What somebody sees now. */
  view(viewer: Viewer): View;
  /** What there is for an audience, whoever may see it. */
  whole(audience: string): View;
  /** The URIs this principal has been shown in results. */
  learned(principal: string): LearnedUris;
}

/** Whether exactly one upstream is configured, which then shows through unchanged. */
export const isSole = (context: MethodContext): boolean => context.upstreams.size === 1;

/** Upstreams that somebody may see something of and whose catalogs are not known, with the reason as far as there is one. */
export function missingFor(context: MethodContext, viewer: Viewer) {
  const view = context.view(viewer);
  return context.catalogs.missing(viewer.client.audience).filter(({ upstream }) => view.concerns(upstream));
}

/** Resolves when the catalogs that somebody may see something of are known, have failed, or were waited for long enough. */
export const settled = (context: MethodContext, viewer: Viewer): Promise<void> =>
  context.catalogs.settled(viewer.client.audience, context.lists.firstWait, concernsOf(context, viewer));

/** Which upstreams matter to somebody. */
export function concernsOf(context: MethodContext, viewer: Viewer): (upstream: string) => boolean {
  const view = context.view(viewer);
  return (upstream) => view.concerns(upstream);
}

/** What the gateway says of itself to a client, as JSON text. */
export const serverInfo = ({ profiles }: MethodContext, { profile }: Pick<ClientFacts, 'profile'>): string =>
  (profiles.get(profile) ?? profiles.usual).serverInfo;

/**
 * One request method. It ends the call by `call.sink.done`, now or later.
 * @throws Fault or ParamsError, thrown or as a rejection, to end the call with that error
 */
export type Method = (context: MethodContext, call: Call, params: Params) => void | Promise<void>;
