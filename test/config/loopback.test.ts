import { expect, test } from 'vitest';
import { isLoopback } from '../../src/config/loopback.ts';

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '[::1]', '::ffff:127.0.0.1'])('%s is', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  '0.0.0.0',
  '::',
  '[::]',
  '10.0.0.1',
  '128.0.0.1',
  'localhost.example.com',
  '127.example.com',
  'my-host',
  '',
])('%j is not', (host) => expect(isLoopback(host)).toBe(false));
