/** Which tokens are remembered. */
import { expect, test } from 'vitest';
import { TokenCache } from '../../src/auth/token-cache.ts';
import type { Verified } from '../../src/auth/verifier.ts';

const verified = (subject: string, until = Number.POSITIVE_INFINITY): Verified => ({
  principal: { key: subject, subject, scopes: [] },
  until,
});

test('one that is used stays when room is made for others', () => {
  const cache = new TokenCache(3);
  for (const key of ['a', 'b', 'c']) cache.set(key, verified(key));
  expect(cache.get('a')).toBeDefined();
  for (const key of ['d', 'e']) cache.set(key, verified(key));
  expect(['a', 'b', 'c', 'd', 'e'].filter((key) => cache.get(key))).toEqual(['a', 'd', 'e']);
  expect(cache.size).toBe(3);
});

test('when all were used one goes all the same', () => {
  const cache = new TokenCache(3);
  for (const key of ['a', 'b', 'c']) cache.set(key, verified(key));
  for (const key of ['a', 'b', 'c']) cache.get(key);
  cache.set('d', verified('d'));
  expect(cache.size).toBe(3);
  expect(cache.get('d')).toBeDefined();
});

test('one that has ended is forgotten', () => {
  const cache = new TokenCache();
  cache.set('a', verified('a', 1_000));
  expect(cache.get('a', 999)).toBeDefined();
  expect(cache.get('a', 1_000)).toBeUndefined();
  expect(cache.size).toBe(0);
});

test('a token that is set anew is the new one', () => {
  const cache = new TokenCache(2);
  cache.set('a', verified('old'));
  cache.set('b', verified('b'));
  cache.set('a', verified('new'));
  expect(cache.size).toBe(2);
  expect(cache.get('a')?.principal.subject).toBe('new');
});
