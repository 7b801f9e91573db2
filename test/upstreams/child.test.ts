import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { type Child, type ChildSpec, exitText, liveGroups, startChild, stopChild } from '../../src/upstreams/child.ts';
import { expectGone, groupOf, isAlive } from './processes.ts';
import { nodeProcess } from './specs.ts';

const NO_HURRY = 10_000;

const started: Child[] = [];

/** Starts a child that is killed after the test, should it still be there. */
async function start(spec: Partial<ChildSpec> & Pick<ChildSpec, 'command'>): Promise<Child> {
  const child = await startChild({ args: [], env: {}, inheritEnv: [], cwd: undefined, stopTimeout: 1_000, ...spec });
  started.push(child);
  return child;
}

const shell = (script: string): Promise<Child> => start({ command: '/bin/sh', args: ['-c', script] });
const script = (code: string): Promise<Child> => start({ command: process.execPath, args: ['-e', code] });

/** The next line the child writes. */
async function line(stream: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stream });
  const [first] = (await once(lines, 'line')) as [string];
  lines.close();
  return first;
}

afterEach(async () => {
  for (const child of started.splice(0)) await stopChild(child, 0);
});

describe('the process group', () => {
  test('is the child\u2019s own, and holds what the child starts', async () => {
    const child = await shell('sleep 300 & echo $!; wait');
    const grandchild = Number(await line(child.stdout));
    expect(groupOf(child.pid!)).toContain(grandchild);
    expect(groupOf(child.pid!)).toContain(child.pid);
    expect(groupOf(child.pid!)).not.toContain(process.pid);
    expect(liveGroups()).toContain(child.pid);
    await stopChild(child, 50);
    await expectGone(child.pid!);
    expect(isAlive(grandchild)).toBe(false);
    expect(liveGroups()).not.toContain(child.pid);
  });

  test('ends with its leader, even what the leader left in the background', async () => {
    const child = await shell('(trap "" TERM HUP; sleep 300) & echo $!; exec cat');
    const grandchild = Number(await line(child.stdout));
    expect(isAlive(grandchild)).toBe(true);
    await stopChild(child, NO_HURRY);
    expect([child.exitCode, child.signalCode]).toEqual([0, null]);
    await expectGone(child.pid!);
  });

  test('ends with a leader that crashes', async () => {
    const child = await shell('sleep 300 & echo ready; kill -SEGV $$; wait');
    const exited = once(child, 'exit');
    await line(child.stdout);
    await exited;
    await expectGone(child.pid!);
    expect(liveGroups()).not.toContain(child.pid);
  });

  test('ends with the gateway, whatever way that ends', async () => {
    const module = new URL('../../src/upstreams/child.ts', import.meta.url).href;
    const code = `
      import { startChild } from ${JSON.stringify(module)};
      const spec = { args: ['-c', 'trap "" TERM HUP; sleep 300 & sleep 300'], env: {}, inheritEnv: [], cwd: undefined, stopTimeout: 1 };
      const child = await startChild({ command: '/bin/sh', ...spec });
      process.stdout.write(String(child.pid), () => { throw new Error('a bug in the gateway'); });`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
    const error = (await run.catch((reason: unknown) => reason)) as { stdout: string; stderr: string };
    expect(error.stderr).toContain('a bug in the gateway');
    expect(Number(error.stdout)).toBeGreaterThan(1);
    await expectGone(Number(error.stdout));
  });
});

describe('the environment', () => {
  const printed = async (spec: Partial<ChildSpec>): Promise<unknown> => {
    const child = await start({
      command: process.execPath,
      args: ['-e', 'process.stdout.write(JSON.stringify(process.env))'],
      ...spec,
    });
    return JSON.parse(await text(child.stdout)) as unknown;
  };

  test('is what is configured, and nothing of the gateway\u2019s own', async () => {
    process.env.PATCHBAY_TEST_SECRET = 'do not hand on';
    try {
      expect(await printed({ env: { A: '1', EMPTY: '' } })).toEqual({ A: '1', EMPTY: '' });
    } finally {
      delete process.env.PATCHBAY_TEST_SECRET;
    }
  });

  test('holds the variables that are inherited by name, as far as they are set', async () => {
    process.env.PATCHBAY_TEST_GIVEN = 'given';
    try {
      const inheritEnv = ['PATCHBAY_TEST_GIVEN', 'PATCHBAY_TEST_MISSING'];
      expect(await printed({ inheritEnv })).toEqual({ PATCHBAY_TEST_GIVEN: 'given' });
      expect(await printed({ inheritEnv, env: { PATCHBAY_TEST_GIVEN: 'configured' } })).toEqual({
        PATCHBAY_TEST_GIVEN: 'configured',
      });
    } finally {
      delete process.env.PATCHBAY_TEST_GIVEN;
    }
  });

  test('no shell reads the arguments', async () => {
    const args = [
      '-e',
      'process.stdout.write(JSON.stringify(process.argv.slice(1)))',
      '--',
      '$HOME',
      '; exit 9',
      '`id`',
      '*',
    ];
    const child = await start({ command: process.execPath, args });
    expect(JSON.parse(await text(child.stdout))).toEqual(['$HOME', '; exit 9', '`id`', '*']);
  });

  test('the folder is the configured one', async () => {
    const child = await start({ command: '/bin/pwd', cwd: '/usr/../usr' });
    expect(await text(child.stdout)).toBe('/usr\n');
  });
});

describe('what cannot be started', () => {
  test.each<[Partial<ChildSpec> & Pick<ChildSpec, 'command'>, string]>([
    [{ command: 'no-such-command' }, 'cannot start "no-such-command": no such command on PATH'],
    [
      { command: 'no-such-command', cwd: '/no/such/folder' },
      'cannot start "no-such-command": no such command on PATH, or no folder "/no/such/folder"',
    ],
    [{ command: '/' }, 'cannot start "/": EACCES'],
  ])('%o', async (spec, message) => {
    const before = liveGroups().length;
    await expect(start(spec)).rejects.toThrow(new Error(message));
    expect(liveGroups()).toHaveLength(before);
  });
});

describe('stopping', () => {
  test('the end of stdin is enough for a server that behaves: no signal comes', async () => {
    const child = await start({ ...nodeProcess('raw-upstream', ['stdio', 'plain']) });
    await stopChild(child, NO_HURRY);
    expect([child.exitCode, child.signalCode]).toEqual([0, null]);
  });

  test('one that does not watch its stdin gets SIGTERM after the grace time', async () => {
    const child = await script('setInterval(() => {}, 1e6); console.log("up")');
    await line(child.stdout);
    await stopChild(child, 50);
    expect([child.exitCode, child.signalCode]).toEqual([null, 'SIGTERM']);
  });

  test('a stubborn one gets SIGTERM and then SIGKILL', async () => {
    const child = await start({ ...nodeProcess('raw-upstream', ['stdio', 'stubborn']) });
    child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    await line(child.stdout);
    const ignored = line(child.stderr);
    await stopChild(child, 300);
    expect(await ignored).toBe('SIGTERM ignored');
    expect([child.exitCode, child.signalCode]).toEqual([null, 'SIGKILL']);
  });

  test('one that is gone already is left alone', async () => {
    const child = await script('process.exit(7)');
    await once(child, 'exit');
    await stopChild(child, NO_HURRY);
    expect(child.exitCode).toBe(7);
  });

  test('twice at once ends it once', async () => {
    const child = await shell('exec cat');
    await Promise.all([stopChild(child, NO_HURRY), stopChild(child, NO_HURRY)]);
    expect(child.exitCode).toBe(0);
  });

  test('writing to one that is gone is no crash', async () => {
    const child = await script('process.exit(0)');
    await once(child, 'exit');
    child.stdin.write('hello\n');
    await new Promise((done) => setImmediate(done));
    expect(child.exitCode).toBe(0);
  });
});

test.each([
  [3, null, 'the process exited with code 3'],
  [null, 'SIGKILL' as const, 'the process was ended by SIGKILL'],
  [null, null, 'the process exited with code unknown'],
])('an end in words: %j %j', (code, signal, words) => expect(exitText(code, signal)).toBe(words));
