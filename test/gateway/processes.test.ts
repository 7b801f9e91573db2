/** What the gateway does with the processes of its upstreams, seen from outside. */
import { afterEach, describe, expect, test } from 'vitest';
import { fixturePath, stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';

let gateway: Gateway | undefined;

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
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
