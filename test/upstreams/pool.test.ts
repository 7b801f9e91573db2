import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Logger } from '../../src/telemetry/log.ts';
import { Connector } from '../../src/upstreams/connector.ts';
import { liveGroups } from '../../src/upstreams/groups.ts';
import type { ClientIdentity, Link } from '../../src/upstreams/link.ts';
import { LinkPool } from '../../src/upstreams/pool.ts';
import type { Timeouts, UpstreamSpec } from '../../src/upstreams/spec.ts';
import type { Lessee, LinkName, PoolListener } from '../../src/upstreams/upstream-links.ts';
import { resultOf, toolCall } from './calls.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { children, expectGone, isAlive } from './processes.ts';
import { type HttpServerInTest, serveHttp, stream } from './scripted-http.ts';
import { httpSpec, nodeProcess, stdioSpec } from './specs.ts';

const IDENTITY: ClientIdentity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
const IDLE = 60_000;
const LONG = { timeout: 10_000 };

let pool: LinkPool;
let lines: LogLine[];
let log: Logger;
let opened: { from: LinkName; again: boolean }[];
/** Owners whose links must stay. */
let wanted: Set<string>;
/** What runs when a link has opened and is not handed out yet. */
let onopened: (link: Link, from: LinkName) => Promise<void>;

/** A pool over raw upstreams in these modes, each named by its mode. */
function build(modes: readonly string[], timeouts: Partial<Timeouts> = {}, more: Partial<UpstreamSpec> = {}): void {
  const memory = memoryLog();
  lines = memory.lines;
  log = memory.log;
  const nothing = (): void => undefined;
  const listener: PoolListener = {
    listen: () => ({
      listChanged: nothing,
      missed: nothing,
      log: nothing,
      input: nothing,
      updated: nothing,
      tasked: () => undefined,
      elicited: nothing,
    }),
    opened: async (link, from, again) => {
      opened.push({ from, again });
      await onopened(link, from);
    },
    wanted: (_, { scope }) => wanted.has(scope),
  };
  pool = new LinkPool(listener, memory.log);
  for (const name of modes) {
    const spec = stdioSpec(nodeProcess('raw-upstream', ['stdio', name]), {
      name,
      timeouts: { idle: IDLE, ...timeouts },
    });
    connect({ ...spec, ...more });
  }
}

const connect = (spec: UpstreamSpec, patience = 0): void => pool.add(new Connector(spec, log), patience);

const by = (scope: string, principal: string | undefined = scope): Lessee => ({
  scope,
  principal,
  identity: () => IDENTITY,
});

const lease = (scope: string, upstream = 'plain', principal?: string): Promise<Link> =>
  Promise.resolve(pool.lease(upstream, by(scope, principal)));

const lost = () => lines.filter(({ msg }) => msg === 'link lost');

const started = (): number[] => lines.flatMap((l) => (l.msg === 'process started' ? [Number(l.pid)] : []));

/** Lets time pass for the pool alone; processes take the time they need. */
const pass = (ms: number): void => void vi.advanceTimersByTime(ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  opened = [];
  wanted = new Set();
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
    expect(pool.lease('plain', by('s1'))).toBe(links[0]);
    expect([started().length, pool.size]).toEqual([1, 1]);
    expect(opened).toMatchObject([{ from: { upstream: 'plain', scope: 's1', audience: '' }, again: false }]);
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
    expect(lost()).toEqual([]);
  });

  test('of an upstream nobody configured fails', () => {
    expect(() => pool.lease('nobody', by('s1'))).toThrow('Upstream nobody is not available');
  });
});

describe('a lost link', () => {
  test('is told with the reason, and replaced at the next lease', async () => {
    const first = await lease('s1');
    process.kill(started()[0]!, 'SIGKILL');
    await vi.waitFor(() => expect(lost()).toHaveLength(1));
    expect(lost()[0]).toMatchObject({ upstream: 'plain', reason: 'the process was ended by SIGKILL' });
    expect([first.closed, pool.size]).toEqual([true, 0]);
    const second = await lease('s1');
    expect(second).not.toBe(first);
    expect(await resultOf(send(second, toolCall('raw')))).toHaveProperty('content');
  });
});

describe('a lost link that somebody listens to', () => {
  test('is opened again without being asked for', async () => {
    wanted.add('s1');
    await lease('s1');
    process.kill(started()[0]!, 'SIGKILL');
    await vi.waitFor(() => expect(started()).toHaveLength(2), LONG);
    await vi.waitFor(() => expect(pool.peek('plain', 's1')).toBeDefined(), LONG);
    expect(opened.map(({ again }) => again)).toEqual([false, true]);
  });

  test('is not, once its owner has gone', async () => {
    onopened = async () => void wanted.add('s1');
    await lease('s1');
    wanted.clear();
    process.kill(started()[0]!, 'SIGKILL');
    await vi.waitFor(() => expect(lost()).toHaveLength(1));
    expect(pool.size).toBe(0);
  });
});

describe('an open link whose upstream gave no answer', () => {
  const LONGEST_WAIT = 10_000;
  const timeouts = { idle: IDLE, open: 1_000, call: 50 };
  let quiet: boolean;
  let server: HttpServerInTest;

  beforeEach(async () => {
    quiet = false;
    server = await serveHttp((_, res) => (quiet ? stream(res, ': quiet\n\n') : false));
    const recovery = { failures: 1, firstRetry: LONGEST_WAIT, maxRetry: LONGEST_WAIT };
    connect({ ...httpSpec(server.url, 'streamable-http', { name: 'silent', timeouts }), recovery });
  });
  afterEach(() => server.stop());

  const pings = (): number => server.arrived.filter(({ rpc }) => rpc === 'ping').length;

  test('is not handed out before there is a sign of life, for which one ping is enough', async () => {
    const link = await lease('s1', 'silent');
    expect(pool.lease('silent', by('s1')), 'without a doubt there is nothing to wait for').toBe(link);
    quiet = true;
    expect(await send(link, toolCall('any')).done).toMatchObject({ error: { fault: 'upstreamTimeout' } });
    await vi.waitFor(() =>
      expect(lines.map(({ msg }) => msg)).toContain('upstream is down and left alone for a while'),
    );
    await expect(lease('s1', 'silent')).rejects.toThrow(/failed 1 times in a row .*; next try in \d+ s/);
    expect(pings(), 'left alone for a while').toBe(0);

    pass(LONGEST_WAIT);
    await expect(lease('s1', 'silent')).rejects.toThrow('did not answer ping within 1000 ms (timeouts.open)');
    await expect(lease('s1', 'silent')).rejects.toThrow('next try in');
    expect([pings(), link.closed]).toEqual([1, false]);

    quiet = false;
    pass(LONGEST_WAIT);
    expect(await Promise.all([lease('s1', 'silent'), lease('s1', 'silent')])).toEqual([link, link]);
    expect(pings()).toBe(2);
    expect(pool.lease('silent', by('s1'))).toBe(link);
  });
});

describe('limits', () => {
  test('of all links and of those of one principal are told with their knob', async () => {
    await pool.close();
    build(['plain'], {}, { maxLinks: 3, maxLinksPerPrincipal: 2 });
    await Promise.all([lease('s1', 'plain', 'ann'), lease('s2', 'plain', 'ann')]);
    const refusal = (scope: string, principal: string) => {
      try {
        void pool.lease('plain', by(scope, principal));
      } catch (error) {
        return (error as Error).message;
      }
      return 'none';
    };
    expect(refusal('s3', 'ann')).toContain('All 2 links to upstream plain that maxLinksPerPrincipal allows');
    await lease('s4', 'plain', 'bob');
    expect(refusal('s5', 'cleo')).toContain('All 3 links to upstream plain that maxLinks allows');
    expect(await lease('s1', 'plain', 'ann'), 'an open one is there all the same').toBeDefined();
    await pool.release('s2');
    expect(await lease('s3', 'plain', 'ann')).toBeDefined();
  });

  test("do not hold for the gateway's own, so that lists come whatever clients do", async () => {
    await pool.close();
    build(['plain'], {}, { maxLinks: 1 });
    await lease('s1', 'plain', 'ann');
    expect(await pool.lease('plain', { ...by('shared'), principal: undefined })).toBeDefined();
  });

  test("do not count the gateway's own, so that clients get as many as they are promised", async () => {
    await pool.close();
    build(['plain'], {}, { maxLinks: 1, maxLinksPerPrincipal: 1 });
    await pool.lease('plain', { ...by('shared'), principal: undefined });
    expect(await lease('s1', 'plain', 'ann')).toBeDefined();
    expect(() => pool.lease('plain', by('s2', 'bob'))).toThrow('that maxLinks allows');
  });
});

describe('another upstream in the place of one', () => {
  const spec = (mode: string) =>
    stdioSpec(nodeProcess('raw-upstream', ['stdio', mode]), { name: 'plain', timeouts: { idle: IDLE } });

  test('takes the new calls, while those in progress finish over the old link', async () => {
    await pool.close();
    build([], {});
    connect(spec('late'));
    const old = await lease('s1');
    const { call, told } = send(old, toolCall('raw'));
    connect(spec('plain'), 60_000);
    const link = await lease('s1');
    expect(link).not.toBe(old);
    expect(await resultOf(send(link, toolCall('raw')))).toHaveProperty('content');
    expect([old.closed, old.inFlight, told]).toEqual([false, 1, []]);
    old.cancel(call);
    await vi.waitFor(() => expect(old.closed).toBe(true));
  });

  test('gets the links that somebody listens to, at once', async () => {
    wanted.add('s1');
    await lease('s1');
    await lease('s2');
    connect(spec('plain'));
    await vi.waitFor(() => expect(pool.peek('plain', 's1')).toBeDefined(), LONG);
    expect(pool.peek('plain', 's2')).toBeUndefined();
    expect(opened.filter(({ again }) => again).map(({ from }) => from.scope)).toEqual(['s1']);
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
    expect(lost()).toEqual([]);
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
    expect(lost()).toEqual([]);
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
    wanted.add('s1');
    pass(10 * IDLE);
    expect(pool.size).toBe(1);
    wanted.clear();
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
    expect(() => pool.lease('plain', by('s1'))).toThrow('it is being closed');
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
    expect(lost()).toEqual([]);
  });
});
