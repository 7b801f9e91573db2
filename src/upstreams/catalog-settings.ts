/** What the store of catalogs is told of upstreams, and what it needs of others. */
import type { Logger } from '../telemetry/log.ts';
import type { Catalog, Snapshot } from './catalog.ts';
import type { FetchLimits } from './catalog-fetch.ts';
import type { Link } from './link.ts';

/** What outlives the process. */
export interface CatalogShelf {
  load(upstream: string, audience: string): Snapshot | undefined;
  /** Takes every catalog that was fetched, changed or not. */
  save(upstream: string, audience: string, catalog: Snapshot): void;
}

export interface CatalogSource {
  /** Whether all clients share its links, which are told of no capabilities. */
  readonly shared: boolean;
  /** Whether it is a process that has to be started, which takes its time. */
  readonly starts: boolean;
  /** Equal for as long as what it lists can be the same. */
  readonly identity: string;
}

export interface CatalogSettings {
  /** Every upstream in config order. */
  readonly upstreams: ReadonlyMap<string, CatalogSource>;
  readonly limits: FetchLimits;
  /** The age at which a catalog is fetched again, milliseconds. */
  readonly refresh: number;
}

export interface CatalogStoreOptions extends CatalogSettings {
  readonly log: Logger;
  /** Nothing outlives the process without it. */
  readonly shelf?: CatalogShelf | undefined;
  /** A link to fetch over, told of the audience's capabilities. */
  link(upstream: string, audience: string): Link | Promise<Link>;
  /** Milliseconds in which asking this upstream for anything is no use. */
  retryIn(upstream: string): number;
  /** A text of this upstream without the secrets that it was given. */
  mask(upstream: string, text: string): string;
  /** What lists are made of differs from before: this catalog, or the upstreams. */
  changed(catalog?: Catalog): void;
}
