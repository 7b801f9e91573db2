/**
 * Upstreams that misbehave: each gives its caller an error that says which upstream and what, or is put up with, and never
 * disturbs the healthy one beside it.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { firstText, Session } from './client.ts';
import type { Rpc } from './exchange.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

/** An error has to be there within this time; no time limit of the upstreams below is that long. */
const SOON_MS = 5_000;
const STATUSES = [401, 404, 429, 500, 503];

const raw = (...args: string[]) => ({ args });
/** The hand-written upstreams that are reached over HTTP, by name. */
const HTTP_MODES: Readonly<Record<string, { readonly args: readonly string[] }>> = {
  garbageHttp: raw('garbage'),
  pretty: raw('pretty'),
  arraysHttp: raw('arrays'),
  stringIdsHttp: raw('string-ids'),
  drip: raw('slow-body', '2'),
  exitHttp: raw('exit-mid-call'),
  ...Object.fromEntries(STATUSES.map((status) => [`status${status}`, raw('status', String(status), 'tools/call')])),
};
const STDIO_MODES: Readonly<Record<string, string>> = {
  garbageStdio: 'garbage',
  arraysStdio: 'arrays',
  stringIdsStdio: 'string-ids',
  exitStdio: 'exit-mid-call',
};

let healthyUpstream: ScriptedUpstream;
let fixtures: HttpFixture[] = [];
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  healthyUpstream = await startUpstream({
    tools: [tool('echo')],
    handlers: { 'tools/call': ({ params }) => textResult(JSON.stringify(params?.arguments)) },
  });
  const modes = Object.entries(HTTP_MODES);
  fixtures = await Promise.all(modes.map(([, options]) => startFixture('raw-upstream', options)));
  const upstreams = {
    healthy: { url: healthyUpstream.url },
    ...Object.fromEntries(modes.map(([name], i) => [name, { url: fixtures[i]!.url }])),
    ...Object.fromEntries(
      Object.entries(STDIO_MODES).map(([name, mode]) => [name, stdioUpstream('raw-upstream', [mode])]),
    ),
    peer: stdioUpstream('peer-server'),
  };
  gateway = await startGateway({ config: { upstreams } });
  session = await Session.open(gateway.url);
  await vi.waitFor(async () => expect(await session.names()).toContain('peer__exit'), { timeout: 10_000 });
});

afterAll(async () => {
  await gateway?.stop();
  await Promise.all(fixtures.map((fixture) => fixture.stop()));
  await healthyUpstream?.close();
});

/** Calls a tool while the healthy upstream is used as well. @returns the error, which has to come soon */
async function failure(name: string, args: object = {}): Promise<NonNullable<Rpc['error']>> {
  const started = performance.now();
  const answer = session.request('tools/call', { name, arguments: args });
  expect(await session.callText('healthy__echo', { beside: name })).toBe(JSON.stringify({ beside: name }));
  const { error, result } = await answer;
  expect(result).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(SOON_MS);
  expect(await session.callText('healthy__echo', { after: name })).toBe(JSON.stringify({ after: name }));
  return error!;
}

/** Calls `raw` of an upstream three times at once. @returns nothing, when each call got its own answer */
async function expectServed(upstream: string): Promise<void> {
  const calls = ['a', 'b', 'c'].map((key) => session.callText(`${upstream}__raw`, { key }));
  const healthy = session.callText('healthy__echo', { beside: upstream });
  for (const [i, text] of (await Promise.all(calls)).entries()) {
    const { params } = JSON.parse(text) as { params: unknown };
    expect(params).toEqual({ name: 'raw', arguments: { key: 'abc'[i] } });
  }
  expect(await healthy).toBe(JSON.stringify({ beside: upstream }));
}

describe('put up with', () => {
  test.each(['garbageStdio', 'garbageHttp'])('#157 noise around the messages (%s)', async (upstream) => {
    await expectServed(upstream);
  });

  test('#157 the noise on stdout is in the log', async () => {
    const { line } = await gateway.waitForLog((log) => log.upstream === 'garbageStdio' && log.line !== undefined);
    expect(String(line)).toMatch(/\S/);
  });

  test('bodies on several lines', () => expectServed('pretty'));

  test.each(['arraysStdio', 'arraysHttp'])('every answer in an array, beside notifications (%s)', async (upstream) => {
    await expectServed(upstream);
  });

  test.each(['stringIdsStdio', 'stringIdsHttp'])('numbers as ids that come back as strings (%s)', async (upstream) => {
    const answer = await session.request('tools/call', { name: `${upstream}__raw` }, 5);
    expect(answer.id).toBe(5);
    expect(firstText(answer.result ?? {})).toContain('tools/call');
  });

  test('a body that comes byte by byte', async () => {
    const slow = session.result('tools/call', { name: 'drip__raw' });
    expect(await session.callText('healthy__echo', { quick: true })).toBe('{"quick":true}');
    expect(await slow).toEqual({ content: [] });
  });
});

describe('an error of HTTP', () => {
  test.each(STATUSES)('status %i to a call → -32603 that names upstream and status', async (status) => {
    const { code, message } = await failure(`status${status}__raw`);
    expect(code).toBe(-32603);
    expect(message).toContain(`status${status}`);
    expect(message).toContain(`HTTP ${status}`);
  });

  test('is an answer in band: HTTP 200, with nothing of the upstream’s headers', async () => {
    const answer = await session.call('status401__raw', {}, { id: 1 });
    await answer.ended();
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
    expect(answer.text).not.toContain('This upstream answers');
  });
});

describe('a process or server that ends in mid-call', () => {
  test.each(['exitStdio', 'exitHttp'])('%s: -32603 that says the outcome is unknown', async (upstream) => {
    const { code, message } = await failure(`${upstream}__raw`);
    expect(code).toBe(-32603);
    expect(message).toContain(upstream);
    expect(message).toMatch(/unknown/);
  });

  test('#158 every call in flight fails, and the next one gets a new process', async () => {
    const pid = async () => {
      const { structuredContent } = await session.result('tools/call', { name: 'peer__whoami' });
      return (structuredContent as { pid: number }).pid;
    };
    const first = await pid();
    const asleep = [1, 2].map(() => session.request('tools/call', { name: 'peer__sleep', arguments: { ms: 60_000 } }));
    const { code, message } = await failure('peer__exit', { code: 7 });
    expect({ code, message }).toMatchObject({ code: -32603, message: expect.stringMatching(/peer.*code 7/) });
    for (const { error } of await Promise.all(asleep)) expect(error?.code).toBe(-32603);
    expect(await pid()).not.toBe(first);
  });
});

describe('an upstream that is not there', () => {
  test('a command that cannot be started or a port that refuses: the log names it, the others are served', async () => {
    const upstreams = {
      nothing: { command: 'patchbay-test-no-such-command' },
      script: { command: process.execPath, args: ['-e', 'process.exit(9)'] },
      refused: { url: 'http://127.0.0.1:1/mcp' },
      healthy: { url: healthyUpstream.url },
    };
    const own = await startGateway({ config: { lists: { firstWait: '1s' }, upstreams } });
    try {
      const client = await Session.open(own.url);
      expect(await client.callText('healthy__echo', { alive: true })).toBe('{"alive":true}');
      for (const [upstream, says] of [
        ['nothing', /cannot start "patchbay-test-no-such-command"/],
        ['script', /exited with code 9/],
        ['refused', /nobody listens at its address/],
      ] as const) {
        await own.waitForLog((line) => line.upstream === upstream && says.test(String(line.problem)));
        expect((await client.request('tools/call', { name: `${upstream}__raw` })).error).toMatchObject({
          code: -32603,
          message: expect.stringContaining(`${upstream} is not available`),
        });
      }
      expect(await client.callText('healthy__echo', { still: true })).toBe('{"still":true}');
    } finally {
      await own.stop();
    }
  });

  test('a status that refuses everything: the log names it, the others are served', async () => {
    const refusing = await Promise.all(
      STATUSES.map((status) => startFixture('raw-upstream', { args: ['status', String(status)] })),
    );
    const upstreams = {
      ...Object.fromEntries(
        STATUSES.map((status, i) => [`s${status}`, { url: refusing[i]!.url, transport: 'streamable-http' }]),
      ),
      healthy: { url: healthyUpstream.url },
    };
    const own = await startGateway({ config: { upstreams } });
    try {
      const client = await Session.open(own.url);
      expect(await client.names()).toEqual(['healthy__echo']);
      for (const status of STATUSES) {
        const { problem } = await own.waitForLog(
          (line) => line.upstream === `s${status}` && line.problem !== undefined,
        );
        expect(String(problem)).toContain(`HTTP ${status}`);
      }
      expect(await client.callText('healthy__echo', { alive: true })).toBe('{"alive":true}');
    } finally {
      await own.stop();
      await Promise.all(refusing.map((fixture) => fixture.stop()));
    }
  });
});
