/** No process outlives the gateway, not even one that does not want to end, nor where the gateway is simply killed. */
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type DefaultGateway, ROOT, startDefaultGateway } from './default-gateway.ts';
import { childrenOf, expectNoneMarked, marked } from './processes.ts';
import { connectV1 } from './sdk-clients.ts';

/** Upstreams whose servers are not the processes that the gateway starts. */
const BEHIND_OTHERS = {
  // what a shell has in the background does not read its stdin by itself
  shell: { command: 'sh', args: ['-c', 'exec 3<&0; mcp-server-everything stdio <&3 & sleep 601 & wait'] },
  npx: {
    command: 'npx',
    args: ['--no-install', 'mcp-server-everything', 'stdio'],
    cwd: ROOT,
    timeouts: { open: '30s' },
  },
};
const STUBBORN = {
  command: 'sh',
  args: ['-c', 'trap "" TERM INT HUP; sleep 602 & node "$0" stdio stubborn', stdioUpstream('raw-upstream').args[0]],
  timeouts: { stop: '300ms' },
};

let gateway: DefaultGateway;

afterEach(() => gateway.stop('SIGKILL'));

async function startAll(): Promise<void> {
  gateway = await startDefaultGateway({ ...BEHIND_OTHERS, stubborn: STUBBORN });
  const client = await connectV1(gateway.url, gateway.key);
  for (const upstream of ['everything-http', 'shell', 'npx'])
    expect((await client.call(`${upstream}__echo`, { message: 'hello' })).text).toBe('Echo: hello');
  await client.call('stubborn__raw', {});
  const running = [...(await marked(gateway.mark)).values()];
  for (const part of ['dist/cli.js serve', 'mcp-server-everything streamableHttp', 'raw-upstream.ts stdio stubborn'])
    expect(running).toContainEqual(expect.stringContaining(part));
  for (const part of ['sleep 601', 'sleep 602', 'npm exec mcp-server-everything stdio'])
    expect(running).toContainEqual(expect.stringContaining(part));
}

/** The processes that guard the others, one in general; they have nothing of the gateway's environment. */
const guardsOf = async (pid: number): Promise<number[]> =>
  [...(await childrenOf(pid))].flatMap(([guard, command]) => (command.includes('patchbay-guard') ? [guard] : []));

async function guardOf(pid: number): Promise<number> {
  const guards = await guardsOf(pid);
  expect(guards).toHaveLength(1);
  return guards[0]!;
}

const isGone = async (pid: number): Promise<boolean> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) === '';

describe.each(['SIGKILL', 'SIGTERM'] as const)('%s', (signal) => {
  it('of the gateway is the end of all that it has started', async () => {
    await startAll();
    const guard = await guardOf(gateway.pid);
    expect(await gateway.stop(signal)).toEqual({ code: signal === 'SIGTERM' ? 0 : null });
    await expectNoneMarked(gateway.mark);
    await expect.poll(() => isGone(guard), { timeout: 8_000 }).toBe(true);
  }, 60_000);
});

it('SIGKILL of the guard, and then of the gateway, is the end of all that it has started', async () => {
  await startAll();
  const killed = await guardOf(gateway.pid);
  process.kill(killed, 'SIGKILL');
  const others = async () => (await guardsOf(gateway.pid)).filter((pid) => pid !== killed);
  await expect.poll(others, { timeout: 8_000 }).toHaveLength(1);
  await gateway.stop('SIGKILL');
  await expectNoneMarked(gateway.mark);
}, 60_000);
