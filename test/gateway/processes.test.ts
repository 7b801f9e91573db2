/** What the gateway does with the processes of its upstreams, seen from outside. */
import { afterEach, describe, expect, test } from 'vitest';
import { childrenOf } from '../e2e/processes.ts';
import { fixturePath, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { json, startUpstream, tool } from './scripted-upstream.ts';

const LONG = { timeout: 15_000 };

let gateway: Gateway | undefined;

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

const serving = async (): Promise<number[]> =>
  [...(await childrenOf(gateway!.pid))].flatMap(([pid, command]) => (command.includes('peer-server') ? pid : []));

async function pidOf(session: Session): Promise<number> {
  const { structuredContent } = await session.result('tools/call', { name: 'peer__whoami', arguments: {} });
  return (structuredContent as { pid: number }).pid;
}

describe('spares', () => {
  test('are there before a session begins, become its process, and end with the gateway', async () => {
    gateway = await startGateway({ config: { upstreams: { peer: { ...stdioUpstream('peer-server'), spares: 2 } } } });
    // one is that of the link which the lists come over
    await expect.poll(async () => (await serving()).length, LONG).toBe(3);
    const before = await serving();
    const own: number[] = [];
    for (const name of ['first', 'second']) {
      const session = await Session.open(gateway.url, { name });
      own.push(await pidOf(session));
      expect(before).toContain(own.at(-1));
    }
    expect(new Set(own).size).toBe(2);
    await expect.poll(async () => (await serving()).length, LONG).toBe(5);
    const all = await serving();
    expect(await gateway.stop()).toEqual({ code: 0 });
    for (const pid of all) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('secrets that an upstream was given', () => {
  test('are in no log, however it writes them', async () => {
    const spill = `console.error('env', process.env.KEY, process.env.OWN, process.argv.at(-1));
      console.log('on stdout', process.env.KEY);
      process.argv[2] = 'stdio';
      import(${JSON.stringify(fixturePath('raw-upstream'))});`;
    const upstream = {
      command: process.execPath,
      args: ['--input-type=module', '-e', spill, 'x', `--token=\${env:TEST_TOKEN}`],
      env: { KEY: `\${env:TEST_KEY}`, OWN: 'written-in-the-file' },
    };
    gateway = await startGateway({
      config: { log: { level: 'trace' }, upstreams: { upstream } },
      env: { TEST_KEY: 'eight-ch', TEST_TOKEN: 'tok-0123456789' },
    });
    const stderr = await gateway.waitForLog(({ stderr }) => typeof stderr === 'string' && stderr.startsWith('env'));
    expect(stderr.stderr).toBe('env [redacted] [redacted] --token=[redacted]');
    const stdout = await gateway.waitForLog(({ line }) => typeof line === 'string');
    expect(stdout.line).toBe('on stdout [redacted]');
    expect(JSON.stringify(gateway.logs)).not.toMatch(/eight-ch|tok-0123456789|written-in-the-file/);
  });

  test('are not in the reason why its lists could not be had', async () => {
    const upstream = await startUpstream({
      tools: [tool('one')],
      handlers: {
        'tools/list': ({ id, headers }, res) => {
          const error = { code: -32603, message: `no lists for ${headers.authorization}` };
          return json(res, JSON.stringify({ jsonrpc: '2.0', id, error }));
        },
      },
    });
    const Authorization = 'Bearer in-the-header-1234';
    gateway = await startGateway({ config: { upstreams: { up: { url: upstream.url, headers: { Authorization } } } } });
    const { problem } = await gateway.waitForLog(({ msg }) => msg === 'upstream is not available');
    await upstream.close();
    expect(problem).toMatch(/no lists for .*\[redacted\]/);
    expect(JSON.stringify(gateway.logs)).not.toContain('in-the-header-1234');
  });
});

describe('a process that cannot be started', () => {
  test('is told of with what is wrong, and which folder', async () => {
    const upstreams = {
      folder: { ...stdioUpstream('peer-server'), cwd: '/no/such/folder' },
      plain: { command: fixturePath('peer-server').replace(/peer-server\.ts$/, 'child.ts') },
    };
    gateway = await startGateway({ config: { upstreams } });
    const problem = (upstream: string) =>
      gateway!.waitForLog((line) => line.upstream === upstream && line.msg === 'upstream is not available');
    expect((await problem('folder')).problem).toContain('there is no folder "/no/such/folder" (cwd)');
    expect((await problem('plain')).problem).toMatch(
      /no permission to execute "[^"]*child\.ts"; is it made executable/,
    );
  });
});
