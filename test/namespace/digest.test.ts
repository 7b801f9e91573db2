import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digest, firstFree, hashedForm } from '../../src/namespace/digest.ts';

test('a digest is the same in every process', () => {
  expect(digest('files\0read.me')).toBe('dqz3ydafusmvvmztnex3fdc4wecxhdjk');
});

test('strings that differ only in lone surrogates have different digests', () => {
  expect(digest('\ud800')).not.toBe(digest('\ud801'));
  expect(digest('\ud800')).not.toBe(digest('\ufffd'));
});

test('a hashed form never passes the room it has, and changes with every attempt', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer({ min: 8, max: 80 }), fc.nat(6), (head, key, room, attempt) => {
      const form = hashedForm(head, '_', key, attempt, room);
      expect(form.length).toBeLessThanOrEqual(room);
      expect(form.length).toBeGreaterThanOrEqual(8);
      expect(hashedForm(head, '_', key, attempt + 1, room)).not.toBe(form);
    }),
  );
});

test('the hash grows after a clash while there is room', () => {
  const first = hashedForm('head', '-', 'key', 0, 40);
  const second = hashedForm('head', '-', 'key', 1, 40);
  expect(first).toMatch(/^head-[a-z2-7]{8}$/);
  expect(second).toMatch(/^head-[a-z2-7]{12}$/);
  expect(firstFree(new Set([first]), (attempt) => hashedForm('head', '-', 'key', attempt, 40))).toBe(second);
});
