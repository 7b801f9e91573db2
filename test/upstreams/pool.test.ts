import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { liveGroups } from '../../src/upstreams/child.ts';
import { Connector } from '../../src/upstreams/connector.ts';
import type { ClientIdentity, Link } from '../../src/upstreams/link.ts';
import { type LinkName, LinkPool, type PoolListener } from '../../src/upstreams/pool.ts';
import type { Timeouts } from '../../src/upstreams/spec.ts';
import type { WireFault } from '../../src/upstreams/wire.ts';
import { resultOf, toolCall } from './calls.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { children, expectGone, isAlive } from './processes.ts';
import { nodeProcess, stdioSpec } from './specs.ts';

const IDENTITY: ClientIdentity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
const IDLE = 60_000;

interface Closed {
  readonly from: LinkName;
  readonly fault: WireFault | undefined;
}

let pool: LinkPool;
let lines: LogLine[];
let closed: Closed[];
let opened: LinkName[];
let pinned: Set<string>;
/** What runs when a link has opened and is not handed out yet. */
let onopened: (link: Link, from: LinkName) => Promise<void>;

/** A pool over raw upstreams in these modes, each named by its mode. */
function build(modes: readonly string[], timeouts: Partial<Timeouts> = {}): void {
  const memory = memoryLog();
  lines = memory.lines;
  const nothing = (): void => undefined;
  const listener: PoolListener = {
    listen: () => ({ listChanged: nothing, log: nothing, input: nothing, updated: nothing, elicited: nothing }),
    opened: async (link, from) => {
      opened.push(from);
      await onopened(link, from);
    },
    closed: (from, fault) => void closed.push({ from, fault }),
    pinned: (_, { scope }) => pinned.has(scope),
  };
  const connectors = modes.map((name) => {
    const spec = stdioSpec(nodeProcess('raw-upstream', ['stdio', name]), {
      name,
      timeouts: { idle: IDLE, ...timeouts },
    });
    return [name, new Connector(spec, memory.log.child({ upstream: name }))] as const;
  });
  pool = new LinkPool(new Map(connectors), listener, memory.log);
}

const lease = (scope: string, upstream = 'plain'): Promise<Link> =>
  Promise.resolve(pool.lease(upstream, scope, IDENTITY));

const started = (): number[] => lines.flatMap((l) => (l.msg === 'process started' ? [Number(l.pid)] : []));

/** Lets time pass for the pool alone; processes take the time they need. */
const pass = (ms: number): void => void vi.advanceTimersByTime(ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  closed = [];
  opened = [];
  pinned = new Set();
  onopened = async () => undefined;
  build(['plain']);
});

afterEach(async () => {
  await pool.close();
  vi.useRealTimers();
  for (const pid of started()) await expectGone(pid);
  expect(liveGroups()).toEqual([]);
  expect(children()).toEqual([]);
});

describe('opening', () => {
  test('is done once for all that ask at the same time, and the link is at hand afterwards', async () => {
    const links = await Promise.all(Array.from({ length: 20 }, () => lease('s1')));
    expect(new Set(links).size).toBe(1);
    expect(pool.lease('plain', 's1', IDENTITY)).toBe(links[0]);
    expect([started().length, pool.size]).toEqual([1, 1]);
    expect(opened).toMatchObject([{ upstream: 'plain', scope: 's1', audience: '' }]);
  });

  test('gives every owner a link of its own, and every upstream', async () => {
    await pool.close();
    build(['plain', 'string-ids']);
    const links = await Promise.all([lease('s1'), lease('s2'), lease('s1', 'string-ids')]);
    expect(new Set(links).size).toBe(3);
    expect(new Set(started()).size).toBe(3);
    expect(pool.linksOf('s1')).toEqual([links[0], links[2]]);
    expect(pool.peek('plain', 's2')).toBe(links[1]);
    expect(pool.peek('string-ids', 's2')).toBeUndefined();
    expect(pool.linksOf('nobody')).toEqual([]);
  });

  test('hands a link out only once what must be done first is done', async () => {
    const gate = Promise.withResolvers<void>();
    onopened = () => gate.promise;
    let got = false;
    const leased = lease('s1').then(() => {
      got = true;
    });
    await vi.waitFor(() => expect(opened).toHaveLength(1));
    expect([got, pool.peek('plain', 's1')]).toEqual([false, undefined]);
    gate.resolve();
    await leased;
    expect(pool.peek('plain', 's1')).toBeDefined();
  });

  test('that fails is a fault for all that wait, and tried again by the next', async () => {
    await pool.close();
    build(['mute'], { open: 300 });
    const both = await Promise.allSettled([lease('s1', 'mute'), lease('s1', 'mute')]);
    for (const result of both) {
      expect(result).toMatchObject({ status: 'rejected', reason: { fault: 'upstreamUnavailable' } });
    }
    expect((both[0] as PromiseRejectedResult).reason.message).toContain('within 300 ms (timeouts.open)');
    expect([started().length, pool.size]).toEqual([1, 0]);
    await expectGone(started()[0]!);
    await expect(lease('s1', 'mute')).rejects.toThrow('Upstream mute is not available');
    expect(started()).toHaveLength(2);
    expect(closed).toEqual([]);
  });

  test('of an upstream nobody configured fails', () => {
    expect(() => pool.lease('nobody', 's1', IDENTITY)).toThrow('Upstream nobody is not available');
  });
});

describe('a lost link', () => {
  test('is told with the reason, and replaced at the next lease', async () => {
    const first = await lease('s1');
    process.kill(started()[0]!, 'SIGKILL');
    await vi.waitFor(() => expect(closed).toHaveLength(1));
    expect(closed[0]).toMatchObject({ from: { upstream: 'plain', scope: 's1' } });
    expect(closed[0]?.fault?.message).toBe('the process was ended by SIGKILL');
    expect([first.closed, pool.size]).toEqual([true, 0]);
    const second = await lease('s1');
    expect(second).not.toBe(first);
    expect(await resultOf(send(second, toolCall('raw')))).toHaveProperty('content');
  });
});

/** Sends a call and gives it back. */
function send(link: Link, recorded: ReturnType<typeof toolCall>): ReturnType<typeof toolCall> {
  link.request(recorded.call);
  return recorded;
}

describe('release', () => {
  test('closes the links of one owner, wherever they lead, and no other', async () => {
    await pool.close();
    build(['plain', 'string-ids']);
    const [mine, also, other] = await Promise.all([lease('s1'), lease('s1', 'string-ids'), lease('s2')]);
    await pool.release('s1');
    expect([mine.closed, also.closed, other.closed]).toEqual([true, true, false]);
    expect(started().filter(isAlive)).toHaveLength(1);
    expect(closed.map((c) => c.fault)).toEqual([undefined, undefined]);
    expect(await resultOf(send(other, toolCall('raw')))).toHaveProperty('content');
    await pool.release('nobody');
  });

  test('of a link that is being opened gives the opening up', async () => {
    await pool.close();
    build(['mute'], { open: 30_000 });
    const leased = lease('s1', 'mute');
    const failed = expect(leased).rejects.toThrow('it is being closed');
    await vi.waitFor(() => expect(started()).toHaveLength(1));
    await pool.release('s1');
    await failed;
    await expectGone(started()[0]!);
    expect(pool.size).toBe(0);
  });
});

describe('an idle link', () => {
  test('is closed after its time, not before, and using it starts the time anew', async () => {
    const link = await lease('s1');
    pass(IDLE - 1_000);
    expect(link.closed).toBe(false);
    await lease('s1');
    pass(IDLE - 1_000);
    expect(pool.size).toBe(1);
    pass(2_000);
    expect(pool.size).toBe(0);
    await vi.waitFor(() => expect(link.closed).toBe(true));
    expect(closed.map((c) => c.fault)).toEqual([undefined]);
  });

  test('is not idle while a call is in progress, however long, nor for its time after that', async () => {
    await pool.close();
    build(['late'], { call: 3_600_000, callMax: 3_600_000 });
    const link = await lease('s1', 'late');
    const { call, told } = send(link, toolCall('raw'));
    pass(3 * IDLE);
    expect([link.inFlight, pool.size]).toEqual([1, 1]);
    link.cancel(call);
    expect(link.inFlight).toBe(0);
    pass(IDLE - 2_000);
    expect(pool.size, 'the time begins when the call is over').toBe(1);
    pass(4_000);
    expect(pool.size).toBe(0);
    await vi.waitFor(() => expect(link.closed).toBe(true));
    expect(told).toEqual([]);
  });

  test('stays when something hangs on it', async () => {
    const link = await lease('s1');
    pinned.add('s1');
    pass(10 * IDLE);
    expect(pool.size).toBe(1);
    pinned.clear();
    pass(2_000);
    expect(pool.size).toBe(0);
    await vi.waitFor(() => expect(link.closed).toBe(true));
  });
});

describe('closing the pool', () => {
  test('leaves no child, stubborn ones included, and later leases fail', async () => {
    await pool.close();
    build(['plain', 'stubborn', 'mute'], { stop: 100 });
    const opening = lease('s1', 'mute').catch((error: unknown) => error);
    await Promise.all([lease('s1'), lease('s2'), lease('s1', 'stubborn')]);
    await vi.waitFor(() => expect(started()).toHaveLength(4));
    expect(children()).toHaveLength(4);
    await pool.close();
    expect(children()).toEqual([]);
    expect(await opening).toMatchObject({ fault: 'upstreamUnavailable' });
    expect(() => pool.lease('plain', 's1', IDENTITY)).toThrow('it is being closed');
    expect(pool.size).toBe(0);
  });

  test('waits for links that are on their way out already', async () => {
    await pool.close();
    build(['plain', 'stubborn'], { stop: 100 });
    await Promise.all([lease('s1', 'stubborn'), lease('s2')]);
    void pool.release('s1');
    pass(2 * IDLE);
    await pool.close();
    expect(children()).toEqual([]);
  });

  test('twice is no harm', async () => {
    await lease('s1');
    await Promise.all([pool.close(), pool.close()]);
    await pool.close();
    expect(closed).toHaveLength(1);
  });
});
