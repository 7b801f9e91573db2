import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { whenExpired } from '../../src/gateway/expiry.ts';
import type { Principal } from '../../src/protocol/call.ts';

const DAY = 24 * 60 * 60_000;

let owner: Principal;
let ended: number;
const until = (expiresAt: number | undefined): Principal => ({
  key: 'k',
  subject: 's',
  scopes: [],
  ...(expiresAt === undefined ? {} : { expiresAt }),
});
const watch = () =>
  whenExpired(
    () => owner,
    () => void ended++,
  );

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  ended = 0;
});
afterEach(() => void vi.useRealTimers());

test('ends once, when the credentials do', () => {
  owner = until(1_000);
  watch();
  vi.advanceTimersByTime(999);
  expect(ended).toBe(0);
  vi.advanceTimersByTime(DAY);
  expect(ended).toBe(1);
});

test('ends with the newest that were used', () => {
  owner = until(1_000);
  watch();
  owner = until(5_000);
  vi.advanceTimersByTime(4_999);
  expect(ended).toBe(0);
  vi.advanceTimersByTime(1);
  expect(ended).toBe(1);
});

test('waits for longer than a timer can', () => {
  owner = until(60 * DAY);
  watch();
  vi.advanceTimersByTime(60 * DAY - 1);
  expect(ended).toBe(0);
  vi.advanceTimersByTime(1);
  expect(ended).toBe(1);
});

test('does not end what has no end, or was given up', () => {
  owner = until(undefined);
  watch();
  owner = until(1_000);
  const stop = watch();
  stop();
  vi.advanceTimersByTime(90 * DAY);
  expect(ended).toBe(0);
});

test('ends at once what has ended', () => {
  owner = until(-1);
  watch();
  expect(ended).toBe(1);
});
