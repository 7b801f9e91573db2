/**
 * The official conformance suite at both revisions against the gateway in front of an upstream that knows the legacy era
 * alone, the modern era alone, or both: on the diagonal the gateway must be transparent, off it everything is translated.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import impossible from './impossible.json' with { type: 'json' };
import { requiredScenarios } from './requirements.ts';
import type { ScenarioResult } from './results.ts';
import { runServerSuite } from './run-server-suite.ts';

const SUITE_MS = 240_000;
/** Beside the scored ones. */
const UNSCORED = ['http-header-validation', 'http-custom-header-server-validation', 'json-schema-2020-12'];

/** Of those about tasks, the suite itself skips the one about notifications; the fixture has tasks over HTTP. */
const isTask = (name: string): boolean => name.startsWith('tasks-') && name !== 'tasks-status-notifications';

const required: Record<string, readonly string[]> = {};
let tasks: readonly string[] = [];
for (const revision of ['2025-11-25', '2026-07-28']) {
  const { scored, notScored } = await requiredScenarios(revision, 'server');
  required[revision] = [...scored, ...notScored.filter((name) => UNSCORED.includes(name))];
  tasks = notScored.filter(isTask);
}

const cells = ['legacy', 'modern', 'dual'].flatMap((era) =>
  ['http', 'stdio'].flatMap((transport) =>
    Object.keys(required).map((revision) => {
      const more = revision === '2026-07-28' && transport === 'http' && era !== 'legacy' ? tasks : [];
      return { era, transport, revision, names: [...required[revision]!, ...more] };
    }),
  ),
);

test('there is a scenario for everything that is said to be impossible', () => {
  for (const { revision, scenario, reason } of impossible) {
    expect(required[revision]).toContain(scenario);
    expect(reason).toMatch(/\.$/);
  }
  expect(required['2026-07-28']).toHaveLength(40);
  expect(tasks).toHaveLength(9);
});

describe.each(cells)('$revision in front of a $era upstream over $transport', ({ era, transport, revision, names }) => {
  let fixture: HttpFixture | undefined;
  let gateway: Gateway;
  let results: ScenarioResult[] = [];

  beforeAll(async () => {
    fixture = transport === 'http' ? await startFixture('eras-server', { args: [era] }) : undefined;
    const upstream = fixture ? { url: fixture.url } : stdioUpstream('eras-server', [era]);
    gateway = await startGateway({ config: { names: { prefix: 'never' }, upstreams: { upstream } } });
    // the suite gives some of its requests half a second, which a process may need to start on a busy machine
    for (const capabilities of [
      {},
      { elicitation: {} },
      { sampling: {}, elicitation: {}, roots: { listChanged: true } },
    ])
      await new ModernClient(gateway.url, capabilities).call('test_simple_text');
    results = await runServerSuite({ url: gateway.url, requirements: revision });
  }, SUITE_MS);

  afterAll(async () => {
    await gateway?.stop();
    await fixture?.stop();
  });

  test.each(names)('%s', (name) => {
    const result = results.find((one) => one.name === name);
    const known = impossible.some((one) => one.upstream === era && one.revision === revision && one.scenario === name);
    if (known) expect(result).toMatchObject({ passed: false });
    else expect(result).toMatchObject({ passed: true, failures: [] });
  });
});
