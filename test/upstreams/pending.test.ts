import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Deadline } from '../../src/protocol/call.ts';
import { type Pending, PendingTable } from '../../src/upstreams/pending.ts';
import { callOf, toolCall } from './calls.ts';

const deadline: Deadline = { idle: 100, total: 250, knob: 'timeouts.call' };

let table: PendingTable;
let expired: { id: number; after: number; total: boolean }[];
const note = ({ id, since, total }: Pending): void =>
  void expired.push({ id, after: Math.round(performance.now() - since), total });

beforeEach(() => {
  vi.useFakeTimers();
  expired = [];
  table = new PendingTable(note);
});

afterEach(() => {
  // the timer may still stand for a call that is settled; it is not set anew for nothing
  vi.advanceTimersByTime(1_000);
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

const open = (method = 'tools/call', limits = deadline): Pending => table.open(callOf(method).call, limits, 0);

describe('ids', () => {
  test('are never used twice, also after they are settled', () => {
    const ids = [open(), open()].map((p) => p.id);
    table.settle(ids[0]!);
    ids.push(open().id);
    expect(new Set(ids).size).toBe(3);
    expect(table.size).toBe(2);
    table.drain();
  });

  test('lead to their call, and a call to its entry', () => {
    const first = open();
    const second = open();
    expect(table.get(first.id)).toBe(first);
    expect(table.of(second.call)).toBe(second);
    expect(table.of(callOf('ping').call)).toBeUndefined();
    table.drain();
  });

  test.each([0, -1, 99, Number.NaN, 1.5, Number.POSITIVE_INFINITY])('%d leads nowhere', (id) => {
    open();
    expect(table.get(id)).toBeUndefined();
    expect(table.settle(id)).toBeUndefined();
    expect(table.size).toBe(1);
    table.drain();
  });
});

describe('settling', () => {
  test('takes the call out once; a late or second answer finds nothing', () => {
    const pending = open();
    expect(table.settle(pending.id)).toBe(pending);
    expect(table.settle(pending.id)).toBeUndefined();
    expect(table.of(pending.call)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test('stops the clock of this call and no other', () => {
    const first = open();
    const second = open();
    table.settle(first.id);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([{ id: second.id, after: 100, total: false }]);
    table.drain();
  });

  test('draining gives all that wait, oldest first, and leaves nothing', () => {
    const all = [open(), open(), open()];
    expect(table.drain()).toEqual(all);
    expect(table.size).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([]);
  });
});

describe('deadlines', () => {
  test('without progress the idle time ends it, exactly then', () => {
    const { id } = open();
    vi.advanceTimersByTime(99);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual([{ id, after: 100, total: false }]);
    table.drain();
  });

  test('progress starts the idle time anew', () => {
    const pending = open();
    vi.advanceTimersByTime(90);
    table.touch(pending);
    vi.advanceTimersByTime(90);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(expired).toEqual([{ id: pending.id, after: 190, total: false }]);
    table.drain();
  });

  test('but no progress carries it past the total', () => {
    const pending = open();
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(20);
      if (expired.length === 0) table.touch(pending);
    }
    expect(expired).toEqual([{ id: pending.id, after: 250, total: true }]);
    table.drain();
  });

  test('a total below the idle time is the one that counts', () => {
    const { id } = open('tools/call', { idle: 100, total: 40, knob: 'timeouts.call' });
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([{ id, after: 40, total: true }]);
    table.drain();
  });

  test('each call has its own, and a total that is no more than it is not the one that counts', () => {
    const slow = open('tools/call', { idle: 1_000, total: 1_000, knob: 'timeouts.call' });
    const quick = open('tools/list', { idle: 10, total: 10, knob: 'timeouts.request' });
    vi.advanceTimersByTime(1_000);
    expect(expired).toEqual([
      { id: quick.id, after: 10, total: false },
      { id: slow.id, after: 1_000, total: false },
    ]);
    table.drain();
  });

  test('one timer serves them all, and is set once for calls that are answered in time', () => {
    for (let i = 0; i < 50; i++) {
      table.settle(open().id);
      expect(vi.getTimerCount()).toBe(1);
    }
    vi.advanceTimersByTime(50);
    const { id } = open();
    vi.advanceTimersByTime(99);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual([{ id, after: 100, total: false }]);
    table.drain();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('deadlines close to each other are noticed together, soon after the last of them', () => {
    const ids = [20, 22, 24, 40].map((idle) => table.open(callOf('ping').call, { ...deadline, idle }, 0).id);
    vi.advanceTimersByTime(35);
    expect(expired.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect(Math.max(...expired.map(({ after }) => after))).toBeLessThanOrEqual(34);
    vi.advanceTimersByTime(5);
    expect(expired.map(({ id }) => id)).toEqual(ids);
    table.drain();
  });

  test('progress of a call that is over sets no clock', () => {
    const pending = open();
    vi.advanceTimersByTime(200);
    table.settle(pending.id);
    table.touch(pending);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('which call something belongs to', () => {
  test('the sole one, when there is one', () => {
    expect(table.sole()).toBeUndefined();
    const first = open();
    expect(table.sole()).toBe(first);
    const second = open();
    expect(table.sole()).toBeUndefined();
    table.settle(first.id);
    expect(table.sole()).toBe(second);
    table.drain();
  });

  test('the tool call that waits longest, else the longest waiting of the others that may ask', () => {
    const canAsk = new Set(['tools/call', 'prompts/get', 'resources/read']);
    expect(table.oldest(canAsk)).toBeUndefined();
    open('tools/list');
    expect(table.oldest(canAsk)).toBeUndefined();
    const read = open('resources/read');
    open('prompts/get');
    expect(table.oldest(canAsk)).toBe(read);
    const tool = table.open(toolCall('x').call, deadline, 0);
    open('tools/call');
    expect(table.oldest(canAsk)).toBe(tool);
    table.settle(tool.id);
    expect(table.oldest(canAsk)).not.toBe(read);
    table.drain();
  });
});
