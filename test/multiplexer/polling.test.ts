/** Streams that end before their answer, and clients that come back for it (2025-11-25, transports, polling; SEP-1699). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { RawClient } from './raw-client.ts';
import { SdkClient } from './sdk-client.ts';
import { QUICK, startPeer, withGateway } from './setup.ts';
import { poll } from './until.ts';

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http', 'note', { RETRY: '150' });
  const sessions = { retry: '20ms' };
  gateway = await startGateway({ config: { ...QUICK, sessions, upstreams: { peer: { url: peer.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const steps = (gate: string) => [{ progress: 1 }, { hangUp: true as const }, { gate }, { progress: 1 }, { log: 1 }];

describe('an upstream that closes its stream in the middle of a call', () => {
  test('has the client sent away for as long as it said; the rest is there when it comes back', async () => {
    const client = await RawClient.open(gateway.url);
    const args = { tag: 'polled', steps: steps('polled') };
    const reply = await client.call('peer__play', args, { id: 1, progressToken: 1 });
    await reply.ended();
    expect(reply.messages.map(({ params }) => params?.progress)).toEqual([1]);
    expect(reply.events.at(-1)).toMatchObject({ retry: 150, data: '' });
    const again = await client.listen(reply.lastEventId);
    await client.tool('peer__open_gate', { gate: 'polled' });
    await again.ended();
    expect(again.messages.map(({ method, id }) => method ?? id)).toEqual([
      'notifications/progress',
      'notifications/message',
      1,
    ]);
  });

  test('what comes while the client is away waits for it', async () => {
    const client = await RawClient.open(gateway.url);
    const before = await client.tool('peer__plays');
    const args = { tag: 'away', steps: steps('away') };
    const reply = await (await client.call('peer__play', args, { id: 1, progressToken: 1 })).ended();
    await client.tool('peer__open_gate', { gate: 'away' });
    await poll(() => client.tool('peer__plays')).toMatchObject({ finished: Number(before.finished) + 1 });
    const again = await (await client.listen(reply.lastEventId)).ended();
    expect(again.messages).toHaveLength(3);
    expect(again.messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'away' } } });
  });

  test('a result larger than all that is kept of a session waits as well, whatever else is said meanwhile', async () => {
    const small = { ...QUICK, sessions: { events: { maxBytes: '16KiB' } }, upstreams: { peer: { url: peer.url } } };
    await withGateway(small, async ({ url }) => {
      const client = await RawClient.open(url);
      const before = await client.tool('peer__plays');
      const tag = 'x'.repeat(200_000);
      const args = { tag, steps: [{ progress: 1 }, { hangUp: true }, { gate: 'large' }] };
      const reply = await (await client.call('peer__play', args, { id: 1, progressToken: 1 })).ended();
      await client.tool('peer__open_gate', { gate: 'large' });
      await poll(() => client.tool('peer__plays')).toMatchObject({ finished: Number(before.finished) + 1 });
      const chatty = { tag: 'chatty', steps: [{ log: 200, pad: 1_000 }] };
      await (await client.call('peer__play', chatty, { id: 2 })).ended();
      const again = await (await client.listen(reply.lastEventId)).ended();
      expect(again.messages).toMatchObject([{ id: 1, result: { structuredContent: { tag } } }]);
      // and once more, should the end of it not have arrived
      const once = await (await client.listen(reply.lastEventId)).ended();
      expect(once.messages.map(({ id }) => id)).toEqual([1]);
    });
  });

  test('a client of an earlier version keeps its stream, and gets everything on it', async () => {
    const client = await RawClient.open(gateway.url, { version: '2025-06-18' });
    const args = { tag: 'older', steps: steps('older') };
    const reply = await client.call('peer__play', args, { id: 1, progressToken: 1 });
    await reply.method('notifications/progress');
    await client.tool('peer__open_gate', { gate: 'older' });
    await reply.ended();
    expect(reply.messages).toHaveLength(4);
    expect(reply.messages.at(-1)?.id).toBe(1);
  });

  test('the official client notices nothing', async () => {
    const sdk = await SdkClient.connect(gateway.url, { secret: 'polls' });
    const seen: number[] = [];
    const played = sdk.play('peer', 'sdk', [...steps('sdk'), ...steps('sdk')], {
      onprogress: ({ progress }) => void seen.push(progress),
    });
    await sdk.tool('peer__open_gate', { gate: 'sdk' });
    expect((await played).tag).toBe('sdk');
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(sdk.of('notifications/message')).toHaveLength(2);
    await sdk.close();
  });
});

/**
 * The official client comes back for a stream that ended without a result, as those of cancelled and failed calls do. It
 * must not be led into asking again and again, nor into opening a second standalone stream that fights with the first.
 */
describe('the official client after a stream that ends without a result', () => {
  async function quietAfter(sdk: SdkClient): Promise<void> {
    const gets = () => sdk.requests.filter((method) => method === 'GET').length;
    // long enough for ten returns
    await sdk.play('peer', 'meanwhile', [{ pause: 200 }]);
    const before = gets();
    await sdk.play('peer', 'meanwhile', [{ pause: 400 }]);
    expect(gets() - before).toBe(0);
    await sdk.tool('peer__play_later', { tag: 'after', steps: [{ log: 20 }] });
    await sdk.tool('peer__played', { tag: 'after' });
    const numbers = () => sdk.of('notifications/message').map(({ data }) => (data as { n: number }).n);
    await poll(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    await sdk.close();
  }

  test('a call that fails', async () => {
    const sdk = await SdkClient.connect(gateway.url, { secret: 'fails' });
    const fail = { code: -32000, message: 'on purpose' };
    const played = sdk.play('peer', 'fails', [{ progress: 1 }, { fail }], { onprogress: () => undefined });
    await expect(played).rejects.toThrow('on purpose');
    await quietAfter(sdk);
  });

  test('a call that is cancelled', async () => {
    const sdk = await SdkClient.connect(gateway.url, { secret: 'cancels' });
    const controller = new AbortController();
    const played = sdk.play('peer', 'cancelled', [{ progress: 1 }, { gate: 'never' }], {
      onprogress: () => controller.abort('enough'),
      signal: controller.signal,
    });
    await expect(played).rejects.toThrow('enough');
    await quietAfter(sdk);
  });
});
