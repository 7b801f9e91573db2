/** What upstreams ask in the course of a call reaches its client, and the answer comes back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { askLater, elicit, KINDS, outcomesOf, roots, sample, startAsking } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer, withGateway } from './setup.ts';
import { poll } from './until.ts';

const UPSTREAMS = ['http', 'sse', 'stdio'];

let http: HttpFixture;
let sse: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  http = await startPeer('http');
  sse = await startPeer('sse', 'other');
  const upstreams = { http: { url: http.url }, sse: { url: sse.url, transport: 'sse' }, stdio: stdioPeer() };
  gateway = await startGateway({ config: { ...QUICK, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await http?.stop();
  await sse?.stop();
});

const open = (capabilities: object = ABLE) => RawClient.open(gateway.url, { capabilities });

describe.each(UPSTREAMS)('%s', (upstream) => {
  test.each([
    [
      'accepted',
      { action: 'accept', content: { choice: 'a', 'other\u0000key': [1.5, null, { deep: true }] }, extra: 1 },
    ],
    ['declined', { action: 'decline' }],
    ['dismissed', { action: 'cancel' }],
  ])('an elicitation is %s', async (_, result) => {
    const client = await open();
    const { question, outcomes } = await startAsking(client, upstream, [elicit()]);
    expect(await client.answer(question.id, { result })).toBe(202);
    expect(await outcomes()).toEqual([{ result }]);
  });

  test.each(['elicitation', 'sampling', 'roots'] as const)('%s is answered', async (kind) => {
    const client = await open();
    const { question, reply, outcomes } = await startAsking(client, upstream, [KINDS[kind].ask]);
    expect(question.method).toBe(KINDS[kind].ask.method);
    await client.answer(question.id, { result: KINDS[kind].answer });
    expect(await outcomes()).toEqual([{ result: KINDS[kind].answer }]);
    // before the response, and nothing else
    expect(reply.messages.map(({ method, id }) => method ?? id)).toEqual([question.method, 1]);
  });

  test.each([-1, -32603, -32602, 4711])('error %i of the client reaches the upstream', async (code) => {
    const client = await open();
    const { question, outcomes } = await startAsking(client, upstream, [sample()]);
    await client.answer(question.id, { error: { code, message: 'User rejected it' } });
    const [outcome] = await outcomes();
    expect(outcome?.error).toMatchObject({ code, message: expect.stringContaining('User rejected it') });
  });

  test('several questions at once get their own answers, in whatever order they come', async () => {
    const client = await open();
    const asks = [elicit('one'), roots, elicit('two'), sample('three')];
    const { reply, outcomes } = await startAsking(client, upstream, asks);
    await poll(() => reply.messages.length).toBe(4);
    for (const { id } of reply.messages.toReversed()) await client.answer(id, { result: { answered: id } });
    expect(await outcomes()).toEqual(reply.messages.slice(0, 4).map(({ id }) => ({ result: { answered: id } })));
  });

  test('outside of any call, the question comes on the standalone stream', async () => {
    const client = await open();
    const stream = await client.listen();
    const outcomes = await askLater(client, upstream, `later ${upstream}`, [elicit('Now?')]);
    const question = await stream.method('elicitation/create');
    expect(question.params).toMatchObject({ message: `[${upstream}] Now?` });
    await client.answer(question.id, { result: { action: 'decline' } });
    expect(await outcomes()).toEqual([{ result: { action: 'decline' } }]);
    stream.drop();
  });

  test('#51 a question of a call does not come on the standalone stream as well', async () => {
    const client = await open();
    const stream = await client.listen();
    const { question, outcomes } = await startAsking(client, upstream, [roots]);
    await client.answer(question.id, { result: KINDS.roots.answer });
    await outcomes();
    expect(stream.messages).toEqual([]);
    stream.drop();
  });

  test('progress of the client on what it was asked reaches the upstream; foreign and late progress does not', async () => {
    const client = await open();
    const { question, outcomes } = await startAsking(client, upstream, [{ ...sample(), progress: true }]);
    const { progressToken } = question.params!._meta as { progressToken: unknown };
    const report = (token: unknown, progress: number) =>
      client.notify('notifications/progress', { progressToken: token, progress, total: 9 });
    for (const progress of [1, 2.5]) await report(progressToken, progress);
    await report(String(progressToken), 3);
    await report(Number(progressToken) + 1, 4);
    await client.answer(question.id, { result: KINDS.sampling.answer });
    await report(progressToken, 6);
    expect(await outcomes()).toEqual([{ result: KINDS.sampling.answer, reported: [1, 2.5] }]);
  });

  test('#86 a ping is answered by the gateway, and so is what it does not know', async () => {
    const client = await open({});
    const unknown = { method: 'tasks/get', params: { taskId: '1' } };
    const reply = await client.call(`${upstream}__play`, { tag: 'p', steps: [{ ask: [{ method: 'ping' }, unknown] }] });
    await reply.ended();
    const [ping, other] = outcomesOf(reply.messages[0]!);
    expect(ping).toEqual({ result: {} });
    expect(other?.error?.code).toBe(-32601);
    expect(reply.messages).toHaveLength(1);
  });
});

describe('what the client sees of a question', () => {
  test('the message of an elicitation names the upstream, where there are several; the rest is as it came', async () => {
    const client = await open();
    const more = { requestedSchema: { type: 'object', properties: { n: { type: 'integer', 'x-odd': [1] } } }, odd: {} };
    const { question } = await startAsking(client, 'http', [elicit('How many?', more)]);
    expect(question.params).toEqual({ message: '[http] How many?', ...more });
    await client.answer(question.id, { result: { action: 'cancel' } });
  });

  test('#87 includeContext is none; #88 names of tools are the upstream’s own; URIs are exposed', async () => {
    const client = await open();
    const content = [
      { type: 'resource', resource: { uri: 'note://static/a', text: 'note a', mimeType: 'text/plain' } },
      { type: 'tool_use', id: '1', name: 'lookup', input: { uri: 'note://static/a' } },
    ];
    const tools = [{ name: 'lookup', inputSchema: { type: 'object' } }];
    const asked = sample('', {
      messages: [{ role: 'user', content }],
      includeContext: 'allServers',
      tools,
      toolChoice: { mode: 'required' },
    });
    const { question } = await startAsking(client, 'http', [asked]);
    const { messages, ...others } = question.params as { messages: { content: typeof content }[] };
    expect(others).toEqual({ maxTokens: 5, includeContext: 'none', tools, toolChoice: { mode: 'required' } });
    const [resource, use] = messages[0]!.content;
    expect(use).toEqual(content[1]);
    // two upstreams have this URI
    const exposed = resource?.resource?.uri;
    expect(exposed).not.toBe('note://static/a');
    const read = await client.request('resources/read', { uri: exposed });
    expect(read.result).toMatchObject({ contents: [{ uri: exposed, text: 'note a' }] });
    await client.answer(question.id, { result: KINDS.sampling.answer });
  });

  test('in front of a single upstream nothing is changed but the id', async () => {
    await withGateway({ ...QUICK, upstreams: { only: { url: http.url } } }, async ({ url }) => {
      const client = await RawClient.open(url, { capabilities: ABLE });
      const asks = [elicit('Plain?'), sample('Plain', { includeContext: 'thisServer' })];
      const { reply } = await startAsking(client, 'only', asks);
      await poll(() => reply.messages.length).toBe(2);
      expect(reply.messages.map(({ params }) => params)).toEqual(asks.map(({ params }) => params));
      for (const { id } of reply.messages) await client.answer(id, { error: { code: -1, message: 'no' } });
      expect(outcomesOf(await reply.response(1)).map(({ error }) => error?.code)).toEqual([-1, -1]);
    });
  });
});
