/** The official conformance suite, revision 2025-11-25, against the gateway with one conformant upstream behind it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from '../gateway/client.ts';
import expected from './expected-2025-11-25.json' with { type: 'json' };
import { type NameMapper, startNameMapper } from './name-mapper.ts';
import type { ScenarioResult } from './results.ts';
import { runServerSuite } from './run-server-suite.ts';

const REVISION = '2025-11-25';
const SUITE_MS = 120_000;

describe.each([
  { title: 'upstream over http', transport: 'http', prefix: 'never' },
  { title: 'upstream over stdio', transport: 'stdio', prefix: 'never' },
  { title: 'upstream over http, names prefixed and mapped back before the suite', transport: 'http', prefix: 'always' },
  {
    title: 'upstream over stdio, names prefixed and mapped back before the suite',
    transport: 'stdio',
    prefix: 'always',
  },
])('behind the gateway, $title', ({ transport, prefix }) => {
  let fixture: HttpFixture | undefined;
  let gateway: Gateway;
  let mapper: NameMapper | undefined;
  let results: ScenarioResult[] = [];

  beforeAll(async () => {
    fixture = transport === 'http' ? await startFixture('conformance-server') : undefined;
    const conformance = fixture ? { url: fixture.url } : stdioUpstream('conformance-server');
    const config = { names: { prefix }, upstreams: { conformance } };
    gateway = await startGateway({ config });
    mapper = prefix === 'always' ? await startNameMapper(gateway.url, 'conformance__') : undefined;
    results = await runServerSuite({ url: mapper?.url ?? gateway.url, requirements: REVISION });
  }, SUITE_MS);

  afterAll(async () => {
    await mapper?.close();
    await gateway?.stop();
    await fixture?.stop();
  });

  test('names are exposed as the config says', async () => {
    const session = await Session.open(gateway.url);
    const names = [...(await session.names()), ...(await session.names('prompts/list', 'prompts'))];
    await session.end();
    expect(names.length).toBeGreaterThan(1);
    expect(names.filter((name) => name.startsWith('conformance__'))).toEqual(prefix === 'always' ? names : []);
  });

  test('every scenario of the requirement set is required', () => {
    expect(results.map(({ name }) => name).sort()).toEqual([...expected.required].sort());
  });

  test('polling: the reply can be resumed; where the upstream closes its stream, the client is sent away and comes back', () => {
    const { succeeded } = results.find(({ name }) => name === 'server-sse-polling')!;
    // the priming event and its retry; over HTTP also the answer on the resumed stream
    expect(succeeded).toBe(transport === 'http' ? 3 : 2);
  });

  test.each(expected.required)('%s', (name) => {
    expect(results.find((result) => result.name === name)).toMatchObject({ passed: true, failures: [] });
  });
});
