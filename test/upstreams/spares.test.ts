import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Ending } from '../../src/upstreams/child.ts';
import { Connector } from '../../src/upstreams/connector.ts';
import { liveGroups } from '../../src/upstreams/groups.ts';
import type { Running } from '../../src/upstreams/launcher.ts';
import type { Link } from '../../src/upstreams/link.ts';
import { Spares } from '../../src/upstreams/spares.ts';
import { resultOf, toolCall } from './calls.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { children, expectGone, isAlive } from './processes.ts';
import { hearing } from './scripted-wire.ts';
import { nodeProcess, stdioSpec } from './specs.ts';

const LOAD = 700;
const LONG = { timeout: 15_000 };

/** A server that takes its time to load, says so on stderr, and tells its process id. */
const SLOW = `
  const say = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
  const info = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'slow', version: '1' } };
  setTimeout(() => {
    process.stderr.write('loaded\\n');
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      if (method === 'initialize') say(id, info);
      else if (id !== undefined) say(id, { content: [], pid: process.pid });
    }).on('close', () => process.exit(0));
  }, ${LOAD});`;

describe('of a real upstream', () => {
  let connector: Connector;
  let lines: LogLine[];
  let links: Link[] = [];

  const build = (spares: number, code = SLOW): void => {
    const memory = memoryLog();
    lines = memory.lines;
    const spec = stdioSpec({ ...nodeProcess('raw-upstream'), args: ['-e', code] });
    connector = new Connector({ ...spec, spares }, memory.log);
  };

  const started = (): number[] => lines.flatMap((l) => (l.msg === 'process started' ? Number(l.pid) : []));
  const loaded = (): number[] => lines.flatMap((l) => (l.stderr === 'loaded' ? Number(l.pid) : []));

  /** Opens a link. @returns the process it leads to, and how long that took, milliseconds */
  async function open(): Promise<{ pid: number; ms: number }> {
    const since = performance.now();
    const identity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
    const link = await connector.open(identity, hearing().listener);
    const ms = performance.now() - since;
    links.push(link);
    const asked = toolCall('pid');
    link.request(asked.call);
    return { ...(await resultOf<{ pid: number }>(asked)), ms };
  }

  afterEach(async () => {
    await Promise.all(links.map((link) => link.close()));
    await connector.close();
    links = [];
    for (const pid of started()) await expectGone(pid);
    expect([liveGroups(), children()]).toEqual([[], []]);
  });

  test('save a link the time that the process takes to load, and are replaced', async () => {
    build(1);
    const first = await open();
    expect(first.ms).toBeGreaterThan(LOAD * 0.9);
    await expect.poll(() => loaded().length, LONG).toBe(2);
    const spare = loaded()[1];
    expect(spare).not.toBe(first.pid);
    const second = await open();
    expect(second.pid).toBe(spare);
    expect(second.ms).toBeLessThan(LOAD * 0.9);
    await expect.poll(() => loaded().length, LONG).toBe(3);
    expect((await open()).pid).toBe(loaded()[2]);
  });

  test('are as many as are wanted, and end with the upstream', async () => {
    build(3);
    await open();
    await expect.poll(() => loaded().length, LONG).toBe(4);
    expect(children().sort()).toEqual(started().sort());
    await links[0]!.close();
    await connector.close();
    expect(started().filter(isAlive)).toEqual([]);
  });

  test('are more or fewer from the moment that is wanted, and the links stay', async () => {
    build(1);
    const link = await open();
    await expect.poll(() => loaded().length, LONG).toBe(2);
    connector.spec = { ...connector.spec, spares: 2 };
    await expect.poll(() => loaded().length, LONG).toBe(3);
    connector.spec = { ...connector.spec, spares: 0 };
    await expect.poll(() => started().filter(isAlive), LONG).toEqual([link.pid]);
  });

  test('are none by default, so that every link has its process started', async () => {
    build(0);
    expect((await open()).pid).not.toBe((await open()).pid);
    expect(started()).toHaveLength(2);
  });

  test('that end by themselves are replaced', async () => {
    build(1);
    await open();
    await expect.poll(() => loaded().length, LONG).toBe(2);
    process.kill(loaded()[1]!, 'SIGKILL');
    await expect.poll(() => loaded().length, LONG).toBe(3);
    expect((await open()).pid).toBe(loaded()[2]);
    const told = lines.find((line) => line.msg === 'a spare process ended by itself');
    expect(told).toMatchObject({ reason: 'the process was ended by SIGKILL', stderr: ['loaded'], level: 20 });
  });

  test('one that has ended without anybody having noticed is no reason to fail', async () => {
    build(1);
    await open();
    await expect.poll(() => loaded().length, LONG).toBe(2);
    const spare = loaded()[1]!;
    process.kill(spare, 'SIGKILL');
    while (isAlive(spare));
    const { pid } = await open();
    expect(pid).not.toBe(spare);
    expect(lines.map(({ msg }) => msg)).toContain('a spare process was lost, starting another');
  });

  test('are not started for an upstream that does not work', async () => {
    build(2, 'process.exit(1)');
    await expect(open()).rejects.toThrow('the process exited with code 1');
    await expect(open()).rejects.toThrow('the process exited with code 1');
    expect(started()).toHaveLength(2);
  });
});

describe('in the course of time', () => {
  interface Fake {
    readonly running: Running;
    end(): void;
    stopped: boolean;
  }

  let fakes: Fake[];
  let lines: LogLine[];
  let spares: Spares;
  /** What a start does instead of succeeding. */
  let failure: Error | undefined;

  const fake = (): Fake => {
    const exited = Promise.withResolvers<Ending>();
    const made: Fake = {
      stopped: false,
      running: {
        child: {
          exited: exited.promise,
          stop: async () => {
            made.stopped = true;
          },
        },
        lastWords: () => ['some words'],
      } as unknown as Running,
      end: () => exited.resolve({ code: 9, signal: null }),
    };
    return made;
  };

  const build = (wanted: number): void => {
    const memory = memoryLog();
    lines = memory.lines;
    const launch = async (): Promise<Running> => {
      const made = fake();
      fakes.push(made);
      if (failure) throw failure;
      return made.running;
    };
    spares = new Spares(wanted, launch, memory.log);
  };

  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  /** Ends the newest spare as soon as there is one more. @returns after how many milliseconds that was */
  const endNext = async (lived = 0): Promise<number> => {
    const since = Date.now();
    const before = fakes.length;
    while (fakes.length === before && Date.now() - since < 200_000) await pass(100);
    const waited = Date.now() - since;
    await pass(lived);
    fakes.at(-1)!.end();
    await pass(0);
    return waited;
  };

  beforeEach(() => {
    vi.useFakeTimers();
    fakes = [];
    failure = undefined;
    build(1);
  });

  afterEach(() => void vi.useRealTimers());

  test('nothing is started before the first link has opened', async () => {
    await pass(3_600_000);
    expect([fakes.length, spares.take()]).toEqual([0, undefined]);
    spares.opened();
    await pass(1_000);
    expect(fakes).toHaveLength(1);
    await pass(3_600_000);
    expect(fakes).toHaveLength(1);
  });

  test('they are started one after the other, and given out in that order', async () => {
    build(3);
    spares.opened();
    await pass(300);
    expect(fakes).toHaveLength(1);
    await pass(1_000);
    expect(fakes).toHaveLength(3);
    expect([spares.take(), spares.take()]).toEqual([fakes[0]!.running, fakes[1]!.running]);
    await pass(1_000);
    expect(fakes).toHaveLength(5);
  });

  test('after ends by themselves they are started ever more slowly, within a minute', async () => {
    spares.opened();
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) waits.push(await endNext(10_000));
    expect(waits).toEqual([200, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    spares.opened();
    expect([await endNext(10_000), await endNext()], 'a link that opens is a new beginning').toEqual([60_000, 1_000]);
  });

  test('after three early ends no more are started until a link opens, and that is told once', async () => {
    spares.opened();
    for (let i = 0; i < 3; i++) await endNext(9_000);
    await pass(3_600_000);
    expect(fakes).toHaveLength(3);
    const told = (): LogLine[] => lines.filter(({ level }) => Number(level) >= 40);
    expect(told()).toEqual([
      expect.objectContaining({
        reason: 'the process exited with code 9',
        stderr: ['some words'],
        msg: 'spare processes end by themselves, so that none is started until a link has opened',
      }),
    ]);
    spares.opened();
    await pass(1_000);
    expect(fakes).toHaveLength(4);
    expect(spares.take()).toBe(fakes[3]!.running);
    expect(told()).toHaveLength(1);
  });

  test('one that lived long makes those before it count no more', async () => {
    spares.opened();
    for (const lived of [0, 0, 10_000, 0, 0]) await endNext(lived);
    await pass(60_000);
    expect(fakes).toHaveLength(6);
  });

  test('starts that fail count like early ends', async () => {
    failure = new Error('cannot start "x"');
    spares.opened();
    await pass(600_000);
    expect(fakes).toHaveLength(3);
    expect(lines.at(-1)).toMatchObject({ level: 40, reason: 'cannot start "x"' });
  });

  test('one that was taken is no business of theirs any more', async () => {
    spares.opened();
    await pass(1_000);
    spares.take();
    fakes[0]!.end();
    await pass(1_000);
    expect(fakes).toHaveLength(2);
    expect(lines).toEqual([]);
    await spares.close();
    expect(fakes.map(({ stopped }) => stopped)).toEqual([false, true]);
    await pass(60_000);
    spares.opened();
    await pass(60_000);
    expect(fakes).toHaveLength(2);
  });
});
