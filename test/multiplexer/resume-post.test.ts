/** Replies that are streams can be left and taken up again (2025-11-25, transports, resumability). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Step } from '../fixtures/peer/play.ts';
import type { HttpStream, Rpc } from './http-stream.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer } from './setup.ts';
import { poll } from './until.ts';

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http');
  const upstreams = { http: { url: peer.url }, stdio: stdioPeer() };
  const config = { server: { ...QUICK.server, keepAlive: '100ms' }, sessions: { retry: '70ms' }, upstreams };
  gateway = await startGateway({ config });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const progressOf = (messages: readonly Rpc[]) =>
  messages.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params?.progress);
const ids = ({ events }: HttpStream) => events.flatMap(({ id }) => id ?? []);

/** Starts a play and waits for its first progress. */
async function play(client: RawClient, tag: string, steps: Step[], id: number | string = 1): Promise<HttpStream> {
  const options = { id, progressToken: tag };
  const reply = await client.call('http__play', { tag, steps: [{ progress: 2 }, ...steps] }, options);
  await reply.waitFor(({ params }) => params?.progress === 2);
  return reply;
}

describe.each(['http', 'stdio'])('a dropped reply of a call to %s', (upstream) => {
  test('#53 the call goes on; its stream is resumed where it was, and the result comes once', async () => {
    const client = await RawClient.open(gateway.url);
    const steps: Step[] = [{ progress: 3 }, { gate: 'dropped' }, { progress: 2 }, { log: 1 }, { progress: 1 }];
    const before = await client.tool(`${upstream}__plays`);
    const reply = await client.call(`${upstream}__play`, { tag: 'mine', steps }, { id: 'x', progressToken: 9 });
    await reply.waitFor(({ params }) => params?.progress === 3);
    reply.drop();
    await client.tool(`${upstream}__open_gate`, { gate: 'dropped' });
    const finished = { ...before, started: Number(before.started) + 1, finished: Number(before.finished) + 1 };
    await poll(() => client.tool(`${upstream}__plays`)).toEqual(finished);

    const rest = await (await client.listen(reply.lastEventId)).ended();
    expect(rest.status).toBe(200);
    expect(progressOf(reply.messages)).toEqual([1, 2, 3]);
    expect(rest.messages.map(({ method, id }) => method ?? id)).toEqual([
      'notifications/progress',
      'notifications/progress',
      'notifications/message',
      'notifications/progress',
      'x',
    ]);
    expect(progressOf(rest.messages)).toEqual([4, 5, 6]);
    expect(rest.messages.at(-1)?.result).toMatchObject({ structuredContent: { tag: 'mine' } });
    const every = [...ids(reply), ...ids(rest)];
    expect(new Set(every).size).toBe(every.length);
  });
});

describe('a stream taken up again', () => {
  test('goes on live after what was missed', async () => {
    const client = await RawClient.open(gateway.url);
    const steps: Step[] = [{ gate: 'a' }, { progress: 1 }, { gate: 'b' }, { progress: 1 }];
    const reply = await play(client, 'live', steps);
    reply.drop();
    await client.tool('http__open_gate', { gate: 'a' });
    const again = await client.listen(reply.lastEventId);
    await again.waitFor(({ params }) => params?.progress === 3);
    await client.tool('http__open_gate', { gate: 'b' });
    await again.ended();
    expect(progressOf(again.messages)).toEqual([3, 4]);
    expect(again.messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'live' } } });
  });

  test('any event of it will do to resume from, and as often as the client likes', async () => {
    const client = await RawClient.open(gateway.url);
    const reply = await (await play(client, 'often', [{ progress: 4 }])).ended();
    const [, first, , third] = ids(reply);
    for (const _ of [1, 2]) {
      expect(progressOf((await (await client.listen(third)).ended()).messages)).toEqual([4, 5, 6]);
      const most = await (await client.listen(first)).ended();
      expect(progressOf(most.messages)).toEqual([2, 3, 4, 5, 6]);
      expect(most.messages.at(-1)?.id).toBe(1);
    }
  });

  test('with nothing left to bring is refused by 204, which keeps clients from coming back (WHATWG HTML §9.2)', async () => {
    const client = await RawClient.open(gateway.url);
    const reply = await (await play(client, 'over', [])).ended();
    const nothing = await (await client.listen(reply.lastEventId)).ended();
    expect([nothing.status, nothing.text]).toEqual([204, '']);
  });

  test('#54 holds only its own events', async () => {
    const client = await RawClient.open(gateway.url);
    const tags = ['a', 'b', 'c'];
    const replies = await Promise.all(tags.map((tag) => play(client, tag, [{ gate: 'three' }, { progress: 2 }], tag)));
    const stream = await client.listen();
    for (const reply of replies) reply.drop();
    await client.tool('http__open_gate', { gate: 'three' });
    for (const [i, reply] of replies.entries()) {
      const rest = await (await client.listen(reply.lastEventId)).ended();
      expect(progressOf(rest.messages)).toEqual([3, 4]);
      expect(rest.messages.map(({ params, id }) => params?.progressToken ?? id)).toEqual([tags[i], tags[i], tags[i]]);
    }
    expect(stream.messages).toEqual([]);
    stream.drop();
  });

  test('#50 takes the place of a connection that only seems to live, and is kept open like any other', async () => {
    const client = await RawClient.open(gateway.url);
    const halfDead = await play(client, 'half dead', [{ gate: 'half' }, { progress: 1 }]);
    halfDead.pause();
    const again = await client.listen(halfDead.lastEventId);
    // a proxy would cut it off if nothing came
    await poll(() => again.comments).toBeGreaterThan(2);
    await client.tool('http__open_gate', { gate: 'half' });
    await again.ended();
    expect(again.messages.map(({ params, id }) => params?.progress ?? id)).toEqual([3, 1]);
    halfDead.drop();
  });

  test('#53 brings a question that was not seen, and takes the answer', async () => {
    const client = await RawClient.open(gateway.url, { capabilities: ABLE });
    const ask = { method: 'roots/list' };
    const reply = await play(client, 'asks', [{ gate: 'question' }, { ask: [ask] }]);
    reply.drop();
    await client.tool('http__open_gate', { gate: 'question' });
    const again = await client.listen(reply.lastEventId);
    const question = await again.method('roots/list');
    expect(await client.answer(question.id, { result: { roots: [{ uri: 'file:///mine' }] } })).toBe(202);
    const { result } = await again.response(1);
    expect(result?.structuredContent).toEqual({
      tag: 'asks',
      outcomes: [{ result: { roots: [{ uri: 'file:///mine' }] } }],
    });
  });
});

describe('#55 an event id that leads nowhere is refused with 400', () => {
  test.each([
    ['no id at all', () => 'garbage'],
    ['a stream that never was', (id: string) => id.replace(/\.\d+\.(\d+)$/, '.99.$1')],
    ['an event still to come', (id: string) => id.replace(/\d+$/, '1000')],
    ['an event before the first', (id: string) => id.replace(/\d+$/, '0')],
    ['an event with a sign', (id: string) => id.replace(/(\d+)$/, '+$1')],
    ['another session', (id: string) => id.replace(/^[^.]+/, 'AAAAAAAA')],
    ['something behind it', (id: string) => `${id}.1`],
  ])('%s', async (_, change) => {
    const client = await RawClient.open(gateway.url);
    const reply = await (await play(client, 'refused', [])).ended();
    const stream = await client.listen();
    const refused = await (await client.listen(change(reply.lastEventId))).ended();
    expect(refused.status).toBe(400);
    expect(refused.messages[0]?.error?.message).toContain('Last-Event-ID');
    // the standalone stream is not disturbed
    expect(stream.over).toBe(false);
    stream.drop();
  });

  test('one of another session, though both have the same streams', async () => {
    const [mine, theirs] = [await RawClient.open(gateway.url), await RawClient.open(gateway.url)];
    const reply = await (await play(theirs, 'theirs', [])).ended();
    await (await play(mine, 'mine', [])).ended();
    const refused = await (await mine.listen(reply.lastEventId)).ended();
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.messages)).not.toContain('theirs');
  });
});

describe('#56 the first event of a stream', () => {
  test('has an id, a time to come back after and no data, to 2025-11-25', async () => {
    const client = await RawClient.open(gateway.url);
    const [first, second] = (await play(client, 'primed', [])).events;
    expect(first).toMatchObject({ data: '', retry: 70, message: undefined });
    expect(first?.id).toBeTruthy();
    expect(second?.message?.method).toBe('notifications/progress');
    const [opening] = (await client.listen()).events;
    expect(opening ?? first).toMatchObject({ data: '', retry: 70 });
  });

  test.each(['2025-06-18', '2025-03-26', '2024-11-05'])(
    'is a message to %s, which can resume all the same',
    async (version) => {
      const client = await RawClient.open(gateway.url, { version });
      const reply = await play(client, 'unprimed', [{ gate: version }, { progress: 1 }]);
      expect(reply.events.map(({ data }) => data === '')).not.toContain(true);
      expect(reply.events.map(({ retry }) => retry)).toEqual([undefined, undefined]);
      reply.drop();
      await client.tool('http__open_gate', { gate: version });
      const rest = await (await client.listen(reply.lastEventId)).ended();
      expect(rest.messages.map(({ params, id }) => params?.progress ?? id)).toEqual([3, 1]);
      expect(rest.events.every(({ data }) => data !== '')).toBe(true);
    },
  );
});
