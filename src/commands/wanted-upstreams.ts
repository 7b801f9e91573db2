/** Which upstreams a command is about. */
import { nearest } from '../config/nearest.ts';
import type { Config } from '../config/schema.ts';
import { CommandProblem } from './places.ts';

/**
 * @param named those that the command line names; all that are enabled without it
 * @throws CommandProblem for one that there is not
 */
export function wantedUpstreams({ upstreams }: Config, named: readonly string[] | undefined): readonly string[] {
  const enabled = Object.keys(upstreams).filter((name) => upstreams[name]!.enabled);
  for (const name of named ?? []) {
    if (enabled.includes(name)) continue;
    if (Object.hasOwn(upstreams, name)) throw new CommandProblem(`the upstream ${name} is not enabled`);
    const close = nearest(name, enabled);
    const mend = close === undefined ? `the upstreams are ${enabled.join(', ')}` : `did you mean ${close}?`;
    throw new CommandProblem(`there is no upstream ${name}; ${mend}`);
  }
  return named ?? enabled;
}

/** The members of a record with these keys. */
export const pick = <T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => keys.includes(key)));
