/** The era of an upstream as the config has it, and what outlives the gateway. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { ModernClient, TASKS } from './modern-client.ts';
import { startUpstream, tool } from './scripted-upstream.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function gatewayOf(upstreams: object, more: object = {}): Promise<Gateway> {
  const gateway = await startGateway({ config: { upstreams, ...more } });
  closers.push(() => gateway.stop());
  return gateway;
}
const toolsOf = async (gateway: Gateway): Promise<string> =>
  JSON.stringify(await new ModernClient(gateway.url).result('tools/list'));

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
