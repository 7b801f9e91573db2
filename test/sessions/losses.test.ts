/** How often the log tells of what a client misses. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type LossCounts, Losses } from '../../src/sessions/losses.ts';

let told: LossCounts[];
let losses: Losses;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  losses = new Losses((counts) => void told.push(counts));
});

afterEach(() => {
  vi.useRealTimers();
});

test('once soon after it began, and once at the end with what came since', () => {
  for (let i = 0; i < 10; i++) losses.add('log');
  losses.add('progress');
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([{ log: 10, progress: 1 }]);
  for (let i = 0; i < 10; i++) {
    losses.add('notice');
    vi.advanceTimersByTime(60_000);
  }
  expect(told).toHaveLength(1);
  losses.over();
  expect(told).toEqual([{ log: 10, progress: 1 }, { notice: 10 }]);
});

test('once, when it is over at once; the next incident is told anew', () => {
  losses.add('log');
  losses.over();
  losses.over();
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([{ log: 1 }]);
  losses.add('answer');
  vi.advanceTimersByTime(1_000);
  losses.over();
  expect(told).toEqual([{ log: 1 }, { answer: 1 }]);
});

test('not at all, when only reports of progress were left out', () => {
  losses.add('progress');
  vi.advanceTimersByTime(5_000);
  losses.over();
  expect(told).toEqual([]);
});
