/** Two workers on one port: every session works whichever of them takes a connection. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectV1, connectV2 } from '../e2e/sdk-clients.ts';
import { exchange } from '../gateway/exchange.ts';
import { elicit } from '../multiplexer/questions.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { SdkClient } from '../multiplexer/sdk-client.ts';
import { poll } from '../multiplexer/until.ts';
import { type Lab, startLab } from './lab.ts';

const LONG = 60_000;

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ server: { sse: true } });
}, LONG);

afterAll(async () => {
  await lab?.close();
});

test('server.workers: one line says that all listen, and each line of a worker has its number', async () => {
  const lines = lab.gateway.logs.filter(({ msg }) => msg === 'listening');
  expect(lines).toEqual([expect.objectContaining({ url: lab.gateway.url, workers: 2 })]);
  expect(lines[0]).not.toHaveProperty('worker');
  for (const worker of [1, 2])
    await lab.gateway.waitForLog((line) => line.worker === worker && line.msg === 'upstream ready');
  expect((await lab.workers()).size).toBe(2);
  expect((await fetch(new URL('/readyz', lab.gateway.url))).status).toBe(200);
});

describe('clients of the official SDKs', () => {
  test('of version 1: calls, questions on the reply and on the GET stream, progress, and the end', {
    timeout: LONG,
  }, async () => {
    const before = (await lab.figure('patchbay_requests_passed_total')) ?? 0;
    const names = Array.from({ length: 6 }, (_, i) => `secret ${i}`);
    const clients = await Promise.all(names.map((secret) => SdkClient.connect(lab.url, { secret })));
    expect(await lab.figure('patchbay_sessions')).toBe(clients.length);
    await Promise.all(
      clients.map(async (client, i) => {
        for (let round = 0; round < 4; round++) {
          const seen: number[] = [];
          const tag = `${i}.${round}`;
          const steps = [{ progress: 1 }, { ask: [elicit()] }, { progress: 2 }];
          const played = await client.play('peer', tag, steps, {
            onprogress: ({ progress }) => void seen.push(progress),
          });
          expect(played).toMatchObject({ tag, outcomes: [{ result: { content: { secret: client.secret } } }] });
          // the wait for the answer is progress, too
          expect(seen).toEqual([1, 2, 3].slice(0, Math.max(2, seen.length)));
        }
        // what belongs to no call comes on the stream that GET has opened
        await client.tool('peer__play_later', { tag: `later ${i}`, steps: [{ ask: [elicit()] }] });
        const { outcomes } = await client.tool('peer__played', { tag: `later ${i}` });
        expect(outcomes).toMatchObject([{ result: { content: { secret: client.secret } } }]);
        await client.client.subscribeResource({ uri: (await client.client.listResources()).resources[0]!.uri });
      }),
    );
    expect(await lab.figure('patchbay_requests_passed_total')).toBeGreaterThan(before + clients.length);
    await Promise.all(clients.map((client) => client.close()));
    expect(await lab.figure('patchbay_sessions')).toBe(0);
  });

  test('of version 2, of both eras, and of version 1 by connections that stay open', { timeout: LONG }, async () => {
    for (const url of [lab.url, lab.gateway.url]) {
      const clients = await Promise.all([
        connectV1(url),
        connectV2(url, 'legacy'),
        connectV2(url, 'legacy'),
        connectV2(url, { pin: '2026-07-28' }),
      ]);
      for (let round = 0; round < 3; round++)
        await Promise.all(
          clients.map(async (client, i) => {
            expect(await client.tools()).toContain('peer__play');
            const { structured } = await client.call('peer__play', { tag: `${i}.${round}`, steps: [] });
            expect(structured).toMatchObject({ tag: `${i}.${round}` });
          }),
        );
      await Promise.all(clients.map((client) => client.close()));
    }
    await poll(() => lab.figure('patchbay_sessions')).toBe(0);
  });

  test('over HTTP+SSE, where messages are posted beside the stream', { timeout: LONG }, async () => {
    const url = lab.url.replace(/mcp$/, 'sse');
    const clients = await Promise.all(
      ['a', 'b', 'c'].map((secret) => SdkClient.connect(url, { secret, transport: 'sse' })),
    );
    for (const client of clients) {
      const played = await client.play('peer', client.secret, [{ ask: [elicit()] }]);
      expect(played.outcomes).toMatchObject([{ result: { content: { secret: client.secret } } }]);
    }
    await Promise.all(clients.map((client) => client.close()));
  });
});

test('a connection that brings only what another worker holds is closed after the answer, once it was passed on', async () => {
  const { url } = lab.gateway;
  const opened = await Promise.all([RawClient.open(url), RawClient.open(lab.url), RawClient.open(lab.url)]);
  const owners = new Set(opened.map(({ session }) => session.split('.')[0]));
  expect([...owners].every((owner) => /^w[12]$/.test(owner!))).toBe(true);
  const [client] = opened;
  const answers = [];
  for (let i = 0; i < 20; i++) {
    const headers = { 'mcp-session-id': client!.session, connection: 'keep-alive' };
    answers.push(await exchange(url, { headers, body: { jsonrpc: '2.0', id: i + 10, method: 'ping' } }));
  }
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  // it came to the owner soon, and stayed
  expect(answers.slice(4).filter(({ headers }) => headers.connection === 'close')).toEqual([]);
});

test('a session of nobody, of a worker that there is not, and of one that has forgotten it is unknown', async () => {
  for (const id of ['x', 'w1.x', 'w2.x', 'w3.x', 'w99.x', 'w0.x']) {
    const options = { headers: { 'mcp-session-id': id }, body: { jsonrpc: '2.0', id: 1, method: 'ping' } };
    for (let i = 0; i < 2; i++) {
      const answer = await exchange(lab.url, options);
      expect([answer.status, answer.messages[0]?.error?.message]).toEqual([404, expect.stringContaining('initialize')]);
      const stream = await exchange(lab.url, {
        method: 'GET',
        headers: { ...options.headers, accept: 'text/event-stream' },
      });
      expect(stream.status).toBe(404);
    }
  }
});
