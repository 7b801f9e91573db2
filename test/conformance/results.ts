/** What the conformance suite writes about a scenario, and what to make of it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliEnd } from './suite-cli.ts';

/** What the suite found in one scenario. */
export interface ScenarioResult {
  readonly name: string;
  /** No check failed, and at least one succeeded besides the suite's check of every message against the schema. */
  readonly passed: boolean;
  /** Whether the requirement set counts it; the suite runs and reports others as well. */
  readonly scored: boolean;
  /** How many checks succeeded. */
  readonly succeeded: number;
  /** The failed checks, `id: text` each; what went wrong otherwise when the scenario gave no result. */
  readonly failures: readonly string[];
  /** Checks that warn: recommendations that were not followed. */
  readonly warnings: readonly string[];
}

/** One check of the suite. */
export interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly description: string;
  readonly errorMessage?: string;
}

/** The suite adds this check to every scenario in which it saw a message. */
const SCHEMA_CHECK = 'wire-schema-valid';

/**
 * The checks of one scenario, from the folder `<prefix><time>` that the suite made for it.
 * @param output where the suite saved its results
 * @returns `undefined` when it saved none
 */
export async function readChecks(output: string, prefix: string): Promise<Check[] | undefined> {
  const timed = (name: string) => name.startsWith(prefix) && /^\d{4}-\d\d-\d\dT/.test(name.slice(prefix.length));
  const mine = (await readdir(output)).find(timed);
  if (mine === undefined) return undefined;
  const text = await readFile(join(output, mine, 'checks.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Check[]);
}

/** Whether a scenario passed; one without any check that succeeded did not. */
export function judge(checks: readonly Check[] | undefined, end: CliEnd): Omit<ScenarioResult, 'name' | 'scored'> {
  const texts = (status: Check['status']) =>
    (checks ?? [])
      .filter((check) => check.status === status)
      .map(({ id, errorMessage, description }) => `${id}: ${errorMessage ?? description}`);
  const succeeded = (checks ?? []).filter(({ id, status }) => status === 'SUCCESS' && id !== SCHEMA_CHECK).length;
  const failures = texts('FAILURE');
  if (!checks) failures.push(`the suite gave no result; it ${end.how}, its last lines:\n${end.lastLines}`);
  else if (succeeded === 0 && failures.length === 0) failures.push('the scenario made no check that succeeded');
  return { passed: failures.length === 0, succeeded, failures, warnings: texts('WARNING') };
}

/** The results as a table: a mark, the name, how many checks succeeded, then one line per failure or warning. */
export function formatResults(results: readonly ScenarioResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  return results
    .flatMap(({ name, passed, scored, succeeded, failures, warnings }) => [
      `${passed ? 'pass' : 'FAIL'}  ${name.padEnd(width)}  ${succeeded} checks${scored ? '' : ' (not scored)'}`,
      ...failures.map((text) => `      ✗ ${text}`),
      ...warnings.map((text) => `      ! ${text}`),
    ])
    .join('\n');
}
