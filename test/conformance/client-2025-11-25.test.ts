/** The official conformance suite, revision 2025-11-25, client mode: the gateway's upstream side. */
import { expect, test } from 'vitest';
import { expectNoneMarked } from '../e2e/processes.ts';
import { requiredScenarios } from './requirements.ts';
import { runClientScenario } from './run-client-scenario.ts';

const REVISION = '2025-11-25';
const SCENARIO_MS = 60_000;
const SCENARIOS = ['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry'];

test('these are all the client scenarios of the requirement set that need no sign-in', async () => {
  const { scored } = await requiredScenarios(REVISION, 'client');
  expect(scored.filter((name) => !name.startsWith('auth/')).sort()).toEqual([...SCENARIOS].sort());
});

test.each(SCENARIOS)(
  '%s',
  async (name) => {
    const { mark, ...result } = await runClientScenario(name, REVISION);
    expect(result).toMatchObject({ passed: true, failures: [], warnings: [] });
    await expectNoneMarked(mark);
  },
  SCENARIO_MS,
);
