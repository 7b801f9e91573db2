/** The official conformance suite, revision 2025-11-25, against the gateway with one conformant upstream behind it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import expected from './expected-2025-11-25.json' with { type: 'json' };
import { formatResults, runServerSuite, type ScenarioResult } from './run-server-suite.ts';

const REVISION = '2025-11-25';
const SUITE_MS = 120_000;

describe.each(['http', 'stdio'] as const)('behind the gateway, upstream over %s', (transport) => {
  let fixture: HttpFixture | undefined;
  let gateway: Gateway | undefined;
  let results: ScenarioResult[] = [];

  beforeAll(async () => {
    fixture = transport === 'http' ? await startFixture('conformance-server') : undefined;
    const upstream = fixture ? { url: fixture.url } : stdioUpstream('conformance-server');
    gateway = await startGateway({ config: { server: { port: 0, hold: '20ms' }, names: { prefix: 'never' }, upstreams: { conformance: upstream } } });
    results = await runServerSuite({ url: gateway.url, requirements: REVISION });
  }, SUITE_MS);

  afterAll(async () => {
    await gateway?.stop();
    await fixture?.stop();
  });

  test('every scenario of the requirement set is expected one way or the other', () => {
    const named = [...expected.required, ...expected['part-two']];
    expect(results.map(({ name }) => name).sort()).toEqual(named.sort());
  });

  test.each(expected.required)('%s', (name) => {
    expect(results.find((result) => result.name === name)).toMatchObject({ passed: true, failures: [] });
  });

  test('the other scenarios are reported', () => {
    const others = results.filter(({ name }) => expected['part-two'].includes(name));
    expect(others).toHaveLength(expected['part-two'].length);
    if (others.length > 0) console.log(`upstream over ${transport}, not required yet:\n${formatResults(others)}`);
  });
});
