/** Questions that get no answer, or one too many: nobody waits for ever, and nothing crosses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { askLater, elicit, KINDS, outcomesOf, startAsking } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer } from './setup.ts';
import { poll } from './until.ts';

const SHORT = '250ms';
const LONG_MS = 5_000;

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http');
  const { url } = peer;
  const upstreams = {
    http: { url },
    stdio: stdioPeer(),
    // one limit each is short
    elicitation: { url, timeouts: { elicitation: SHORT } },
    sampling: { url, timeouts: { sampling: SHORT } },
    roots: { url, timeouts: { roots: SHORT } },
    impatient: { url, timeouts: { call: SHORT, elicitation: '20s' } },
  };
  gateway = await startGateway({ config: { ...QUICK, sessions: { deliver: SHORT }, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const open = () => RawClient.open(gateway.url, { capabilities: ABLE });
const CANCELLED = 'notifications/cancelled';

/** What the upstream gets when nobody answers. */
const NO_ANSWER = {
  elicitation: { result: { action: 'cancel' } },
  sampling: { error: { code: -32603, message: expect.any(String) } },
  roots: { error: { code: -32603, message: expect.any(String) } },
} as const;

const kinds = ['elicitation', 'sampling', 'roots'] as const;

describe('a client that does not answer', () => {
  test.each(kinds)('timeouts.%s: the upstream is told, and so is the client, which may still answer', async (kind) => {
    const client = await open();
    const { question, reply, outcomes } = await startAsking(client, kind, [KINDS[kind].ask]);
    expect(await outcomes()).toMatchObject([NO_ANSWER[kind]]);
    expect(reply.messages.map(({ method, id }) => method ?? id)).toEqual([question.method, CANCELLED, 1]);
    expect(reply.messages[1]?.params).toMatchObject({ requestId: question.id });
    expect(await client.answer(question.id, { result: KINDS[kind].answer })).toBe(202);
  });

  test.each(kinds)('the limits of other kinds do not count for %s', async (kind) => {
    const client = await open();
    const other = kind === 'roots' ? 'sampling' : 'roots';
    const { question, outcomes } = await startAsking(client, other, [KINDS[kind].ask]);
    // the other limit runs out meanwhile
    const short = await startAsking(client, other, [KINDS[other].ask], { id: 2 });
    expect(await short.outcomes()).toMatchObject([NO_ANSWER[other]]);
    await client.answer(question.id, { result: KINDS[kind].answer });
    expect(await outcomes()).toEqual([{ result: KINDS[kind].answer }]);
  });

  test('timeouts.call stands still while the client is asked, and runs again afterwards', async () => {
    const client = await open();
    const { question, reply } = await startAsking(client, 'impatient', [elicit()]);
    await client.tool('http__play', { tag: 'clock', steps: [{ pause: 600 }] });
    expect(reply.over).toBe(false);
    await client.answer(question.id, { result: { action: 'decline' } });
    expect(outcomesOf(await reply.response(1))).toEqual([{ result: { action: 'decline' } }]);

    const args = { tag: 'silent', steps: [{ ask: [elicit()] }, { gate: 'never' }] };
    const silent = await client.call('impatient__play', args, { id: 2 });
    const { id } = await silent.method('elicitation/create');
    await client.answer(id, { result: { action: 'decline' } });
    expect((await silent.response(2)).error?.message).toContain('timeouts.call');
  });
});

describe('#59 an answer too many', () => {
  test('the second one, a late one and one to nothing are taken with 202 and change nothing', async () => {
    const client = await open();
    const { question, outcomes } = await startAsking(client, 'http', [elicit()]);
    expect(await client.answer(Number(question.id) + 1, { result: { action: 'decline' } })).toBe(202);
    expect(await client.answer(String(question.id), { result: { action: 'decline' } })).toBe(202);
    const both = ['first', 'second'].map((choice) =>
      client.answer(question.id, { result: { action: 'accept', content: { choice } } }),
    );
    expect(await Promise.all(both)).toEqual([202, 202]);
    expect(await outcomes()).toHaveLength(1);
    expect(await client.answer(question.id, { error: { code: -1, message: 'late' } })).toBe(202);
    expect(await client.tool('http__echo', { still: 'here' })).toEqual({ still: 'here' });
  });

  test('another client cannot answer', async () => {
    const [client, stranger] = [await open(), await open()];
    const { question, outcomes } = await startAsking(client, 'http', [elicit()]);
    const theirs = { result: { action: 'accept', content: { choice: 'stolen' } } };
    expect(await stranger.answer(question.id, theirs)).toBe(202);
    const mine = { action: 'accept', content: { choice: 'mine' } };
    await client.answer(question.id, { result: mine });
    expect(await outcomes()).toEqual([{ result: mine }]);
  });
});

describe('a client without a stream', () => {
  test.each(['http', 'stdio'])('#58 gets what %s asks as soon as it opens one', async (upstream) => {
    const client = await open();
    const outcomes = await askLater(client, upstream, `held ${upstream}`, [elicit()]);
    const stream = await client.listen();
    const { id } = await stream.method('elicitation/create');
    await client.answer(id, { result: { action: 'decline' } });
    expect(await outcomes()).toEqual([{ result: { action: 'decline' } }]);
    stream.drop();
  });

  test.each(kinds)('#58 sessions.deliver: the upstream does not wait longer for %s', async (kind) => {
    const [client, watcher] = [await open(), await open()];
    const outcomes = await askLater(client, 'http', `never ${kind}`, [KINDS[kind].ask], watcher);
    expect(await outcomes()).toMatchObject([NO_ANSWER[kind]]);
  });

  test('one that dropped its reply and does not come back for it is not waited for, either', async () => {
    const client = await open();
    const [before, steps] = [
      await client.tool('http__plays'),
      [{ progress: 1 }, { gate: 'gone' }, { ask: [elicit()] }],
    ];
    const reply = await client.call('http__play', { tag: 'gone', steps }, { id: 1, progressToken: 1 });
    await reply.method('notifications/progress');
    reply.drop();
    await client.tool('http__open_gate', { gate: 'gone' });
    const finished = Number(before.finished) + 1;
    await poll(() => client.tool('http__plays')).toMatchObject({ finished });
    const rest = await (await client.listen(reply.lastEventId)).ended();
    expect(outcomesOf(rest.messages.at(-1)!)).toEqual([NO_ANSWER.elicitation]);
  });
});

describe('a client that has not said notifications/initialized', () => {
  test('is asked once it has', async () => {
    const client = await RawClient.open(gateway.url, { capabilities: ABLE, ready: false });
    const reply = await client.call(
      'http__play',
      { tag: 'early', steps: [{ log: 1 }, { ask: [elicit()] }] },
      { id: 1 },
    );
    await reply.method('notifications/message');
    // a later call is served, and the question is still held back
    expect(await client.tool('http__echo', { n: 1 })).toEqual({ n: 1 });
    expect(reply.messages).toHaveLength(1);
    await client.notify('notifications/initialized');
    const { id } = await reply.method('elicitation/create');
    await client.answer(id, { result: { action: 'decline' } });
    expect(outcomesOf(await reply.response(1))).toEqual([{ result: { action: 'decline' } }]);
  });

  test('#58 and never does: the upstream is told after a time', async () => {
    const client = await RawClient.open(gateway.url, { capabilities: ABLE, ready: false });
    const reply = await client.call('elicitation__play', { tag: 'never', steps: [{ ask: [elicit()] }] }, { id: 1 });
    expect(outcomesOf(await reply.response(1, LONG_MS))).toEqual([NO_ANSWER.elicitation]);
  });
});
