/** The part of a limit that each worker has, so that all of them together keep to it. */
import type { Config } from '../../config/schema.ts';

/**
 * The configuration for one worker of several: of `maxLinks` it has its part, one at least.
 * @param worker its number, from 1
 */
export function shareOf(config: Config, worker: number, of: number): Config {
  const part = (limit: number): number => Math.max(1, Math.floor(limit / of) + (worker <= limit % of ? 1 : 0));
  const upstreams = Object.entries(config.upstreams).map(([name, upstream]) => [
    name,
    { ...upstream, maxLinks: part(upstream.maxLinks) },
  ]);
  // what is sent from one process to another has a prototype, which names of upstreams must not meet
  return { ...config, upstreams: Object.assign(Object.create(null), Object.fromEntries(upstreams)) };
}
