/** A look at every upstream of a config: several at once, and none is left running. */
import type { Config } from '../config/schema.ts';
import { createLogger } from '../telemetry/log.ts';
import { checkUpstream, type UpstreamCheck } from '../upstreams/check.ts';
import { specsOf } from '../upstreams/spec.ts';

/** What was found of one upstream. */
export type Connected = { readonly upstream: string } & UpstreamCheck;

/** Most that are looked at at once: each may be a process that is being started. */
const AT_ONCE = 8;

/** @param version of this package @returns one for each upstream that is enabled, in the order of the config */
export async function connectAll(config: Config, version: string): Promise<Connected[]> {
  const log = createLogger({ level: 'silent', format: 'json' });
  const found = new Map<string, UpstreamCheck>();
  const waiting = [...specsOf(config.upstreams)];
  const names = waiting.map(([name]) => name);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, spec] = next;
      found.set(name, await checkUpstream(spec, config.lists, version, log));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return names.map((upstream) => ({ upstream, ...found.get(upstream)! }));
}
