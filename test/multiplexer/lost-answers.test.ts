/**
 * Answers and notifications whose connection breaks on the way to an upstream. An upstream takes an answer and a
 * cancellation once however often they come, so that they may be sent again; else it would wait for them for ever.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Rpc } from './http-stream.ts';
import { type LossyProxy, startLossyProxy } from './lossy-proxy.ts';
import { KINDS, startAsking } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer } from './setup.ts';
import { poll } from './until.ts';

let peer: HttpFixture;
let proxy: LossyProxy;
let gateway: Gateway;
/** Which message to lose, and how often yet. */
let losing: { is(message: Rpc): boolean; times: number } | undefined;

beforeAll(async () => {
  peer = await startPeer('http');
  proxy = await startLossyProxy(peer.url, (message) => {
    if (!losing || losing.times === 0 || !losing.is(message)) return false;
    losing.times--;
    return true;
  });
  gateway = await startGateway({ config: { ...QUICK, upstreams: { lossy: { url: proxy.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await proxy?.close();
  await peer?.stop();
});

const isAnswer = ({ method }: Rpc) => method === undefined;
const since = (start: number, is: (message: Rpc) => boolean) =>
  proxy.seen.slice(start).filter(({ message }) => is(message));

describe('a connection that breaks', () => {
  test.each(['elicitation', 'sampling', 'roots'] as const)('under the answer to %s', async (kind) => {
    const client = await RawClient.open(gateway.url, { capabilities: ABLE });
    const { question, outcomes } = await startAsking(client, 'lossy', [KINDS[kind].ask]);
    const start = proxy.seen.length;
    losing = { is: isAnswer, times: 1 };
    await client.answer(question.id, { result: KINDS[kind].answer });
    expect(await outcomes()).toEqual([{ result: KINDS[kind].answer }]);
    expect(since(start, isAnswer).map(({ lost }) => lost)).toEqual([true, false]);
  });

  test('under a cancellation', async () => {
    const client = await RawClient.open(gateway.url);
    const { cancelled } = await client.tool('lossy__plays');
    const args = { tag: 'cancelled', steps: [{ progress: 1 }, { gate: 'never' }] };
    const reply = await client.call('lossy__play', args, { id: 1, progressToken: 1 });
    await reply.method('notifications/progress');
    losing = { is: ({ method }) => method === 'notifications/cancelled', times: 1 };
    await client.notify('notifications/cancelled', { requestId: 1 });
    const plays = () => client.tool('lossy__plays');
    await poll(plays).toMatchObject({ cancelled: Number(cancelled) + 1 });
  });

  test('#154 under a tool call: it is not repeated, and the client is told that it may have been done', async () => {
    const client = await RawClient.open(gateway.url);
    await client.tool('lossy__echo');
    const start = proxy.seen.length;
    const isCall = ({ method }: Rpc) => method === 'tools/call';
    losing = { is: isCall, times: 1 };
    const { error } = await client.request('tools/call', { name: 'lossy__echo', arguments: {} });
    expect(error).toMatchObject({ code: -32603, message: expect.stringContaining('unknown') });
    expect(since(start, isCall)).toHaveLength(1);
  });
});
