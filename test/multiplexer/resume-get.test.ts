/** The standalone stream: held messages, resuming, and who it belongs to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { HttpStream } from './http-stream.ts';
import { RawClient } from './raw-client.ts';
import { QUICK, startPeer } from './setup.ts';
import { poll } from './until.ts';

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http');
  gateway = await startGateway({ config: { ...QUICK, upstreams: { peer: { url: peer.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const logsOf = ({ messages }: HttpStream) => messages.map(({ params }) => (params!.data as { n: number }).n);

/** Has the upstream say that much outside of any call, and waits until it has. */
async function chatter(client: RawClient, tag: string, log: number): Promise<void> {
  await client.tool('peer__play_later', { tag, steps: [{ log }] });
  await client.tool('peer__played', { tag });
}

/** Waits until a stream has brought that many messages. */
const arrived = (stream: HttpStream, count: number) => poll(() => stream.messages.length).toBe(count);

describe('messages while no stream is open', () => {
  test('are delivered when one opens: once, in order, before what comes later', async () => {
    const client = await RawClient.open(gateway.url);
    await chatter(client, 'held', 5);
    const stream = await client.listen();
    await arrived(stream, 5);
    await chatter(client, 'live', 2);
    await arrived(stream, 7);
    expect(logsOf(stream)).toEqual([1, 2, 3, 4, 5, 1, 2]);
    stream.drop();
    const again = await client.listen();
    await chatter(client, 'later', 1);
    await arrived(again, 1);
    expect(again.messages[0]?.params).toMatchObject({ data: { tag: 'later' } });
    again.drop();
  });

  test('are not delivered twice to a client that resumes', async () => {
    const client = await RawClient.open(gateway.url);
    const first = await client.listen();
    await chatter(client, 'first', 2);
    await arrived(first, 2);
    first.drop();
    await chatter(client, 'missed', 3);
    const second = await client.listen(first.lastEventId);
    await arrived(second, 3);
    expect(logsOf(second)).toEqual([1, 2, 3]);
    await chatter(client, 'live', 1);
    await arrived(second, 4);
    expect(second.messages.at(-1)?.params).toMatchObject({ data: { tag: 'live' } });
    second.drop();
    // from the middle of what was missed
    const third = await client.listen(second.events[1]?.id);
    await arrived(third, 2);
    expect(logsOf(third)).toEqual([3, 1]);
    third.drop();
  });

  test('reach their own session only', async () => {
    const clients = await Promise.all(['a', 'b', 'c'].map(() => RawClient.open(gateway.url)));
    await Promise.all(clients.map((client, i) => chatter(client, `tag ${i}`, i + 1)));
    const streams = await Promise.all(clients.map((client) => client.listen()));
    for (const [i, stream] of streams.entries()) {
      await arrived(stream, i + 1);
      const tags = stream.messages.map(({ params }) => (params!.data as { tag: string }).tag);
      expect(new Set(tags)).toEqual(new Set([`tag ${i}`]));
      stream.drop();
    }
  });
});

describe('a newer stream', () => {
  test('#50 gets what follows, although the older connection only seems to live', async () => {
    const client = await RawClient.open(gateway.url);
    const halfDead = await client.listen();
    halfDead.pause();
    const newer = await client.listen();
    await chatter(client, 'after', 3);
    await arrived(newer, 3);
    halfDead.resume();
    await halfDead.ended();
    expect(halfDead.messages).toEqual([]);
    newer.drop();
  });

  test('of ten in a row the last one gets everything', async () => {
    const client = await RawClient.open(gateway.url);
    const streams: HttpStream[] = [];
    for (let i = 0; i < 10; i++) streams.push(await client.listen());
    await chatter(client, 'last', 2);
    await arrived(streams.at(-1)!, 2);
    for (const older of streams.slice(0, -1)) expect((await older.ended()).messages).toEqual([]);
    streams.at(-1)!.drop();
  });

  test('#54 resumes the standalone stream beside a reply, each with its own events', async () => {
    const client = await RawClient.open(gateway.url);
    const stream = await client.listen();
    const args = { tag: 'reply', steps: [{ progress: 1 }, { gate: 'beside' }, { progress: 1 }] };
    const other = client.tool('peer__play', { tag: 'other', steps: [{ gate: 'beside' }] });
    const reply = await client.call('peer__play', args, { id: 1, progressToken: 1 });
    await reply.method('notifications/progress');
    await client.tool('peer__play_later', { tag: 'aside', steps: [{ log: 1 }, { gate: 'beside' }, { log: 1 }] });
    await arrived(stream, 1);
    stream.drop();
    reply.drop();
    await client.tool('peer__open_gate', { gate: 'beside' });
    await client.tool('peer__played', { tag: 'aside' });
    const [resumed, rest] = [await client.listen(stream.lastEventId), await client.listen(reply.lastEventId)];
    await rest.ended();
    await arrived(resumed, 1);
    expect(resumed.messages[0]).toMatchObject({ method: 'notifications/message', params: { data: { tag: 'aside' } } });
    expect(rest.messages.map(({ params, id }) => params?.progress ?? id)).toEqual([2, 1]);
    resumed.drop();
    await other;
  });
});
