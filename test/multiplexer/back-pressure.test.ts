/** Calls that share one slow client are held back together, each on its own, and go on together. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { HttpStream } from './http-stream.ts';
import { RawClient } from './raw-client.ts';
import { QUICK, startPeer, withGateway } from './setup.ts';
import { poll } from './until.ts';

const LONG_MS = 60_000;
const LOGS = 1_500;
const PAD = 32 * 1024;

let peer: HttpFixture;
let gateway: Gateway;

beforeAll(async () => {
  peer = await startPeer('http');
  gateway = await startGateway({ config: { ...QUICK, upstreams: { http: { url: peer.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await peer?.stop();
});

const play = (id: string, steps: object[]) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'http__play', arguments: { tag: id, steps: [{ log: 1 }, ...steps] } },
});

/** The numbers of the logs of each call, in the order they came. */
function logsOf({ messages }: HttpStream): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const { method, params } of messages) {
    if (method !== 'notifications/message') continue;
    const { tag, n } = params!.data as { tag: string; n: number };
    found[tag] = [...(found[tag] ?? []), n];
  }
  return found;
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test.each([
  { title: 'the short call first', order: ['short', 'bulk', 'more'] },
  { title: 'the short call last', order: ['bulk', 'more', 'short'] },
])(
  'a batch with a call that ends while its client does not read, $title: the others go on when it reads',
  async ({ title, order }) => {
    const client = await RawClient.open(gateway.url, { version: '2025-03-26' });
    const other = await RawClient.open(gateway.url);
    const before = await other.tool('http__plays');
    const bulk = [{ log: LOGS - 1, pad: PAD }];
    const steps: Record<string, object[]> = { short: [{ gate: title }], bulk, more: bulk };
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': client.session,
    };
    const body = JSON.stringify(order.map((id) => play(id, steps[id]!)));
    const reply = await HttpStream.open(gateway.url, { method: 'POST', headers, body });
    reply.pause();
    await other.tool('http__open_gate', { gate: title });
    await poll(() => other.tool('http__plays')).toMatchObject({ finished: Number(before.finished) + 3 });
    // what the upstream had to say is on its way, and more of it than is kept for a client that does not read
    for (let i = 0; i < 20; i++) await other.tool('http__echo', { i });
    expect(reply.messages.length).toBeLessThan(LOGS);
    reply.resume();
    await reply.ended(LONG_MS);
    expect(logsOf(reply)).toEqual({ short: [1], bulk: upTo(LOGS), more: upTo(LOGS) });
    const answered = reply.messages.filter(({ method }) => method === undefined).map(({ id }) => id);
    expect(answered.sort()).toEqual(['bulk', 'more', 'short']);
    expect(gateway.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  },
  LONG_MS,
);

test(
  'sessions.idleTimeout: a connection that takes nothing for so long is cut off, which is told; its client may come back',
  () =>
    withGateway({ ...QUICK, sessions: { idleTimeout: '3s' }, upstreams: { http: { url: peer.url } } }, async (own) => {
      const client = await RawClient.open(own.url, { name: 'stuck' });
      const steps = [{ progress: 1 }, { log: LOGS, pad: PAD }];
      const reply = await client.call('http__play', { tag: 'stuck', steps }, { id: 1, progressToken: 1 });
      await reply.method('notifications/progress');
      reply.pause();
      const line = await own.waitForLog(({ msg }) => msg === 'a connection was cut off', LONG_MS);
      expect(line).toMatchObject({ level: 'warn', client: 'stuck', reason: expect.stringContaining('3000 ms') });
      const rest = await (await client.listen(reply.lastEventId)).ended(LONG_MS);
      expect(rest.messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'stuck' } } });
    }),
  LONG_MS,
);
