/** Another configuration for a running gateway: its upstreams, how they are named and listed, and who sees what of them. */
import { longestName } from '../config/hosts.ts';
import type { Config } from '../config/schema.ts';
import type { MethodContext } from '../methods/context.ts';
import type { Holds } from '../methods/shaped-catalog.ts';
import type { ViewCache, ViewSettings } from '../methods/view-cache.ts';
import type { Logger } from '../telemetry/log.ts';
import type { CatalogSettings } from '../upstreams/catalog-settings.ts';
import { Connector } from '../upstreams/connector.ts';
import { identityOf } from '../upstreams/identity.ts';
import { specsOf, type UpstreamSpec } from '../upstreams/spec.ts';
import type { PinBoard } from './pin-board.ts';

/** What depends on the configuration. */
export interface Reconfigurable {
  readonly context: MethodContext;
  readonly views: ViewCache;
  /** The upstreams of the context. */
  readonly specs: Map<string, UpstreamSpec>;
  /** What definitions are held against. */
  readonly pins: PinBoard | undefined;
  /** How long calls in progress may take to finish where their upstream goes, milliseconds. */
  readonly patience: number;
  readonly log: Logger;
}

/** What the catalogs are to know of a configuration. */
export const catalogSettings = (config: Config, specs: ReadonlyMap<string, UpstreamSpec>): CatalogSettings => ({
  upstreams: new Map(
    [...specs].map(([name, spec]) => [
      name,
      { shared: spec.sharing === 'shared', starts: spec.process !== undefined, identity: identityOf(spec) },
    ]),
  ),
  limits: config.lists,
  refresh: config.lists.refresh,
});

/** What the views are to know of a configuration. */
export const viewSettings = (
  config: Config,
  specs: ReadonlyMap<string, UpstreamSpec>,
  holds?: Holds,
): ViewSettings => ({
  holds,
  names: { ...config.names, maxLength: longestName(config.names) },
  upstreams: new Map(specs),
  hosts: config.names.hosts,
});

/** Between an upstream and a name in exposed names; `undefined` where names are not prefixed. */
export const separatorOf = ({ names }: Config): string | undefined =>
  names.prefix === 'always' ? names.separator : undefined;

/**
 * Takes over another configuration. Upstreams that stay as they are keep their links; those that go, or lead elsewhere,
 * finish the calls in progress first.
 * @param open whether everyone is let in
 */
export function reconfigure(
  { context, views, specs, pins, patience, log }: Reconfigurable,
  config: Config,
  open: boolean,
): void {
  const { pool, catalogs, profiles, grants } = context;
  const next = specsOf(config.upstreams);
  for (const name of specs.keys()) if (!next.has(name)) pool.remove(name, patience);
  for (const [name, spec] of next) {
    const before = specs.get(name);
    if (before && linksOf(before) === linksOf(spec)) pool.upstreams.get(name)?.configure(spec);
    else pool.add(new Connector(spec, log.child({ upstream: name })), patience);
  }
  specs.clear();
  for (const [name, spec] of next) specs.set(name, spec);
  profiles.configure(config.profiles, open ? undefined : config.auth.scopes);
  grants.configure(config.policy);
  endProfiles(context);
  context.lists = config.lists;
  context.separator = separatorOf(config);
  views.configure(viewSettings(config, specs, pins?.holds));
  catalogs.configure(catalogSettings(config, specs));
}

/** What was opened at profiles that are gone has nowhere to go on. */
function endProfiles({ profiles, sessions, listeners }: MethodContext): void {
  for (const session of [...sessions.all()])
    if (!profiles.get(session.client.profile)) sessions.end(session, 'its profile is gone');
  for (const listener of [...listeners.values()]) if (!profiles.get(listener.client.profile)) listener.end();
}

/** Equal for specs whose links are the same but for their limits. */
function linksOf(spec: UpstreamSpec): string {
  const { timeouts: _t, recovery: _r, items: _i, maxLinks: _m, maxLinksPerPrincipal: _p, spares: _s, ...others } = spec;
  return JSON.stringify([identityOf(spec), others]);
}
