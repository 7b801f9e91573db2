/** What becomes of process groups when the gateway is killed; a script stands for the gateway. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { Guard } from '../../src/upstreams/guard.ts';
import { memoryLog } from './memory-log.ts';
import { expectGone, groupOf, isAlive, processes } from './processes.ts';

const source = (file: string): string => JSON.stringify(new URL(`../../src/upstreams/${file}`, import.meta.url).href);

const PRELUDE = `
  import { startChild } from ${source('child.ts')};
  import { guardPid } from ${source('groups.ts')};
  const log = { debug() {} };
  const start = (script) => startChild(
    { command: '/bin/sh', args: ['-c', script], env: {}, inheritEnv: [], cwd: undefined, stopTimeout: 200 }, log);
  const tell = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
  const next = () => new Promise((done) => process.stdin.once('data', done));
`;

/** Outlives the end of stdin and every signal but one. */
const STUBBORN = 'trap "" TERM HUP INT; sleep 300 & sleep 300';

interface Script {
  readonly process: ChildProcess;
  /** What it tells next. */
  told<T>(): Promise<T>;
  /** Lets it go on. */
  go(): void;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

let left: number[] = [];
let scripts: Script[] = [];

function run(code: string): Script {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PRELUDE + code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  const script: Script = {
    process: child,
    told: async () => JSON.parse((await lines.next()).value ?? 'null'),
    go: () => void child.stdin.write('\n'),
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await exited;
    },
  };
  scripts.push(script);
  return script;
}

const gone = (pid: number): Promise<void> =>
  expect.poll(() => isAlive(pid), { timeout: 5_000, interval: 10 }).toBe(false);

/** Guards of a script, once they are what they will be: until then a process is a copy of the one that starts it. */
const guardsOf = (pid: number): number[] =>
  processes().flatMap(({ parent, pid: child }) =>
    parent === pid && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('patchbay-guard') ? [child] : [],
  );

afterEach(async () => {
  for (const script of scripts) if (script.process.exitCode === null) await script.kill();
  for (const pid of left) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  [scripts, left] = [[], []];
});

/** Starts two groups. */
const TWO = `
  const [a, b] = [await start('${STUBBORN}'), await start('${STUBBORN}')];
  tell({ guard: guardPid(), groups: [a.pid, b.pid] });
  await next();`;

interface Two {
  readonly guard: number;
  readonly groups: readonly [number, number];
}

describe('when the gateway is killed', () => {
  test('every group ends, whatever it does about signals, and then the guard', async () => {
    const script = run(TWO);
    const { guard, groups } = await script.told<Two>();
    await expect.poll(() => groups.map((group) => groupOf(group).length)).toEqual([3, 3]);
    expect(groupOf(guard)).toEqual([guard]);
    await script.kill();
    for (const group of groups) await expectGone(group);
    await gone(guard);
  });

  test('a group that is over is not touched: its number may be that of another', async () => {
    const [over, there] = [1, 2].map(() => spawn('sleep', ['300'], { detached: true, stdio: 'ignore' }).pid!) as [
      number,
      number,
    ];
    left = [over, there];
    const script = run(`
      import { Guard } from ${source('guard.ts')};
      const guard = new Guard();
      guard.ready(log);
      for (const pid of [${over}, 1${over}, ${there}, ${over}1]) guard.begin(pid);
      for (const pid of [${over}, ${over}1, 1${over}]) guard.end(pid);
      tell(guard.pid);
      await next();`);
    const guard = await script.told<number>();
    await script.kill();
    await gone(there);
    await gone(guard);
    expect(isAlive(over)).toBe(true);
  });

  test('the guard ends although something that has left its group lives on', async () => {
    const script = run(`
      const child = await start('setsid sleep 300 & echo $!; exec cat');
      child.stdout.once('data', (pid) => tell({ guard: guardPid(), escaped: Number(pid), group: child.pid }));`);
    const { guard, escaped, group } = await script.told<{ guard: number; escaped: number; group: number }>();
    left = [escaped];
    await expect.poll(() => groupOf(group)).not.toContain(escaped);
    await script.kill();
    await expectGone(group);
    await gone(guard);
    expect(isAlive(escaped)).toBe(true);
  });

  test('signals that are meant for the gateway do not end the guard before', async () => {
    const script = run(TWO);
    const { guard, groups } = await script.told<Two>();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.kill(guard, signal);
    await script.kill('SIGQUIT');
    for (const group of groups) await expectGone(group);
    await gone(guard);
  });

  test('a guard that was killed itself has been replaced by one that knows all groups', async () => {
    const script = run(`${TWO}
      const child = await start('${STUBBORN}');
      tell({ guard: guardPid(), groups: [child.pid] });
      await next();`);
    const first = await script.told<Two>();
    process.kill(first.guard, 'SIGKILL');
    const replacement = () => guardsOf(script.process.pid!).filter((pid) => pid !== first.guard);
    await expect.poll(replacement, { timeout: 5_000, interval: 10 }).toHaveLength(1);
    script.go();
    const second = await script.told<Two>();
    expect([second.guard]).toEqual(replacement());
    await script.kill();
    for (const group of [...first.groups, ...second.groups]) await expectGone(group);
    await gone(second.guard);
  });

  test('a guard that was killed itself is replaced although no process is started any more', async () => {
    const script = run(TWO);
    const { guard, groups } = await script.told<Two>();
    process.kill(guard, 'SIGKILL');
    const replacement = () => guardsOf(script.process.pid!).filter((pid) => pid !== guard);
    await expect.poll(replacement, { timeout: 5_000, interval: 10 }).toHaveLength(1);
    await script.kill();
    for (const group of groups) await expectGone(group);
  });
});

describe('the guard', () => {
  test('does not keep the gateway from ending, nor stays behind', async () => {
    const script = run(`
      const child = await start('exec cat');
      tell(guardPid());
      await child.stop();`);
    const guard = await script.told<number>();
    await once(script.process, 'exit');
    expect(script.process.exitCode).toBe(0);
    await gone(guard);
  });

  test('is small, and one for all', async () => {
    const script = run(TWO);
    const { guard, groups } = await script.told<Two>();
    const children = processes().filter(({ parent }) => parent === script.process.pid);
    expect(children.map(({ pid }) => pid).sort()).toEqual([guard, ...groups].sort());
    const anonymous = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${guard}/status`, 'utf8'))?.[1];
    expect(Number(anonymous)).toBeLessThan(2_048);
    expect(readFileSync(`/proc/${guard}/environ`, 'utf8')).not.toContain('HOME');
  });

  test('that cannot be started is done without', async () => {
    const { log, lines } = memoryLog();
    const guard = new Guard('/no/such/shell');
    guard.begin(1_000_000);
    guard.ready(log);
    guard.begin(1_000_001);
    await expect.poll(() => lines[0]).toMatchObject({ level: 20, err: expect.stringContaining('ENOENT') });
    expect(guard.pid).toBeUndefined();
    for (const pid of [1_000_000, 1_000_001]) guard.end(pid);
  });

  test('that does not stay is started less and less often, for as long as there are groups', async () => {
    const { log, lines } = memoryLog();
    const guard = new Guard('/bin/false');
    guard.ready(log);
    guard.begin(1_000_000);
    await expect.poll(() => lines.length, { timeout: 10_000, interval: 10 }).toBe(4);
    expect(lines.map(({ code, retryInMs }) => [code, retryInMs])).toEqual([
      [1, 100],
      [1, 200],
      [1, 400],
      [1, 800],
    ]);
    expect(guard.pid).toBeUndefined();
    guard.end(1_000_000);
  });

  test('is not replaced when there is nothing to guard', async () => {
    const { log, lines } = memoryLog();
    const guard = new Guard();
    guard.begin(1_000_000);
    guard.ready(log);
    guard.end(1_000_000);
    process.kill(guard.pid!, 'SIGKILL');
    await expect.poll(() => guard.pid).toBeUndefined();
    expect(lines).toEqual([]);
    guard.ready(log);
    expect(guard.pid).toBeGreaterThan(0);
    process.kill(guard.pid!, 'SIGKILL');
    await expect.poll(() => guard.pid).toBeUndefined();
  });
});
