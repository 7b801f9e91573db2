/** What workers tell each other of what they have counted. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SOON, Tallies, type Tally } from '../../src/storage/tallies.ts';

let told: (readonly Tally[])[];
let tallies: Tallies;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  told = [];
  tallies = new Tallies((counted) => void told.push(counted));
});

afterEach(() => {
  vi.useRealTimers();
});

test('counts wait for more of them, and are told together', () => {
  for (const key of ['a', 'b', 'a']) tallies.add('calls', key);
  tallies.add('items', 'a');
  expect(told).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(told).toEqual([
    [
      ['calls', 'a', 2],
      ['calls', 'b', 1],
      ['items', 'a', 1],
    ],
  ]);
  vi.advanceTimersByTime(1_000);
  expect(told).toHaveLength(1);
});

test('what is wanted soon takes the others along', () => {
  tallies.add('calls', 'a');
  tallies.add('learned', 'x', SOON);
  tallies.add('learned', 'y', SOON);
  vi.advanceTimersByTime(SOON);
  expect(told).toHaveLength(1);
  expect(told[0]).toHaveLength(3);
  tallies.add('calls', 'a');
  vi.advanceTimersByTime(SOON);
  expect(told).toHaveLength(1);
  vi.advanceTimersByTime(100);
  expect(told).toHaveLength(2);
});

test('what others have counted reaches the one who asked last, and nobody else', () => {
  const heard: unknown[] = [];
  tallies.on('calls', () => heard.push('too early'));
  tallies.on('calls', (key, times) => heard.push([key, times]));
  tallies.hear([
    ['calls', 'a', 3],
    ['other', 'b', 1],
  ]);
  expect(heard).toEqual([['a', 3]]);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([]);
});
