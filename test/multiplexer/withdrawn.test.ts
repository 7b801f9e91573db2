/** Questions that are taken back: by the upstream, or because the call, the session or the upstream is gone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Step } from '../fixtures/peer/play.ts';
import type { Rpc } from './http-stream.ts';
import { askLater, elicit, outcomesOf, roots, startAsking } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer } from './setup.ts';
import { poll, until } from './until.ts';

const CANCELLED = 'notifications/cancelled';
const UPSTREAMS = ['http', 'sse', 'stdio'];

let http: HttpFixture;
let sse: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  http = await startPeer('http');
  sse = await startPeer('sse');
  const upstreams = { http: { url: http.url }, sse: { url: sse.url, transport: 'sse' }, stdio: stdioPeer() };
  gateway = await startGateway({ config: { ...QUICK, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await http?.stop();
  await sse?.stop();
});

const isElicitation = ({ method }: Rpc) => method === 'elicitation/create';
const open = () => RawClient.open(gateway.url, { capabilities: ABLE });

/** Starts calls that are under way when the client has their first progress. */
const player = (client: RawClient, upstream: string) => async (id: number, step: Step) => {
  const args = { tag: `call ${id}`, steps: [{ progress: 1 }, step] };
  const reply = await client.call(`${upstream}__play`, args, { id, progressToken: id });
  await reply.method('notifications/progress');
  return reply;
};

describe.each(UPSTREAMS)('%s', (upstream) => {
  test('the upstream takes its question back: the client is told, on the same stream; the call goes on', async () => {
    const client = await open();
    const { question, reply, outcomes } = await startAsking(client, upstream, [elicit()], { tag: `back ${upstream}` });
    await client.tool(`${upstream}__withdraw`, { tag: `back ${upstream}` });
    const { params } = await reply.method(CANCELLED);
    expect(params).toEqual({ requestId: question.id, reason: expect.stringContaining('changed my mind') });
    expect(await outcomes()).toMatchObject([{ error: { message: expect.stringContaining('changed my mind') } }]);
    expect(await client.answer(question.id, { result: { action: 'accept', content: {} } })).toBe(202);
  });

  test('it takes one back that it asked outside of any call', async () => {
    const client = await open();
    const stream = await client.listen();
    const outcomes = await askLater(client, upstream, `later ${upstream}`, [roots]);
    const question = await stream.method('roots/list');
    await client.tool(`${upstream}__withdraw`, { tag: `later ${upstream}` });
    expect((await stream.method(CANCELLED)).params).toMatchObject({ requestId: question.id });
    expect(await outcomes()).toMatchObject([{ error: {} }]);
    stream.drop();
  });

  test('the client cancels the call: its question is taken back, and the upstream gets no answer, but the cancellation', async () => {
    const client = await open();
    const before = await client.tool(`${upstream}__plays`);
    const { question, reply } = await startAsking(client, upstream, [elicit()]);
    await client.notify(CANCELLED, { requestId: 1, reason: 'enough' });
    await reply.ended();
    expect(reply.messages.map(({ method }) => method)).toEqual(['elicitation/create', CANCELLED]);
    expect(reply.messages[1]?.params).toMatchObject({ requestId: question.id });
    // an upstream that took an answer for the client's would have gone on and finished
    const counts = { ...before, started: Number(before.started) + 1, cancelled: Number(before.cancelled) + 1 };
    await poll(() => client.tool(`${upstream}__plays`)).toEqual(counts);
    expect(await client.answer(question.id, { result: { action: 'accept', content: {} } })).toBe(202);
  });

  test('a question lives on when another call of the same client ends or is cancelled', async () => {
    const client = await open();
    const gate = `older ${upstream}`;
    const play = player(client, upstream);
    const older = await play(1, { gate });
    const middle = await play(2, { gate: 'never' });
    const asking = await play(3, { ask: [elicit('Still there?')] });
    const question = () => [older, middle, asking].flatMap(({ messages }) => messages).find(isElicitation);
    const { id } = await until(question, 'the question');
    await client.tool(`${upstream}__open_gate`, { gate });
    await older.response(1);
    await client.notify(CANCELLED, { requestId: 2 });
    await middle.ended();
    const answer = { action: 'accept', content: { choice: 'yes' } };
    await client.answer(id, { result: answer });
    expect(outcomesOf(await asking.response(3))).toEqual([{ result: answer }]);
  });

  test('taken back after the reply it came on has ended, it is so on a stream that is still open', async () => {
    const client = await open();
    const stream = await client.listen();
    const gate = `first ${upstream}`;
    const play = player(client, upstream);
    const older = await play(1, { gate });
    const asking = await play(2, { ask: [elicit()] });
    const replies = [older, asking];
    const { id } = await until(() => replies.flatMap(({ messages }) => messages).find(isElicitation), 'the question');
    await client.tool(`${upstream}__open_gate`, { gate });
    await older.ended();
    await client.tool(`${upstream}__withdraw`, { tag: 'call 2' });
    await asking.ended();
    const told = [stream, older, asking]
      .flatMap(({ messages }) => messages)
      .filter(({ method }) => method === CANCELLED);
    expect(told.map(({ params }) => params?.requestId)).toEqual([id]);
    stream.drop();
  });

  test('the session ends: the upstream is answered, and the call is cancelled there', async () => {
    const client = await open();
    const watcher = await open();
    const { reply } = await startAsking(client, upstream, [elicit()]);
    const before = await watcher.tool(`${upstream}__plays`);
    expect(await client.end()).toBe(200);
    await reply.ended();
    // its own process is gone altogether
    if (upstream === 'stdio') return;
    const over = ({ finished, cancelled }: typeof before) => Number(finished) + Number(cancelled);
    await poll(async () => over(await watcher.tool(`${upstream}__plays`))).toBe(over(before) + 1);
  });
});

describe('the upstream dies while its question is open', () => {
  test('the client is told on both accounts', async () => {
    const client = await open();
    const { question, reply } = await startAsking(client, 'stdio', [elicit()]);
    await client.request('tools/call', { name: 'stdio__exit', arguments: { code: 7 } });
    expect((await reply.method(CANCELLED)).params).toMatchObject({ requestId: question.id });
    expect((await reply.response(1)).error?.code).toBe(-32603);
    expect(await client.answer(question.id, { result: { action: 'accept' } })).toBe(202);
    // the next call finds a new process
    expect(await client.tool('stdio__echo', { n: 1 })).toEqual({ n: 1 });
  });
});
