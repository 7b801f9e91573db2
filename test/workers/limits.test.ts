/** Limits hold for two workers together. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { shareOf } from '../../src/commands/workers/shares.ts';
import type { Config } from '../../src/config/schema.ts';
import { createKey } from '../fixtures/api-key.ts';
import { exchange } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';
import { type Lab, startLab } from './lab.ts';

const LONG = 60_000;
const LIMIT = 200;
/** What may get through while workers tell each other; each of them alone would let `LIMIT` more through. */
const BURST = LIMIT / 2;

let lab: Lab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

test('auth.limits.calls: of one principal, whatever a client says of being counted already', {
  timeout: LONG,
}, async () => {
  lab = await startLab({ auth: { mode: 'apiKeys', limits: { calls: LIMIT } } });
  const key = await createKey(lab.gateway);
  const headers = { authorization: `Bearer ${key}`, 'x-patchbay-from': '10.1.2.3 counted' };
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const statuses: number[] = [];
  for (let i = 0; i < 3 * LIMIT; i++) statuses.push((await exchange(lab.url, { headers, body })).status);
  const through = statuses.filter((status) => status !== 429).length;
  expect(through).toBeGreaterThanOrEqual(LIMIT);
  expect(through).toBeLessThan(LIMIT + BURST);
});

test('auth.limits.failures: of one address, that of the client also where a request was passed on', {
  timeout: LONG,
}, async () => {
  lab = await startLab({ auth: { mode: 'apiKeys', limits: { failures: LIMIT } } });
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const statuses: number[] = [];
  for (let i = 0; i < 3 * LIMIT; i++) {
    const headers = {
      authorization: 'Bearer pbk_of_nobody',
      'mcp-session-id': `w${(i % 3) + 1}.x`,
      'x-patchbay-from': '10.1.2.3',
    };
    statuses.push((await exchange(lab.url, { headers, body })).status);
  }
  const through = statuses.filter((status) => status === 401).length;
  expect(through).toBeGreaterThanOrEqual(LIMIT);
  expect(through).toBeLessThan(LIMIT + BURST);
  expect(statuses.at(-1)).toBe(429);
  const refused = lab.gateway.logs.filter(({ audit }) => audit === 'refused');
  expect(new Set(refused.map(({ worker }) => worker))).toEqual(new Set([1, 2]));
  expect(new Set(refused.map(({ address }) => address))).toEqual(new Set(['127.0.0.1']));
});

test('the rate of an item', { timeout: LONG }, async () => {
  const peer = { ...stdioPeer(), items: { tools: { plays: { rate: `${LIMIT}/1h` } } } };
  lab = await startLab({ upstreams: { peer } });
  const client = new ModernClient(lab.url);
  let through = 0;
  for (let i = 0; i < 3 * LIMIT; i++) {
    const answer = await client.ask('tools/call', { params: { name: 'peer__plays', arguments: {} } });
    if (!answer.text.includes('may be used')) through++;
  }
  expect(through).toBeGreaterThanOrEqual(LIMIT);
  expect(through).toBeLessThan(LIMIT + BURST);
});

test('new sessions are spread, though connections come in a pattern that leads to one worker', {
  timeout: LONG,
}, async () => {
  lab = await startLab();
  // two connections for each session, in turn
  const owners = [];
  for (let i = 0; i < 60; i++) owners.push((await RawClient.open(lab.url)).session.slice(0, 2));
  const first = owners.filter((owner) => owner === 'w1').length;
  expect(Math.min(first, owners.length - first)).toBeGreaterThan(owners.length / 4);
});

test('a session that another worker begins gets to it: its connection is closed after the handshake, and never again', {
  timeout: LONG,
}, async () => {
  lab = await startLab();
  const { url } = lab.gateway;
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'one', version: '1' } };
  const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
  // all by one connection, until it is closed
  const begun = [];
  for (let i = 0; i < 60; i++) begun.push(await exchange(url, { body }));
  const closed = begun.filter(({ headers }) => headers.connection === 'close');
  expect(closed.length).toBeGreaterThan(0);
  for (const { headers } of begun) expect(Object.keys(headers)).not.toContain('x-patchbay-sessions');
  const { headers } = closed.at(-1)!;
  const ping = { headers: { 'mcp-session-id': String(headers['mcp-session-id']) }, body: { ...body, method: 'ping' } };
  // one connection at a time, which leads to the owner after some requests
  const one = new Client(new URL(url).origin);
  const pings = async (): Promise<unknown[]> => {
    const seen = [];
    for (let i = 0; i < 12; i++) {
      const {
        statusCode,
        headers,
        body: text,
      } = await one.request({
        path: '/mcp',
        method: 'POST',
        headers: { ...ping.headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify(ping.body),
      });
      await text.dump();
      expect(statusCode).toBe(200);
      seen.push(headers.connection);
    }
    return seen;
  };
  const seen = await pings();
  const passed = await lab.figure('patchbay_requests_passed_total');
  await pings();
  await one.close();
  expect(await lab.figure('patchbay_requests_passed_total')).toBe(passed);
  // nor is anything told of what is passed on because its head names a session there
  for (const worker of [1, 2]) {
    const { headers } = await exchange(url, { body, headers: { 'mcp-session-id': `w${worker}.0` } });
    expect(Object.keys(headers)).not.toContain('x-patchbay-sessions');
  }
  expect(seen.slice(4)).not.toContain('close');
});

test('each worker has its part of maxLinks, and at least one', () => {
  const config = { upstreams: { a: { maxLinks: 7 }, b: { maxLinks: 1 }, c: { maxLinks: 100 } } } as unknown as Config;
  const parts = [1, 2, 3].map((worker) => {
    const { upstreams } = shareOf(config, worker, 3);
    expect(Object.getPrototypeOf(upstreams)).toBe(null);
    return ['a', 'b', 'c'].map((name) => upstreams[name]!.maxLinks);
  });
  expect(parts).toEqual([
    [3, 1, 34],
    [2, 1, 33],
    [2, 1, 33],
  ]);
});

test('with storage.folder none, workers share what they need, and nothing of it stays', { timeout: LONG }, async () => {
  lab = await startLab({ storage: { folder: 'none' } });
  const client = new ModernClient(lab.url, { elicitation: { form: {} } });
  const args = {
    tag: 't',
    steps: [
      {
        ask: [
          {
            method: 'elicitation/create',
            params: { message: 'm', requestedSchema: { type: 'object', properties: {} } },
          },
        ],
      },
    ],
  };
  for (let i = 0; i < 4; i++) {
    const { requestState, inputRequests } = (await client.call('peer__play', args)) as {
      requestState: string;
      inputRequests: object;
    };
    const inputResponses = { [Object.keys(inputRequests)[0]!]: { action: 'accept', content: {} } };
    const done = await client.call('peer__play', args, { retry: { requestState, inputResponses } });
    expect(done.resultType).toBe('complete');
  }
  await expect(readFile(join(dirname(lab.gateway.configPath), 'state', 'patchbay.db'))).rejects.toThrow('ENOENT');
  await poll(async () => (await lab!.workers()).size).toBe(2);
});
