/**
 * Runs the official conformance suite against a server and reads its results.
 *
 *     node test/conformance/run-server-suite.ts --url URL --requirements 2025-11-25 [--scenario NAME ...]
 *
 * prints a table and, as the last line, `N passed, N failed`; it exits with 1 when anything failed.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requiredScenarios } from './requirements.ts';
import { formatResults, judge, readChecks, type ScenarioResult } from './results.ts';
import { type CliEnd, runCli } from './suite-cli.ts';

export interface SuiteOptions {
  /** The server's MCP endpoint; a loopback name, or the suite refuses one scenario. */
  readonly url: string;
  /** A protocol revision the suite has a requirement set for, e.g. `2025-11-25`. */
  readonly requirements: string;
  /** Only these scenarios; default: every server scenario of the requirement set. */
  readonly scenarios?: readonly string[];
}

/**
 * Runs the suite in a process of its own.
 * @returns one result per scenario, in the order of the requirement set or of `scenarios`; a scenario the suite gave no
 *   result for, because it crashed, hung or does not know the name, counts as failed
 */
export async function runServerSuite({ url, requirements, scenarios }: SuiteOptions): Promise<ScenarioResult[]> {
  const required = await requiredScenarios(requirements, 'server');
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
    return await Promise.all(
      names.map(async (name) => {
        const checks = await readChecks(output, `server-${name}-`);
        return { name, scored: required.scored.includes(name), ...judge(checks, ends.get(name)!) };
      }),
    );
  } finally {
    await rm(output, { recursive: true, force: true });
  }
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
