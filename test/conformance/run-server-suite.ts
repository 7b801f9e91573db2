/**
 * Runs the official conformance suite against a server and reads its results.
 *
 *     node test/conformance/run-server-suite.ts --url URL --requirements 2025-11-25 [--scenario NAME ...]
 *
 * prints a table and, as the last line, `N passed, N failed`; it exits with 1 when anything failed.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requiredScenarios } from './requirements.ts';
import { type CliEnd, runCli } from './suite-cli.ts';

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

export interface SuiteOptions {
  /** The server's MCP endpoint; a loopback name, or the suite refuses one scenario. */
  readonly url: string;
  /** A protocol revision the suite has a requirement set for, e.g. `2025-11-25`. */
  readonly requirements: string;
  /** Only these scenarios; default: every server scenario of the requirement set. */
  readonly scenarios?: readonly string[];
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly description: string;
  readonly errorMessage?: string;
}

/** The suite adds this check to every scenario in which it saw a message. */
const SCHEMA_CHECK = 'wire-schema-valid';

/**
 * Runs the suite in a process of its own.
 * @returns one result per scenario, in the order of the requirement set or of `scenarios`; a scenario the suite gave no
 *   result for, because it crashed, hung or does not know the name, counts as failed
 */
export async function runServerSuite({ url, requirements, scenarios }: SuiteOptions): Promise<ScenarioResult[]> {
  const required = await requiredScenarios(requirements);
  const names = scenarios ?? [...required.scored, ...required.notScored];
  const output = await mkdtemp(join(tmpdir(), 'patchbay-conformance-'));
  try {
    const base = ['server', '--url', url, '--output-dir', output];
    const ends = new Map<string, CliEnd>();
    if (scenarios) {
      for (const name of scenarios) {
        ends.set(name, await runCli([...base, '--spec-version', requirements, '--scenario', name], 1));
      }
    } else {
      const end = await runCli([...base, '--requirements', requirements], names.length);
      for (const name of names) ends.set(name, end);
    }
    const directories = await readdir(output);
    return await Promise.all(
      names.map(async (name) => {
        const checks = await readChecks(output, directories, name);
        return { name, scored: required.scored.includes(name), ...judge(checks, ends.get(name)!) };
      }),
    );
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

/** The checks of one scenario: the suite saves them in `server-<name>-<time>/checks.json`. */
async function readChecks(output: string, directories: string[], name: string): Promise<Check[] | undefined> {
  const prefix = `server-${name}-`;
  const mine = directories.find((d) => d.startsWith(prefix) && /^\d{4}-\d\d-\d\dT/.test(d.slice(prefix.length)));
  if (mine === undefined) return undefined;
  const text = await readFile(join(output, mine, 'checks.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Check[]);
}

function judge(checks: readonly Check[] | undefined, end: CliEnd): Omit<ScenarioResult, 'name' | 'scored'> {
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

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      requirements: { type: 'string', default: '2025-11-25' },
      scenario: { type: 'string', multiple: true },
    },
  });
  if (!values.url) throw new Error('--url is missing: the MCP endpoint to test, e.g. http://127.0.0.1:8080/mcp');
  const { url, requirements, scenario } = values;
  const results = await runServerSuite({ url, requirements, ...(scenario ? { scenarios: scenario } : {}) });
  const failed = results.filter(({ passed }) => !passed).length;
  console.log(formatResults(results));
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}
