import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Child, type ChildSpec, exitText, startChild } from '../../src/upstreams/child.ts';
import { liveGroups } from '../../src/upstreams/groups.ts';
import { memoryLog } from './memory-log.ts';
import { expectGone, groupOf, isAlive } from './processes.ts';
import { nodeProcess } from './specs.ts';

const NO_HURRY = 10_000;

const started: Child[] = [];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'patchbay-child-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a child that is killed after the test, should it still be there. */
async function start(spec: Partial<ChildSpec> & Pick<ChildSpec, 'command'>): Promise<Child> {
  const whole = { args: [], env: {}, inheritEnv: [], cwd: undefined, stopTimeout: 1_000, ...spec };
  const child = await startChild(whole, memoryLog().log);
  started.push(child);
  return child;
}

const shell = (script: string, stopTimeout = 1_000): Promise<Child> =>
  start({ command: '/bin/sh', args: ['-c', script], stopTimeout });
const script = (code: string): Promise<Child> => start({ command: process.execPath, args: ['-e', code] });

/** The next line the child writes. */
async function line(stream: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stream });
  const [first] = (await once(lines, 'line')) as [string];
  lines.close();
  return first;
}

/** The sockets that a process has open. */
const socketsOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return target.startsWith('socket:') ? [target] : [];
    } catch {
      // it was that of the folder which is being read
      return [];
    }
  });

afterEach(async () => {
  for (const child of started.splice(0)) {
    void child.stop(0);
    if (groupOf(child.pid).length > 0) process.kill(-child.pid, 'SIGKILL');
    await child.over;
  }
});

describe('the process group', () => {
  test('is the child\u2019s own, and holds what the child starts', async () => {
    const child = await shell('sleep 300 & echo $!; wait');
    const grandchild = Number(await line(child.stdout));
    expect(groupOf(child.pid)).toContain(grandchild);
    expect(groupOf(child.pid)).toContain(child.pid);
    expect(groupOf(child.pid)).not.toContain(process.pid);
    expect(liveGroups()).toContain(child.pid);
    await child.stop(50);
    await expectGone(child.pid);
    expect(isAlive(grandchild)).toBe(false);
    expect(liveGroups()).not.toContain(child.pid);
  });

  test('ends after its leader, even where what the leader left in the background does not want to', async () => {
    const child = await shell('(trap "" TERM HUP; sleep 300) & echo $!; exec cat', 200);
    const grandchild = Number(await line(child.stdout));
    expect(isAlive(grandchild)).toBe(true);
    await child.stop();
    expect(child.ending).toEqual({ code: 0, signal: null });
    await expectGone(child.pid);
    expect(liveGroups()).not.toContain(child.pid);
  });

  test('lets what the leader left behind end of itself: it is told once, and given the grace time', async () => {
    const file = join(folder, 'told');
    const tidy = `let told = 0;
      process.on('SIGTERM', () => {
        told++;
        setTimeout(() => { require('node:fs').writeFileSync(${JSON.stringify(file)}, String(told)); process.exit(); }, 300);
      });
      setInterval(() => {}, 1e6);
      console.log('up');`;
    const child = await shell(`${process.execPath} -e '${tidy.replaceAll("'", `'"'"'`)}' & exec cat`, NO_HURRY);
    expect(await line(child.stdout)).toBe('up');
    await child.stop();
    expect(readFileSync(file, 'utf8')).toBe('1');
  });

  test('ends with a leader that crashes', async () => {
    const child = await shell('sleep 300 & echo ready; read line; kill -SEGV $$; wait');
    await line(child.stdout);
    child.stdin.write('\n');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGSEGV' });
    await child.over;
    expect([groupOf(child.pid), liveGroups().includes(child.pid)]).toEqual([[], false]);
  });

  test('ends with the gateway, whatever way that ends', async () => {
    const module = new URL('../../src/upstreams/child.ts', import.meta.url).href;
    const code = `
      import { startChild } from ${JSON.stringify(module)};
      const spec = { args: ['-c', 'trap "" TERM HUP; sleep 300 & sleep 300'], env: {}, inheritEnv: [], cwd: undefined, stopTimeout: 1 };
      const child = await startChild({ command: '/bin/sh', ...spec }, console);
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

  test('no pipe of the gateway\u2019s is in it: the end of one stays the end of one', async () => {
    await shell('exec cat');
    const child = await shell('exec cat');
    const own = socketsOf(process.pid);
    expect(own.length, 'pipes are sockets').toBeGreaterThan(6);
    expect(socketsOf(child.pid).filter((socket) => own.includes(socket))).toEqual([]);
  });
});

describe('what cannot be started', () => {
  const inFolder = (name: string): string => join(folder, name);

  beforeAll(() => {
    mkdirSync(inFolder('a-folder'));
    writeFileSync(inFolder('plain.txt'), 'echo hello\n');
    writeFileSync(inFolder('no-interpreter'), '#!/no/such/interpreter\n');
    chmodSync(inFolder('no-interpreter'), 0o755);
  });

  test.each<[Partial<ChildSpec> & Pick<ChildSpec, 'command'>, string]>([
    [{ command: 'no-such-command' }, 'cannot start "no-such-command": no such command on PATH'],
    [
      { command: process.execPath, cwd: '/no/such/folder' },
      `cannot start "${process.execPath}": there is no folder "/no/such/folder" (cwd)`,
    ],
    [
      { command: 'no-such-command', cwd: '/no/such/folder' },
      'cannot start "no-such-command": there is no folder "/no/such/folder" (cwd)',
    ],
    [{ command: 'cat', cwd: '/dev/null' }, 'cannot start "cat": "/dev/null" is not a folder (cwd)'],
    [{ command: 'cat', cwd: '/dev/null/x' }, 'cannot start "cat": there is no folder "/dev/null/x" (cwd)'],
    [{ command: '/' }, 'cannot start "/": "/" is a folder'],
    [{ command: './no/such' }, `cannot start "./no/such": there is no file "${join(process.cwd(), 'no/such')}"`],
    [{ command: './no-such', cwd: '/usr' }, 'cannot start "./no-such": there is no file "/usr/no-such"'],
    [
      { command: 'cat', args: ['x'.repeat(3_000_000)] },
      'cannot start "cat": its arguments and environment are too long',
    ],
  ])('%o', async (spec, message) => {
    const before = liveGroups().length;
    await expect(start(spec)).rejects.toThrow(new Error(message));
    expect(liveGroups()).toHaveLength(before);
  });

  test('a file that may not be executed, by its path and on PATH', async () => {
    const shown = JSON.stringify(inFolder('plain.txt'));
    await expect(start({ command: inFolder('plain.txt') })).rejects.toThrow(
      new Error(`cannot start ${shown}: no permission to execute ${shown}; is it made executable (chmod +x)?`),
    );
    await expect(start({ command: 'plain.txt', env: { PATH: folder } })).rejects.toThrow(
      new Error('cannot start "plain.txt": no permission to execute it; is it made executable (chmod +x)?'),
    );
    await expect(start({ command: inFolder('a-folder') })).rejects.toThrow(/"[^"]*a-folder" is a folder$/);
  });

  test('a script whose interpreter is missing', async () => {
    const shown = JSON.stringify(inFolder('no-interpreter'));
    await expect(start({ command: inFolder('no-interpreter') })).rejects.toThrow(
      new Error(`cannot start ${shown}: the interpreter that the first line of ${shown} names is not there`),
    );
  });
});

describe('stopping', () => {
  test('the end of stdin is enough for a server that behaves: no signal comes', async () => {
    const child = await start({ ...nodeProcess('raw-upstream', ['stdio', 'plain']) });
    await child.stop(NO_HURRY);
    expect(child.ending).toEqual({ code: 0, signal: null });
  });

  test('one that does not watch its stdin gets SIGTERM after the grace time', async () => {
    const child = await script('setInterval(() => {}, 1e6); console.log("up")');
    await line(child.stdout);
    await child.stop(50);
    expect(child.ending).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('a stubborn one gets SIGTERM and then SIGKILL', async () => {
    const child = await start({ ...nodeProcess('raw-upstream', ['stdio', 'stubborn']) });
    child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    await line(child.stdout);
    const ignored = line(child.stderr);
    await child.stop(300);
    expect(await ignored).toBe('SIGTERM ignored');
    expect(child.ending).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('one that is gone already is left alone', async () => {
    const child = await script('process.exit(7)');
    await child.exited;
    await child.stop(NO_HURRY);
    expect(child.ending).toEqual({ code: 7, signal: null });
  });

  test('twice at once ends it once', async () => {
    const child = await shell('exec cat');
    await Promise.all([child.stop(NO_HURRY), child.stop(NO_HURRY)]);
    expect(child.ending).toEqual({ code: 0, signal: null });
  });

  test('writing to one that is gone is no crash', async () => {
    const child = await script('process.exit(0)');
    await child.exited;
    child.stdin.write('hello\n');
    await new Promise((done) => setImmediate(done));
    expect(child.ending?.code).toBe(0);
  });
});

describe('output', () => {
  test('that somebody out of reach holds open is not waited for', async () => {
    // `setsid` takes it out of the group, so that it outlives its parent
    const child = await shell('setsid sleep 300 & echo $!; exec cat');
    const escaped = Number(await line(child.stdout));
    await expect.poll(() => groupOf(child.pid)).not.toContain(escaped);
    try {
      child.stdout.resume();
      child.stderr.resume();
      await child.stop(NO_HURRY);
      expect(await child.closed).toEqual({ code: 0, signal: null });
      expect([child.stdout.destroyed, child.stderr.destroyed, isAlive(escaped)]).toEqual([true, true, true]);
    } finally {
      process.kill(escaped, 'SIGKILL');
    }
  });
});

test.each([
  [3, null, 'the process exited with code 3'],
  [null, 'SIGKILL' as const, 'the process was ended by SIGKILL'],
  [null, null, 'the process exited with code unknown'],
])('an end in words: %j %j', (code, signal, words) => expect(exitText({ code, signal })).toBe(words));
