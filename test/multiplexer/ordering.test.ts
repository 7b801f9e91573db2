/** Order and completeness of what a call sends before its answer, for clients that read fast or slowly. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { HttpStream, Rpc } from './http-stream.ts';
import { RawClient } from './raw-client.ts';
import { QUICK, startPeer, stdioPeer } from './setup.ts';
import { poll } from './until.ts';

const MANY = 10_000;
/** Of 4 KiB each: more than fits between a gateway and a client that does not read. */
const BULK = 6_000;
const LONG_MS = 60_000;
const KIB = 1024;

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

const isProgress = ({ method }: Rpc) => method === 'notifications/progress';
const isLog = ({ method }: Rpc) => method === 'notifications/message';
const progressOf = ({ messages }: HttpStream) =>
  messages.filter(isProgress).map(({ params }) => Number(params?.progress));
const logsOf = ({ messages }: HttpStream) =>
  messages.filter(isLog).map(({ params }) => (params!.data as { n: number }).n);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const increasing = (numbers: readonly number[]) => numbers.every((n, i) => i === 0 || n > numbers[i - 1]!);

/** Waits until the upstream has said all it had to say, although its client does not listen. */
async function finished(client: RawClient, upstream: string, before: number): Promise<void> {
  const count = async () => (await client.tool(`${upstream}__plays`)).finished;
  await poll(count).toBe(before + 1);
}

/** Starts a call whose client stops reading as soon as the head of the reply is there. */
async function startSlow(client: RawClient, upstream: string, step: object): Promise<HttpStream> {
  const args = { tag: 'slow', steps: [{ progress: 1 }, step] };
  const reply = await client.call(`${upstream}__play`, args, { id: 1, progressToken: 1 });
  reply.pause();
  return reply;
}

describe.each(['stdio', 'http', 'sse'])('%s', (upstream) => {
  test(
    '10,000 progress messages arrive in order, before the result, none lost',
    async () => {
      const client = await RawClient.open(gateway.url);
      const args = { tag: 'many', steps: [{ progress: MANY }] };
      const reply = await client.call(`${upstream}__play`, args, { id: 1, progressToken: 'mine' });
      await reply.ended(LONG_MS);
      const { messages } = reply;
      expect(progressOf(reply)).toEqual(upTo(MANY));
      expect(messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'many' } } });
      expect(messages).toHaveLength(MANY + 1);
      expect(new Set(messages.slice(0, -1).map(({ params }) => params?.progressToken))).toEqual(new Set(['mine']));
    },
    LONG_MS,
  );

  test(
    'a slow reader gets increasing progress and the result, and holds nobody up',
    async () => {
      const slow = await RawClient.open(gateway.url);
      const other = await RawClient.open(gateway.url);
      const before = Number((await slow.tool(`${upstream}__plays`)).finished);
      const reply = await startSlow(slow, upstream, { progress: BULK, pad: 4 * KIB });
      // of another client, and of the same one
      for (const client of [other, slow]) {
        const args = { tag: 'fast', steps: [{ progress: 100 }] };
        const fast = await client.call(`${upstream}__play`, args, { id: 2, progressToken: 1 });
        expect((await fast.response(2, LONG_MS)).result).toMatchObject({ structuredContent: { tag: 'fast' } });
        expect(progressOf(fast)).toEqual(upTo(100));
      }
      await finished(slow, upstream, before + (upstream === 'stdio' ? 1 : 2));
      reply.resume();
      await reply.ended(LONG_MS);
      const seen = progressOf(reply);
      // where all calls share a stream, progress is what is left out, so that none of them waits
      if (upstream !== 'http') expect(seen.length).toBeLessThan(BULK);
      expect(increasing(seen)).toBe(true);
      expect(seen.at(-1)).toBe(BULK + 1);
      expect(reply.messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'slow' } } });
    },
    LONG_MS,
  );

  test(
    'a slow reader gets every log message, in order, before the result',
    async () => {
      const slow = await RawClient.open(gateway.url);
      const before = Number((await slow.tool(`${upstream}__plays`)).finished);
      const stream = await slow.listen();
      const reply = await startSlow(slow, upstream, { log: 2_000, pad: 4 * KIB });
      const other = await RawClient.open(gateway.url);
      expect(await other.tool(`${upstream}__echo`, { tag: 'other' })).toEqual({ tag: 'other' });
      await finished(slow, upstream, before);
      reply.resume();
      await reply.ended(LONG_MS);
      // those that came beside another call cannot be told apart where all calls share a stream; no message is on both
      const apart = logsOf(stream);
      expect([logsOf(reply), apart].every(increasing)).toBe(true);
      stream.drop();
      expect([...logsOf(reply), ...apart].sort((a, b) => a - b)).toEqual(upTo(2_000));
      expect(reply.messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'slow' } } });
    },
    LONG_MS,
  );
});

describe('an upstream with a stream for each call', () => {
  test(
    'is held back by a slow reader, however much it has to say, and every log message arrives',
    async () => {
      const client = await RawClient.open(gateway.url);
      // more than is ever kept for a client that does not read
      const reply = await startSlow(client, 'http', { log: 1_500, pad: 32 * KIB });
      for (let i = 0; i < 20; i++) await client.tool('http__echo', { i });
      expect(reply.messages.length).toBeLessThan(1_500);
      reply.resume();
      await reply.ended(LONG_MS);
      expect(logsOf(reply)).toEqual(upTo(1_500));
      expect(reply.messages.at(-1)?.id).toBe(1);
    },
    LONG_MS,
  );

  test(
    'logs and progress of one call keep their order',
    async () => {
      const client = await RawClient.open(gateway.url);
      const steps = upTo(200).flatMap(() => [{ progress: 1 }, { log: 1 }]);
      const reply = await client.call('http__play', { tag: 'both', steps }, { id: 1, progressToken: 1 });
      await reply.ended(LONG_MS);
      const order = reply.messages.slice(0, -1).map((message) => (isLog(message) ? 'log' : 'progress'));
      expect(order).toEqual(upTo(200).flatMap(() => ['progress', 'log']));
    },
    LONG_MS,
  );
});
