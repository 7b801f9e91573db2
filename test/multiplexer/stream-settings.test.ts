/** The settings of event streams: what is kept of them, for how long, and when a reply becomes one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import type { HttpStream } from './http-stream.ts';
import { RawClient } from './raw-client.ts';
import { QUICK, startPeer, withGateway } from './setup.ts';
import { poll } from './until.ts';

let peer: HttpFixture;

beforeAll(async () => {
  peer = await startPeer('http');
});

afterAll(() => peer?.stop());

/** Runs with a gateway that has these settings. */
const withSettings = (settings: { server?: object; sessions?: object }, run: (url: string) => Promise<void>) => {
  const server = { ...QUICK.server, ...settings.server };
  const config = { server, sessions: settings.sessions ?? {}, upstreams: { peer: { url: peer.url } } };
  return withGateway(config, ({ url }) => run(url));
};

/** A reply that is over, with that many events of that size between its first and its last one. */
async function reply(client: RawClient, progress: number, pad = 0): Promise<{ ids: string[]; stream: HttpStream }> {
  const args = { tag: 'kept', steps: [{ progress, pad }] };
  const stream = await (await client.call('peer__play', args, { id: 1, progressToken: 1 })).ended();
  return { stream, ids: stream.events.flatMap(({ id }) => id ?? []) };
}

/** The HTTP status with which a stream is taken up again. */
const statusOf = async (client: RawClient, id: string) => (await (await client.listen(id)).ended()).status;

/** What is left of a stream after an event: the progress reported, and `answer` for the response. */
const restOf = async (client: RawClient, id: string) =>
  (await (await client.listen(id)).ended()).messages.map(({ params }) => params?.progress ?? 'answer');

describe('sessions.events', () => {
  test('maxEvents: as many are kept of a session; what is older is left out, but not the answer', async () => {
    await withSettings({ sessions: { events: { maxEvents: 5 } } }, async (url) => {
      const client = await RawClient.open(url);
      const { ids } = await reply(client, 10);
      // the first event, ten reports and the result
      expect(ids).toHaveLength(12);
      const rests = await Promise.all(ids.slice(0, -1).map((id) => restOf(client, id)));
      const kept = [6, 7, 8, 9, 10, 'answer'];
      expect(rests).toEqual(ids.slice(0, -1).map((_, i) => (i < 6 ? kept : kept.slice(i - 5))));
    });
  });

  test('maxEvents counts all streams of one session, and none of another', async () => {
    await withSettings({ sessions: { events: { maxEvents: 7 } } }, async (url) => {
      const [client, other] = [await RawClient.open(url), await RawClient.open(url)];
      const [first, elsewhere] = [await reply(client, 4), await reply(other, 4)];
      expect(await restOf(client, first.ids[1]!)).toEqual([2, 3, 4, 'answer']);
      // five more events beside its answer
      await reply(client, 4);
      expect(await restOf(client, first.ids[1]!)).toEqual([3, 4, 'answer']);
      expect(await restOf(other, elsewhere.ids[1]!)).toEqual([2, 3, 4, 'answer']);
    });
  });

  test('maxEvents holds for answers as well: to go on where one is gone is refused, not skipped', async () => {
    await withSettings({ sessions: { events: { maxEvents: 3 } } }, async (url) => {
      const client = await RawClient.open(url);
      const replies = [];
      for (let i = 0; i < 5; i++) replies.push(await reply(client, 1));
      const statuses = await Promise.all(replies.map(({ ids }) => statusOf(client, ids[0]!)));
      expect(statuses).toEqual([400, 400, 200, 200, 200]);
    });
  });

  test('maxBytes: as much is kept of a session', async () => {
    await withSettings({ sessions: { events: { maxBytes: '64KiB' } } }, async (url) => {
      const client = await RawClient.open(url);
      const { ids } = await reply(client, 8, 16 * 1024);
      const rest = await restOf(client, ids[0]!);
      expect(rest.slice(-2)).toEqual([8, 'answer']);
      expect(rest.length).toBeLessThanOrEqual(4);
    });
  });

  test('maxAge: an event is kept as long', async () => {
    await withSettings({ sessions: { events: { maxAge: '400ms' } } }, async (url) => {
      const client = await RawClient.open(url);
      const { ids } = await reply(client, 2);
      expect(await statusOf(client, ids[0]!)).toBe(200);
      await poll(() => statusOf(client, ids[0]!)).toBe(400);
    });
  });
});

describe('server.hold', () => {
  test('0: a quiet reply stays what it is until its answer is there', async () => {
    await withSettings({ server: { hold: '0s' } }, async (url) => {
      const client = await RawClient.open(url);
      const answer = await (
        await client.call('peer__play', { tag: 'quiet', steps: [{ pause: 1_300 }] }, { id: 1 })
      ).ended();
      expect(answer.type).toBe('application/json');
    });
  });

  test('a reply that has become a stream can be resumed before anything came', async () => {
    await withSettings({ server: { hold: '50ms' }, sessions: { retry: '123ms' } }, async (url) => {
      const client = await RawClient.open(url);
      const quiet = await client.call('peer__play', { tag: 'quiet', steps: [{ gate: 'hold' }] }, { id: 1 });
      expect(quiet.type).toBe('text/event-stream');
      await poll(() => quiet.events.length).toBe(1);
      expect(quiet.events[0]).toMatchObject({ retry: 123, data: '' });
      quiet.drop();
      await client.tool('peer__open_gate', { gate: 'hold' });
      const rest = await (await client.listen(quiet.lastEventId)).ended();
      expect(rest.messages).toMatchObject([{ id: 1, result: { structuredContent: { tag: 'quiet' } } }]);
    });
  });
});

describe('sessions.retry', () => {
  test('is told on every stream, the standalone one as well', async () => {
    await withSettings({ sessions: { retry: '250ms' } }, async (url) => {
      const client = await RawClient.open(url);
      const { stream } = await reply(client, 1);
      const standalone = await client.listen();
      await poll(() => standalone.events.length).toBe(1);
      expect([stream.events[0]?.retry, standalone.events[0]?.retry]).toEqual([250, 250]);
      standalone.drop();
    });
  });
});
