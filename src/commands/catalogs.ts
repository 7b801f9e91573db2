/** What the upstreams of a config list, for commands that run beside the gateway: from what it keeps, or by asking them. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { assemble } from '../gateway/assemble.ts';
import { openDatabase } from '../storage/database.ts';
import { FILE } from '../storage/open.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Catalog } from '../upstreams/catalog.ts';
import { NO_AUDIENCE } from '../upstreams/catalog-store.ts';
import { catalogKey } from '../upstreams/identity.ts';
import { SavedCatalogs } from '../upstreams/saved-catalogs.ts';
import { specsOf } from '../upstreams/spec.ts';
import { stateFolder } from './state-folder.ts';

export interface FoundCatalogs {
  /** In config order. */
  readonly catalogs: readonly Catalog[];
  /** Upstreams of which nothing could be found out, with the reason. */
  readonly missing: readonly { readonly upstream: string; readonly problem: string }[];
}

export interface CatalogQuery {
  readonly config: Config;
  /** The config file. */
  readonly file: string;
  /** Of this package. */
  readonly version: string;
  readonly log: Logger;
  /** Whether all upstreams are asked, whatever is kept of them. */
  readonly fresh: boolean;
}

/** Upstreams of which nothing is kept are started or connected to, asked, and left again. */
export async function findCatalogs({ config, file, version, log, fresh }: CatalogQuery): Promise<FoundCatalogs> {
  const specs = specsOf(config.upstreams);
  const kept = fresh ? new Map<string, Catalog>() : keptOf(config, file, log);
  const asked = Object.entries(config.upstreams).filter(([name]) => specs.has(name) && !kept.has(name));
  const { catalogs, missing } = asked.length === 0 ? { catalogs: [], missing: [] } : await ask();
  const all = new Map([...kept, ...catalogs.map((catalog) => [catalog.upstream, catalog] as const)]);
  return { catalogs: [...specs.keys()].flatMap((name) => all.get(name) ?? []), missing };

  async function ask(): Promise<FoundCatalogs> {
    const auth = { ...config.auth, mode: ['none' as const] };
    const part = { ...config, auth, upstreams: Object.fromEntries(asked), profiles: {} };
    const assembly = assemble(part, version, log);
    try {
      const { catalogs: store } = assembly.gateway.context;
      const longest = Math.max(...[...specs.values()].map(({ timeouts }) => timeouts.open + timeouts.request));
      await store.sure(NO_AUDIENCE, longest);
      const missing = store.missing(NO_AUDIENCE);
      return {
        catalogs: store.known(NO_AUDIENCE),
        missing: missing.map(({ upstream, problem = 'it did not answer in time' }) => ({ upstream, problem })),
      };
    } finally {
      await assembly.close();
    }
  }
}

function keptOf(config: Config, file: string, log: Logger): Map<string, Catalog> {
  const folder = folderOf(config, file);
  // a command that only looks begins no file
  if (folder === undefined || !existsSync(join(folder, FILE))) return new Map();
  const database = openDatabase(folder, log);
  try {
    const saved = new SavedCatalogs(database, log);
    const found = new Map<string, Catalog>();
    for (const [name, spec] of specsOf(config.upstreams)) {
      const catalog = saved.load(catalogKey(spec, NO_AUDIENCE));
      if (catalog) found.set(name, { ...catalog, generation: 0 });
    }
    return found;
  } finally {
    database.close();
  }
}

function folderOf(config: Config, file: string): string | undefined {
  try {
    return stateFolder(config.storage.folder, { env: process.env, config: file, home: homedir });
  } catch {
    // a user without a home keeps nothing
    return undefined;
  }
}
