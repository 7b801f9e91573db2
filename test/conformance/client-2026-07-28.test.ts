/** The official conformance suite, revision 2026-07-28, client mode: the gateway's upstream side. */
import { expect, test } from 'vitest';
import { expectNoneMarked } from '../e2e/processes.ts';
import { requiredScenarios } from './requirements.ts';
import { runClientScenario } from './run-client-scenario.ts';

const REVISION = '2026-07-28';
const SCENARIO_MS = 60_000;
const SCENARIOS = [
  'tools_call',
  'request-metadata',
  'sep-2322-client-request-state',
  'http-standard-headers',
  'http-custom-headers',
  'http-invalid-tool-headers',
  'json-schema-ref-no-deref',
];
/** Run and reported by the suite, not scored. */
const MORE = ['json-schema-2020-12-preservation'];

test('these are all the client scenarios of the requirement set that need no sign-in', async () => {
  const { scored } = await requiredScenarios(REVISION, 'client');
  expect(scored.filter((name) => !name.startsWith('auth/')).sort()).toEqual([...SCENARIOS].sort());
});

test.each([...SCENARIOS, ...MORE])(
  '%s',
  async (name) => {
    const { mark, ...result } = await runClientScenario(name, REVISION);
    expect(result).toMatchObject({ passed: true, failures: [], warnings: [] });
    await expectNoneMarked(mark);
  },
  SCENARIO_MS,
);
