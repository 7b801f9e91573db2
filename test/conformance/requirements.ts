import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { SUITE } from './suite-cli.ts';

/** The side of the protocol that a scenario tests. */
export type Leg = 'server' | 'client';

/** The scenarios of one requirement set and leg, in the suite's order. */
export interface RequiredScenarios {
  /** Those that conformance to the revision requires. */
  readonly scored: readonly string[];
  /** Those the suite runs and reports only. */
  readonly notScored: readonly string[];
}

/**
 * Reads a requirement set from the installed suite.
 * @param revision e.g. `2025-11-25`
 * @throws Error when the suite has no such set
 */
export async function requiredScenarios(revision: string, leg: Leg): Promise<RequiredScenarios> {
  const file = join(SUITE, 'requirements', `${revision}.yaml`);
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`the conformance suite has no requirement set ${revision}: ${file} is not there`);
  });
  const set = parse(text) as Record<Leg, string[]> & { not_scored: { scenario: string; leg: string }[] };
  return {
    scored: set[leg],
    notScored: set.not_scored.filter((entry) => entry.leg === leg).map(({ scenario }) => scenario),
  };
}
