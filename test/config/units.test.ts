import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  LONGEST_DURATION,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from '../../src/config/units.ts';

test.each([
  [0, 0],
  [30, 30_000],
  [0.25, 250],
  ['30', 30_000],
  ['250ms', 250],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['5 m', 300_000],
  ['1h', 3_600_000],
  ['2d', 172_800_000],
])('duration %j is %j ms', (value, ms) => expect(parseDuration(value)).toBe(ms));

test.each([
  '',
  ' ',
  's',
  '5min',
  '1h30m',
  '-1s',
  -1,
  '1e3',
  '5S',
  '5M',
  '1,5s',
  '.5s',
  '5s ',
  Number.NaN,
  Number.POSITIVE_INFINITY,
])('%j is no duration', (value) => expect(parseDuration(value)).toBeUndefined());

test.each([
  [0, 0],
  [1024, 1_024],
  ['1024', 1_024],
  ['10B', 10],
  ['512KiB', 524_288],
  ['4MiB', 4_194_304],
  ['4 MiB', 4_194_304],
  ['1.5GiB', 1_610_612_736],
])('size %j is %j bytes', (value, bytes) => expect(parseSize(value)).toBe(bytes));

test.each(['', 'MiB', '4MB', '4mib', '4M', '-1', '1 TiB', '9999999999999GiB'])('%j is no size', (value) => {
  expect(parseSize(value)).toBeUndefined();
});

test('a formatted duration reads back to the same number, and matches the pattern for editors', () => {
  fc.assert(
    fc.property(fc.nat(LONGEST_DURATION), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
      expect(formatDuration(ms)).toMatch(new RegExp(DURATION_PATTERN));
    }),
  );
});

test('a formatted size reads back to the same number, and matches the pattern for editors', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      expect(parseSize(formatSize(bytes))).toBe(bytes);
      expect(formatSize(bytes)).toMatch(new RegExp(SIZE_PATTERN));
    }),
  );
});

test('formats in the largest unit that divides', () => {
  expect([0, 250, 1_500, 60_000, 90_000, 86_400_000].map(formatDuration)).toEqual([
    '0ms',
    '250ms',
    '1500ms',
    '1m',
    '90s',
    '1d',
  ]);
  expect([0, 1_000, 1_536, 67_108_864].map(formatSize)).toEqual(['0B', '1000B', '1536B', '64MiB']);
});
