/** What clients miss that read slowly or not at all: in which order it goes, that answers stay, and how that is told. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { HttpStream } from './http-stream.ts';
import { askLater, elicit } from './questions.ts';
import { ABLE, RawClient } from './raw-client.ts';
import { QUICK, stdioPeer } from './setup.ts';
import { poll } from './until.ts';

const LONG_MS = 60_000;
const KIB = 1024;
/** More than ever waits for one client, of which so much fits between it and the gateway. */
const BULK = { log: 1_500, pad: 32 * KIB };
/** The most messages held for a client without a standalone stream. */
const HELD = 256;

/** The gateway has read the messages when it answers the ping. */
const LATER = [{ log: 2 * HELD }, { ask: [{ method: 'ping' }] }];

let gateway: Gateway;

let folder: string;
let journal: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patchbay-test-'));
  journal = join(folder, 'journal');
  await writeFile(journal, '');
  // one stream for all calls, which no slow client may hold up
  const upstreams = { stdio: stdioPeer('note', { JOURNAL: journal }) };
  gateway = await startGateway({ config: { ...QUICK, upstreams } });
});

afterAll(async () => {
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Waits until an upstream has said all it had to say. To ask it would be a call, which its logs might be taken to be of. */
const said = (tag: string) => poll(() => readFile(journal, 'utf8'), LONG_MS).toContain(`finished ${tag} `);

const LEFT = 'messages to a client were left out';
/** What the log says that this client missed, by kind. */
function toldOf(name: string): { lines: number; stream: unknown; log: number } {
  const lines = gateway.logs.filter(({ msg, client }) => client === name && String(msg).startsWith(LEFT));
  const log = lines.reduce((sum, line) => sum + Number(line.log ?? 0), 0);
  return { lines: lines.length, stream: lines[0]?.stream, log };
}

const logsOf = ({ messages }: HttpStream) =>
  messages.flatMap(({ method, params }) =>
    method === 'notifications/message' ? (params!.data as { n: number }).n : [],
  );
const increasing = (numbers: readonly number[]) => numbers.every((n, i) => i === 0 || n > numbers[i - 1]!);

/** Starts a call with more to say than its slow client can have waiting, and waits until all of it is said. */
async function overwhelm(client: RawClient, tag: string): Promise<HttpStream> {
  const steps = [{ progress: 1 }, { gate: tag }, BULK];
  const reply = await client.call('stdio__play', { tag, steps }, { id: 1, progressToken: 1 });
  await reply.method('notifications/progress');
  reply.pause();
  await client.tool('stdio__open_gate', { gate: tag });
  await said(tag);
  // an upstream's answer to this comes after all of that
  await client.tool('stdio__echo', {});
  return reply;
}

describe('a client that does not keep up with an upstream that cannot be held back', () => {
  test(
    'gets what is left in order, and the answer; the log counts what is missing',
    async () => {
      const client = await RawClient.open(gateway.url, { name: 'slow' });
      const reply = await overwhelm(client, 'slow');
      reply.resume();
      await reply.ended(LONG_MS);
      const seen = logsOf(reply);
      expect(increasing(seen)).toBe(true);
      expect(seen.length).toBeLessThan(BULK.log);
      expect(reply.messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'slow' } } });
      await poll(() => toldOf('slow').log).toBe(BULK.log - seen.length);
      expect(toldOf('slow').stream).toMatch(/^POST /);
      // once when it began, once when it was over
      expect(toldOf('slow').lines).toBeLessThanOrEqual(2);
    },
    LONG_MS,
  );

  test(
    'and leaves, finds the answer when it comes back',
    async () => {
      const client = await RawClient.open(gateway.url, { name: 'leaving' });
      const reply = await overwhelm(client, 'leaving');
      const read = reply.lastEventId;
      reply.drop();
      const rest = await (await client.listen(read)).ended(LONG_MS);
      expect(rest.status).toBe(200);
      expect(increasing(logsOf(rest))).toBe(true);
      expect(rest.messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { tag: 'leaving' } } });
      await poll(() => toldOf('leaving').log).toBeGreaterThan(0);
    },
    LONG_MS,
  );
});

describe('a client without a standalone stream', () => {
  test('finds the newest messages when it opens one, and what it was asked; the log counts the others', async () => {
    const client = await RawClient.open(gateway.url, { name: 'away', capabilities: ABLE });
    const outcomes = await askLater(client, 'stdio', 'asked', [elicit()]);
    await client.tool('stdio__play_later', { tag: 'logs', steps: LATER });
    await said('logs');
    const stream = await client.listen();
    const { id } = await stream.method('elicitation/create');
    await stream.waitFor(({ params }) => (params?.data as { n?: number } | undefined)?.n === 2 * HELD);
    const seen = logsOf(stream);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => 2 * HELD - seen.length + 1 + i));
    expect(seen.length).toBeGreaterThan(HELD / 2);
    expect(seen.length).toBeLessThanOrEqual(HELD);
    await poll(() => toldOf('away')).toEqual({ lines: 1, stream: 'GET', log: 2 * HELD - seen.length });
    await client.answer(id, { result: { action: 'decline' } });
    expect(await outcomes()).toEqual([{ result: { action: 'decline' } }]);
    stream.drop();
  });

  test('that never opens one is told of when its session ends', async () => {
    const client = await RawClient.open(gateway.url, { name: 'deaf' });
    await client.tool('stdio__play_later', { tag: 'deaf', steps: LATER });
    await said('deaf');
    await client.tool('stdio__echo', {});
    await client.end();
    await poll(() => toldOf('deaf').log).toBeGreaterThanOrEqual(HELD);
  });
});
