/** `timeouts.call`, `callMax` and `request` take effect, and say so to who waits for an answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import type { Rpc } from './exchange.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

/** How much later than its time limit an error may come, on a busy machine. */
const SLACK_MS = 3_000;

let scripted: ScriptedUpstream;
let peer: HttpFixture;
let drip: HttpFixture;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  const never = () => undefined;
  scripted = await startUpstream({
    tools: [tool('never'), tool('echo')],
    prompts: [{ name: 'never' }],
    resources: [{ uri: 'never://here', name: 'never' }],
    capabilities: { completions: {} },
    handlers: {
      'tools/call': ({ params }) => (params?.name === 'echo' ? textResult('echo') : undefined),
      'prompts/get': never,
      'resources/read': never,
      'completion/complete': never,
    },
  });
  peer = await startFixture('peer-server');
  drip = await startFixture('raw-upstream', { args: ['slow-body', '50'] });
  const timeouts = { call: '300ms', callMax: '900ms', request: '400ms' };
  const upstreams = {
    scripted: { url: scripted.url, timeouts },
    peer: { url: peer.url, timeouts },
    // its reports may be late on a busy machine
    patient: { url: peer.url, timeouts: { ...timeouts, call: '2s', callMax: '1m' } },
    peerStdio: { ...stdioUpstream('peer-server'), timeouts },
    late: { ...stdioUpstream('raw-upstream', ['late']), timeouts },
    drip: { url: drip.url, timeouts },
    healthy: { url: scripted.url },
  };
  gateway = await startGateway({ config: { upstreams } });
  session = await Session.open(gateway.url);
  // the links are open before anything is timed
  for (const upstream of ['peer', 'peerStdio']) await session.callText(`${upstream}__echo`);
  await session.callText('scripted__echo');
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
  await drip?.stop();
  await scripted?.close();
});

/** Sends a request that runs into a time limit of `ms`, beside one that does not. @returns the error */
async function expire(method: string, params: object, ms: number): Promise<NonNullable<Rpc['error']>> {
  const started = performance.now();
  const answer = session.request(method, params);
  expect(await session.callText('healthy__echo')).toBe('echo');
  const { error } = await answer;
  const took = performance.now() - started;
  expect(took).toBeGreaterThan(ms - 20);
  expect(took).toBeLessThan(ms + SLACK_MS);
  expect(error?.code).toBe(-32603);
  return error!;
}

const expireCall = (name: string, args: object = {}, ms = 300) => expire('tools/call', { name, arguments: args }, ms);

describe('timeouts.call', () => {
  test('a call without an answer → -32603 naming upstream, time and knob; the upstream is told', async () => {
    const before = scripted.of('notifications/cancelled').length;
    const { message } = await expireCall('scripted__never');
    expect(message).toContain('scripted');
    expect(message).toContain('300 ms');
    expect(message).toContain('timeouts.call');
    const told = await scripted.waitFor('notifications/cancelled', before + 1);
    const asked = scripted.of('tools/call').findLast(({ params }) => params?.name === 'never');
    expect(told.at(-1)?.params).toMatchObject({ requestId: asked?.id });
    expect(told.at(-1)?.headers['mcp-session-id']).toBe(asked?.headers['mcp-session-id']);
  });

  test.each(['peer', 'peerStdio'])('%s stops what it does when it is told', async (upstream) => {
    const sleeps = async () => {
      const { structuredContent } = await session.result('tools/call', { name: `${upstream}__whoami` });
      return (structuredContent as { sleeps: { cancelled: number; finished: number } }).sleeps;
    };
    const before = await sleeps();
    await expireCall(`${upstream}__sleep`, { ms: 30_000 });
    await expect.poll(async () => (await sleeps()).cancelled).toBe(before.cancelled + 1);
  });

  test('an answer that comes late is nobody’s, and the next call gets its own', async () => {
    const first = session.request('tools/call', { name: 'late__raw', arguments: { turn: 1 } }, 'first');
    expect((await first).error?.message).toContain('timeouts.call');
    // this upstream answers a call when it is cancelled: the answer to the first is on its way now
    const second = await session.post({
      jsonrpc: '2.0',
      id: 'second',
      method: 'tools/call',
      params: { name: 'late__raw', arguments: { turn: 2 } },
    });
    expect(second.messages.map(({ id }) => id)).toEqual(['second']);
    expect(second.response('second').error?.message).toContain('timeouts.call');
  });

  test('a body that does not come to its end', async () => {
    expect((await expireCall('drip__raw')).message).toContain('timeouts.call');
  });

  test('progress starts it again', async () => {
    const answer = await session.call('patient__sleep', { ms: 3_000 }, { id: 1, progressToken: 1 });
    await answer.ended();
    expect(answer.response(1).result).toEqual(textResult('slept 3000 ms'));
  });
});

describe('timeouts.callMax', () => {
  test('a call that makes progress for ever ends with an error that names it', async () => {
    const started = performance.now();
    const answer = await session.call('peer__sleep', { ms: 60_000 }, { id: 1, progressToken: 1 });
    await answer.ended();
    expect(performance.now() - started).toBeGreaterThan(880);
    expect(answer.response(1).error?.message).toContain('timeouts.callMax');
    expect(answer.response(1).error?.message).toContain('900 ms');
    expect(answer.messages.length).toBeGreaterThan(5);
  });
});

describe('timeouts.request', () => {
  test.each([
    ['prompts/get', { name: 'scripted__never' }],
    ['resources/read', { uri: 'never://here' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'scripted__never' }, argument: { name: 'a', value: '' } },
    ],
  ])('%s without an answer → -32603 that names it', async (method, params) => {
    // the healthy upstream lists the same URI
    const exposed = method === 'resources/read' ? { uri: 'mcp+scripted:never://here' } : params;
    const { message } = await expire(method, exposed, 400);
    expect(message).toContain('scripted');
    expect(message).toContain('400 ms');
    expect(message).toContain('timeouts.request');
  });

  test('an upstream that answers initialize and then nothing: the log names it, the others are listed', async () => {
    const silent = { ...stdioUpstream('raw-upstream', ['silent']), timeouts: { request: '300ms' } };
    const own = await startGateway({ config: { upstreams: { silent, healthy: { url: scripted.url } } } });
    try {
      const client = await Session.open(own.url);
      expect(await client.callText('healthy__echo')).toBe('echo');
      const { problem } = await own.waitForLog((line) => line.upstream === 'silent' && line.problem !== undefined);
      expect(String(problem)).toMatch(/tools\/list within 300 ms \(timeouts\.request\)/);
    } finally {
      await own.stop();
    }
  });
});
