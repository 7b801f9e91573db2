/** What methods work with. */
import type { ScopePolicy } from '../auth/scopes.ts';
import type { ElicitationIds } from '../bridge/elicitation-ids.ts';
import type { Parks } from '../bridge/parks.ts';
import type { Subscriptions } from '../bridge/subscriptions.ts';
import type { LearnedUris } from '../namespace/learned.ts';
import type { Call } from '../protocol/call.ts';
import type { Params } from '../protocol/params.ts';
import type { Sealer } from '../sessions/seal.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import type { Logger } from '../telemetry/log.ts';
import type { CatalogStore } from '../upstreams/catalog-store.ts';
import type { LinkPool } from '../upstreams/pool.ts';
import type { UpstreamSpec } from '../upstreams/spec.ts';
import type { HostedTasks } from './hosted-tasks.ts';
import type { Listener } from './listeners.ts';
import type { OpenedApps } from './opened-apps.ts';
import type { TaskListeners } from './task-listeners.ts';
import type { View } from './view.ts';

/** What methods share. Settings in it change when the configuration does. */
export interface MethodContext {
  readonly version: string;
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
  /** Which scopes are needed for what. */
  readonly policy: ScopePolicy;
  /** What the gateway says of itself, as JSON text. */
  readonly serverInfo: string;
  readonly log: Logger;
  lists: {
    /** Items a page; 0 is everything in one page. */
    readonly pageSize: number;
    /** How long a list waits for catalogs that are not known yet, milliseconds. */
    readonly firstWait: number;
  };
  /** Stands between upstream and name in exposed names; `undefined` where names are not prefixed. */
  separator: string | undefined;
  /** The current view for an audience. */
  view(audience: string): View;
  /** The URIs this principal has been shown in results. */
  learned(principal: string): LearnedUris;
}

/** Whether exactly one upstream is configured, which then shows through unchanged. */
export const isSole = (context: MethodContext): boolean => context.upstreams.size === 1;

/** What a call's client sees. */
export const viewOf = (context: MethodContext, { client }: Pick<Call, 'client'>): View => context.view(client.audience);

/**
 * One request method. It ends the call by `call.sink.done`, now or later.
 * @throws Fault or ParamsError, thrown or as a rejection, to end the call with that error
 */
export type Method = (context: MethodContext, call: Call, params: Params) => void | Promise<void>;
