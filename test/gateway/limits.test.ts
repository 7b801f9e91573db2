/** Limits at the endpoint, API keys from the command to the call, and the headers that every answer has. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../e2e/cli-process.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { initializeMessage } from './client.ts';
import { exchange, send } from './exchange.ts';
import { expectRefusal } from './refusal.ts';

let state: string;
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), 'patchbay-limits-'));
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

async function withGateway(config: object, use: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = await startGateway({ config: { upstreams: {}, ...config }, env: { STATE_DIRECTORY: state } });
  try {
    await use(gateway);
  } finally {
    await gateway.stop();
  }
}

const keyCommand = (gateway: Gateway, ...args: string[]) =>
  run(['key', ...args, '--config', gateway.configPath], { env: { STATE_DIRECTORY: state } });

async function makeKey(gateway: Gateway, name: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await keyCommand(gateway, 'create', name, ...args);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

const ask = (gateway: Gateway, key: string | undefined, headers: Record<string, string> = {}) =>
  exchange(gateway.url, {
    headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers },
    body: initializeMessage(),
  });

/** Waits until a key that was made is known. */
const untilGood = async (gateway: Gateway, key: string): Promise<void> => {
  await gateway.waitForLog(({ audit, id }) => audit === 'key created' && key.includes(String(id)));
  expect((await ask(gateway, key)).status).toBe(200);
};

describe('API keys', () => {
  test('are good within seconds of being made, and no longer good within seconds of being taken back', async () => {
    await withGateway({ auth: { mode: ['apiKeys'] } }, async (gateway) => {
      const key = await makeKey(gateway, 'ci', '--scope', 'mcp', '--group', 'build');
      await untilGood(gateway, key);
      const stream = await send(gateway.url, {
        method: 'GET',
        headers: {
          ...{ accept: 'text/event-stream', authorization: `Bearer ${key}` },
          'mcp-session-id': String((await ask(gateway, key)).headers['mcp-session-id']),
        },
      });
      expect(stream.status).toBe(200);
      expect((await exchange(gateway.url, { headers: { 'x-api-key': key }, body: initializeMessage() })).status).toBe(
        200,
      );
      expect((await keyCommand(gateway, 'revoke', 'ci')).stdout).toMatch(/^revoked ci \(/);
      const since = Date.now();
      await vi.waitFor(async () => expect((await ask(gateway, key)).status).toBe(401), {
        timeout: 10_000,
        interval: 50,
      });
      expect(Date.now() - since).toBeLessThan(5_000);
      // what was opened with it is closed
      await stream.ended();
      // before it was known and after it was taken back, it was refused
      const events = gateway.logs.map(({ audit }) => audit).filter((event) => String(event).startsWith('key '));
      expect(events).toEqual(['key created', 'key used', 'key revoked']);
      expect(JSON.stringify([gateway.logs, gateway.noise])).not.toContain(key.slice(-64));
    });
  });

  test('survive a restart, and the list tells when they were used', async () => {
    let key = '';
    await withGateway({ auth: { mode: 'apiKeys' } }, async (gateway) => {
      key = await makeKey(gateway, 'nightly');
      await untilGood(gateway, key);
    });
    await withGateway({ auth: { mode: 'apiKeys' } }, async (gateway) => {
      expect((await ask(gateway, key)).status).toBe(200);
      const { stdout } = await keyCommand(gateway, 'list');
      const today = new Date().toISOString().slice(0, 7);
      expect(stdout).toMatch(new RegExp(`nightly +mcp .*${today}.* ${today}[-0-9]+ [0-9:]+$`, 'm'));
      expect(stdout).not.toContain(key.slice(-64));
    });
  });
});

describe('limits', () => {
  test('one principal: 429 with the time to wait; another is not concerned', async () => {
    await withGateway({ auth: { mode: 'apiKeys', limits: { calls: 20 } } }, async (gateway) => {
      const [busy, calm] = [await makeKey(gateway, 'busy'), await makeKey(gateway, 'calm')];
      for (const key of [busy, calm]) await untilGood(gateway, key);
      const answers = [];
      for (let i = 0; i < 24; i++) answers.push(await ask(gateway, busy));
      const refused = answers.filter(({ status }) => status === 429);
      // one was sent before; a minute may have ended in between
      expect(refused.length).toBeGreaterThanOrEqual(1);
      expect(refused.length).toBeLessThanOrEqual(5);
      expectRefusal(refused[0]!, 429, -32000, /auth\.limits\.calls is 20 a minute\); try again in \d+ s/);
      const wait = Number(refused[0]!.headers['retry-after']);
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(60);
      expect((await ask(gateway, calm)).status).toBe(200);
      await gateway.waitForLog(({ audit, principal }) => audit === 'limited' && principal === 'busy');
      expect(gateway.logs.filter(({ audit }) => audit === 'limited')).toHaveLength(1);
    });
  });

  test('one address without good tokens: 429 before any more are looked at, and known tokens go on', async () => {
    const config = {
      server: { port: 0, trustProxy: ['127.0.0.1'] },
      auth: { mode: 'apiKeys', limits: { failures: 5 } },
    };
    await withGateway(config, async (gateway) => {
      const key = await makeKey(gateway, 'known');
      const from = (address: string) => ({ 'x-forwarded-for': address });
      await untilGood(gateway, key);
      const bad = `pbk_000000000000_${'0'.repeat(64)}`;
      const statuses: number[] = [];
      for (let i = 0; i < 8; i++)
        statuses.push((await ask(gateway, i % 2 ? undefined : bad, from('192.0.2.1'))).status);
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
      const refused = await ask(gateway, bad, from('192.0.2.1'));
      expectRefusal(refused, 429, -32000, /auth\.limits\.failures is 5 a minute/);
      expect(refused.headers).not.toHaveProperty('www-authenticate');
      // its tokens that are known go on
      expect((await ask(gateway, key, from('192.0.2.2'))).status).toBe(200);
      expect((await ask(gateway, key, from('192.0.2.1'))).status).toBe(200);
      expect((await ask(gateway, bad, from('192.0.2.3'))).status).toBe(401);
      const told = gateway.logs.filter(({ audit, address }) => audit === 'refused' && address === '192.0.2.1');
      expect(told).toHaveLength(3);
      const limited = gateway.logs.filter(({ audit }) => audit === 'limited');
      expect(limited).toMatchObject([{ limit: 'auth.limits.failures', address: '192.0.2.1' }]);
      const health = await exchange(new URL('/healthz', gateway.url).href, {
        method: 'GET',
        headers: from('192.0.2.1'),
      });
      expect(health.status).toBe(200);
      const asked = await exchange(gateway.url, { method: 'OPTIONS', headers: from('192.0.2.1') });
      expect(asked.status).toBe(204);
    });
  });

  test('who is no proxy that is named has no say in where a request comes from', async () => {
    await withGateway({ auth: { mode: 'apiKeys', limits: { failures: 3 } } }, async (gateway) => {
      const statuses: number[] = [];
      for (let i = 0; i < 5; i++)
        statuses.push((await ask(gateway, undefined, { 'x-forwarded-for': `192.0.2.${i}` })).status);
      expect(statuses).toEqual([401, 401, 401, 429, 429]);
    });
  });

  test('mode none has none', async () => {
    await withGateway({ auth: { limits: { calls: 1, failures: 1 } } }, async (gateway) => {
      for (let i = 0; i < 10; i++) expect((await ask(gateway, undefined)).status).toBe(200);
    });
  });
});

test('every answer is what its type says, whatever path it is of', async () => {
  await withGateway({}, async (gateway) => {
    const opened = await ask(gateway, undefined);
    const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']), accept: 'text/event-stream' };
    const stream = await send(gateway.url, { method: 'GET', headers });
    const others = await Promise.all([
      exchange(gateway.url, { body: 'no json' }),
      exchange(gateway.url, { method: 'OPTIONS' }),
      exchange(gateway.url, { method: 'PUT' }),
      ...['/healthz', '/readyz', '/nothing'].map((path) =>
        exchange(new URL(path, gateway.url).href, { method: 'GET' }),
      ),
    ]);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    for (const answer of [opened, stream, ...others])
      expect(answer.headers['x-content-type-options'], answer.text).toBe('nosniff');
    await stream.close();
  });
});
