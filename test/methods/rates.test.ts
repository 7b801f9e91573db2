import { expect, test } from 'vitest';
import { Rates } from '../../src/methods/rates.ts';

test('a key may be used so often in its time, then it is told how long to wait', () => {
  let now = 1_000;
  const rates = new Rates('items', undefined, () => now);
  const rate = { times: 2, per: 60_000 };
  expect([rates.take('a', rate), rates.take('a', rate), rates.take('a', rate)]).toEqual([0, 0, 60_000]);
  expect(rates.take('b', rate)).toBe(0);
  now += 59_000;
  expect(rates.take('a', rate)).toBe(1_000);
  now += 1_000;
  expect([rates.take('a', rate), rates.take('a', rate), rates.take('a', rate)]).toEqual([0, 0, 60_000]);
});

test('another rate holds for the time that has begun', () => {
  const rates = new Rates('items', undefined, () => 0);
  expect(rates.take('a', { times: 5, per: 1_000 })).toBe(0);
  expect(rates.take('a', { times: 1, per: 1_000 })).toBe(1_000);
});

test('as many are remembered as there is room for: those that are over go first', () => {
  let now = 0;
  const rates = new Rates('items', undefined, () => now, 3);
  rates.take('short', { times: 1, per: 10 });
  for (const key of ['a', 'b']) rates.take(key, { times: 1, per: 1_000 });
  now = 20;
  rates.take('c', { times: 1, per: 1_000 });
  expect(rates.size).toBe(3);
  expect(rates.take('a', { times: 1, per: 1_000 })).toBeGreaterThan(0);
  rates.take('d', { times: 1, per: 1_000 });
  expect(rates.size).toBe(3);
});
