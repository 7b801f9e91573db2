/** What a scrape of /metrics tells. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey } from '../fixtures/api-key.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';
import { ModernClient } from './modern-client.ts';

let gateway: Gateway;
let client: RawClient;

const start = (metrics: boolean) =>
  startGateway({
    config: {
      server: { port: 0, metrics, drainTimeout: '100ms' },
      upstreams: { peer: stdioPeer(), dead: { url: 'http://127.0.0.1:1/mcp' } },
    },
  });

const scrape = async (url = gateway.url, headers = {}) => fetch(new URL('/metrics', url), { headers });
const figure = async (series: string): Promise<number | undefined> => {
  const line = (await (await scrape()).text()).split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

beforeAll(async () => {
  gateway = await start(true);
  client = await RawClient.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
});

test('sessions, calls, processes and links are counted', async () => {
  const call = await client.call(
    'peer__play',
    { tag: 't', steps: [{ progress: 1 }, { gate: 'metrics' }] },
    { id: 7, progressToken: 7 },
  );
  await call.method('notifications/progress');
  expect(await figure('patchbay_sessions')).toBe(1);
  expect(await figure('patchbay_calls')).toBe(1);
  expect(await figure('patchbay_processes')).toBe(2);
  expect(await figure('patchbay_upstream_links{upstream="peer"}')).toBe(2);
  expect(await figure('patchbay_upstream_calls{upstream="peer"}')).toBe(1);
  await client.tool('peer__open_gate', { gate: 'metrics' });
  await call.ended();
  expect(await figure('patchbay_calls')).toBe(0);
});

test('calls of clients without a session are counted as well', async () => {
  const args = { tag: 'm', steps: [{ gate: 'modern' }] };
  const modern = new ModernClient(gateway.url);
  const call = modern.call('peer__play', args);
  await poll(() => figure('patchbay_calls')).toBe(1);
  // over the same link, and so to the same process
  await modern.call('peer__open_gate', { gate: 'modern' });
  await call;
  expect(await figure('patchbay_calls')).toBe(0);
});

test('an upstream that is there is up, one that is not is down and missing', async () => {
  expect(await figure('patchbay_upstream_state{upstream="peer",state="up"}')).toBe(1);
  expect(await figure('patchbay_upstream_missing{upstream="peer"}')).toBe(0);
  expect(await figure('patchbay_upstream_missing{upstream="dead"}')).toBe(1);
  await poll(() => figure('patchbay_upstream_state{upstream="dead",state="down"}'), 30_000).toBe(1);
  expect(await figure('patchbay_upstream_failures{upstream="dead"}')).toBeGreaterThanOrEqual(5);
});

test('the process itself is measured', async () => {
  expect(await figure('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(await figure('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
});

test('hosts and origins are checked as elsewhere', async () => {
  expect((await scrape(gateway.url, { origin: 'https://evil.example' })).status).toBe(403);
});

test('where clients sign in, figures are for keys with the scope for them, which are good for nothing else', async () => {
  const closed = await startGateway({
    config: {
      server: { port: 0, metrics: true },
      auth: { mode: 'apiKeys' },
      upstreams: { peer: stdioPeer() },
    },
  });
  try {
    const bearer = async (scope: string) => ({ authorization: `Bearer ${await createKey(closed, scope)}` });
    const [use, read] = [await bearer('mcp'), await bearer('metrics')];
    const refused = await scrape(closed.url);
    expect(refused.status).toBe(401);
    expect(await refused.text()).not.toContain('patchbay_');
    // a proxy on the same machine says so, or does not: it makes no difference
    expect((await scrape(closed.url, { 'x-forwarded-for': '127.0.0.1' })).status).toBe(401);
    const little = await scrape(closed.url, use);
    expect(little.status).toBe(403);
    expect(little.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(little.headers.get('www-authenticate')).toContain('scope="metrics"');
    const figures = await scrape(closed.url, read);
    expect(figures.status).toBe(200);
    expect(await figures.text()).toContain('patchbay_sessions 0');
    const called = await fetch(closed.url, {
      method: 'POST',
      headers: { ...read, 'content-type': 'application/json' },
    });
    expect(called.status).toBe(403);
    expect(called.headers.get('www-authenticate')).toContain('scope="mcp"');
  } finally {
    await closed.stop();
  }
});

test('nothing is there unless it was asked for', async () => {
  const other = await start(false);
  expect((await scrape(other.url)).status).toBe(404);
  await other.stop();
});
