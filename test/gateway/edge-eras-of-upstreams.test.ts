/** How the era of an upstream is found out, and found out again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { ModernClient, TASKS } from './modern-client.ts';
import { type ScriptedModern, startModern } from './scripted-modern.ts';
import { startUpstream, textResult, tool } from './scripted-upstream.ts';

const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function gatewayOf(upstreams: object, more: object = {}): Promise<Gateway> {
  const gateway = await startGateway({ config: { upstreams, ...more } });
  closers.push(() => gateway.stop());
  return gateway;
}
async function modernOf(...args: Parameters<typeof startModern>): Promise<ScriptedModern> {
  const upstream = await startModern(...args);
  closers.push(() => upstream.close());
  return upstream;
}
const toolsOf = async (gateway: Gateway): Promise<string> =>
  JSON.stringify(await new ModernClient(gateway.url).result('tools/list'));

test.each([401, 503])('#147 HTTP %i is no verdict: it is asked again, and found to be modern then', async (status) => {
  let refusing = true;
  const upstream = await modernOf({ tools: [tool('one')] });
  upstream.script.handlers = {
    'server/discover': (_message, res) => {
      if (refusing) return void res.writeHead(status).end();
      return { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
    },
  };
  const gateway = await gatewayOf(
    { up: { url: upstream.url, recovery: { firstRetry: '50ms', maxRetry: '200ms' } } },
    { lists: { firstWait: '500ms' } },
  );
  await upstream.waitFor('server/discover');
  expect(upstream.of('initialize')).toEqual([]);
  refusing = false;
  await expect.poll(() => toolsOf(gateway), { timeout: 10_000 }).toContain('up__one');
  expect(upstream.of('initialize')).toEqual([]);
});

test('#148 a server that dies of the question is used as legacy, and nobody notices', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-test-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const script = join(folder, 'fragile.mjs');
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
     const say = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
     let greeted = false;
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, method, params } = JSON.parse(line);
       if (!greeted && method !== 'initialize') process.exit(3);
       greeted = true;
       if (method === 'initialize') say(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'f', version: '1' } });
       if (method === 'tools/list') say(id, { tools: [{ name: 'one', inputSchema: { type: 'object' } }] });
       if (method === 'tools/call') say(id, { content: [{ type: 'text', text: 'alive' }] });
     });`,
  );
  const gateway = await gatewayOf({ up: { command: process.execPath, args: [script] } });
  expect(await new ModernClient(gateway.url).call('up__one')).toMatchObject(text('alive'));
  const session = await Session.open(gateway.url);
  expect(await session.callText('up__one')).toBe('alive');
});

test('#149 an upstream that was upgraded is found to be modern when it is connected to again', async () => {
  const old = await startUpstream({ tools: [tool('one')], handlers: { 'tools/call': () => textResult('old') } });
  const { port } = new URL(old.url);
  const gateway = await gatewayOf({ up: { url: old.url, recovery: { firstRetry: '50ms', maxRetry: '200ms' } } });
  const client = new ModernClient(gateway.url);
  expect(await client.call('up__one')).toMatchObject(text('old'));
  await old.close();
  const upgraded = await modernOf(
    { tools: [tool('one')], handlers: { 'tools/call': () => text('new') } },
    Number(port),
  );
  await expect
    .poll(async () => JSON.stringify((await client.ask('tools/call', { params: { name: 'up__one' } })).messages), {
      timeout: 10_000,
    })
    .toContain('new');
  expect(upgraded.of('initialize').length).toBeLessThanOrEqual(1);
});

test('#150 an upstream that offers another version than the preferred one is asked once more in that', async () => {
  let refused = 0;
  const upstream = await modernOf({ tools: [tool('one')] });
  upstream.script.handlers = {
    'tools/call': () => {
      if (refused++ > 0) return text('fine');
      return { error: { code: -32022, message: 'no', data: { supported: ['2099-01-01', '2026-07-28'] } }, status: 400 };
    },
  };
  const gateway = await gatewayOf({ up: { url: upstream.url } });
  expect(await new ModernClient(gateway.url).call('up__one')).toMatchObject(text('fine'));
  expect(refused).toBe(2);
  upstream.script.handlers = {
    'tools/call': () => ({ error: { code: -32022, message: 'no', data: { supported: ['2099-01-01'] } }, status: 400 }),
  };
  const { message, status } = await new ModernClient(gateway.url).ask('tools/call', { params: { name: 'up__one' } });
  expect([status, message.error?.code]).toEqual([200, -32603]);
});

describe('protocol in the config', () => {
  test('legacy: it is not asked', async () => {
    const upstream = await startUpstream({ tools: [tool('one')] });
    closers.push(() => upstream.close());
    const gateway = await gatewayOf({ up: { url: upstream.url, protocol: 'legacy' } });
    expect(await toolsOf(gateway)).toContain('up__one');
    expect(upstream.of('server/discover')).toEqual([]);
  });

  test('modern: another era is a failure that says so', async () => {
    const upstream = await startUpstream({ tools: [tool('one')] });
    closers.push(() => upstream.close());
    const gateway = await gatewayOf({ up: { url: upstream.url, protocol: 'modern' } }, { lists: { firstWait: '1s' } });
    expect(await toolsOf(gateway)).toContain('"patchbay/missing":["up"]');
    const { problem } = await gateway.waitForLog(({ msg }) => msg === 'upstream is not available');
    expect(problem).toContain('protocol: modern');
    expect(upstream.of('initialize')).toEqual([]);
  });
});

test('#146 a task that runs when the gateway ends is known to have failed when it is there again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-test-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const upstreams = {
    everything: { command: 'node_modules/.bin/mcp-server-everything' },
    other: stdioUpstream('eras-server', ['legacy']),
  };
  const config = { upstreams, storage: { folder }, server: { port: 0, drainTimeout: '0s' } };
  const start = (): Promise<Gateway> => startGateway({ config });
  const first = await start();
  const capabilities = { extensions: { [TASKS]: {} } };
  const { taskId } = await new ModernClient(first.url, capabilities).call('everything__simulate-research-query', {
    topic: 'x',
  });
  await first.stop();
  const second = await start();
  closers.push(() => second.stop());
  const task = await new ModernClient(second.url, capabilities).result('tasks/get', { params: { taskId } });
  expect(task).toMatchObject({ taskId, status: 'failed', error: { code: -32603 } });
});
