import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distance, nearest } from '../../src/config/nearest.ts';

test.each([
  ['', '', 0],
  ['abc', '', 3],
  ['sharred', 'shared', 1],
  ['hsared', 'shared', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('from %j to %j are %i steps', (a, b, steps) => expect(distance(a, b)).toBe(steps));

test('is a distance: symmetric, zero only for the same word, at most the longer length', () => {
  const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(distance(a, b)).toBe(distance(b, a));
      expect(distance(a, b) === 0).toBe(a === b);
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
});

test('one typing mistake in a word of four letters or more is found', () => {
  const words = ['command', 'headers', 'separator', 'timeouts', 'sharing'];
  fc.assert(
    fc.property(
      fc.constantFrom(...words),
      fc.nat(),
      fc.constantFrom('drop', 'double', 'swap', 'change'),
      (word, n, kind) => {
        const at = n % (word.length - 1);
        const [before, here, next, after] = [word.slice(0, at), word[at]!, word[at + 1]!, word.slice(at + 2)];
        const middle = { drop: next, double: here + here + next, swap: next + here, change: `q${next}` }[kind];
        expect(nearest(before + middle + after, words)).toBe(word);
      },
    ),
  );
});

test('case does not matter, and far words are not offered', () => {
  expect(nearest('PREFIX', ['prefix', 'separator'])).toBe('prefix');
  expect(nearest('colour', ['prefix', 'separator'])).toBeUndefined();
  expect(nearest('x', ['y'])).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
});
