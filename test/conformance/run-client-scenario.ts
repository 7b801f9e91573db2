import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, readChecks, type ScenarioResult } from './results.ts';
import { runCli } from './suite-cli.ts';

/** The command under test: the gateway with a driver in front of it. */
const COMMAND = 'node test/conformance/client-wrapper.ts';

export interface ClientScenario extends ScenarioResult {
  /** The TMPDIR that every process of this run was started with. */
  readonly mark: string;
}

/**
 * Runs one scenario of the suite's client mode against the gateway's upstream side.
 * @param revision e.g. `2025-11-25`
 * @returns what the suite found; it counts as failed as well when the command failed, and when a recommendation was not
 *   followed, which is how the suite sees it
 */
export async function runClientScenario(name: string, revision: string): Promise<ClientScenario> {
  const base = await mkdtemp(join(tmpdir(), 'patchbay-client-suite-'));
  const [output, mark] = [join(base, 'results'), join(base, 'tmp')];
  try {
    await Promise.all([output, mark].map((directory) => mkdir(directory)));
    const args = ['client', '--command', COMMAND, '--scenario', name, '--spec-version', revision];
    const end = await runCli([...args, '--output-dir', output], 1, { env: { TMPDIR: mark } });
    const verdict = judge(await readChecks(output, `${name}-`), end);
    const passed = verdict.passed && end.code === 0;
    const failures = passed || verdict.failures.length > 0 ? verdict.failures : [`it ${end.how}:\n${end.lastLines}`];
    return { name, scored: true, ...verdict, passed, failures, mark };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
