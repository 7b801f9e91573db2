import { expect, test } from 'vitest';
import { LearnedByPrincipal, LearnedUris } from '../../src/namespace/learned.ts';

test('the owner is the upstream learned last', () => {
  const learned = new LearnedUris();
  expect(learned.owner('test://a')).toBeUndefined();
  learned.learn('test://a', 'files');
  expect(learned.owner('test://a')).toBe('files');
  learned.learn('test://a', 'mail');
  expect(learned.owner('test://a')).toBe('mail');
  expect(learned.size).toBe(1);
});

test('the URI unused for longest is forgotten first', () => {
  const learned = new LearnedUris(2);
  learned.learn('a', 'files');
  learned.learn('b', 'files');
  expect(learned.owner('a')).toBe('files');
  learned.learn('c', 'files');
  expect(learned.owner('b')).toBeUndefined();
  expect(learned.owner('a')).toBe('files');
  expect(learned.owner('c')).toBe('files');
  expect(learned.size).toBe(2);
});

test('ten thousand are kept by default', () => {
  const learned = new LearnedUris();
  for (let i = 0; i <= 10_000; i++) learned.learn(`test://${i}`, 'files');
  expect(learned.size).toBe(10_000);
  expect(learned.owner('test://0')).toBeUndefined();
  expect(learned.owner('test://1')).toBe('files');
});

test('a URI too long to keep is declined', () => {
  const learned = new LearnedUris();
  learned.learn('x'.repeat(4_097), 'files');
  expect(learned.size).toBe(0);
  learned.learn('x'.repeat(4_096), 'files');
  expect(learned.size).toBe(1);
});

test('of each principal by itself, those seen last', () => {
  const all = new LearnedByPrincipal(2);
  all.of('alice').learn('a', 'files');
  expect(all.of('bob').owner('a')).toBeUndefined();
  expect(all.of('alice').owner('a')).toBe('files');
  all.of('carol');
  expect(all.size).toBe(2);
  expect(all.of('alice').owner('a')).toBe('files');
  all.of('bob');
  all.of('carol');
  expect(all.of('alice').owner('a')).toBeUndefined();
  expect(all.size).toBe(2);
});
