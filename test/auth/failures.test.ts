import { expect, test } from 'vitest';
import { Failures } from '../../src/auth/failures.ts';
import type { Fault } from '../../src/errors.ts';

function count(limit: number) {
  const time = { now: 0 };
  const reached: string[] = [];
  const failures = new Failures(
    limit,
    (address) => reached.push(address),
    () => time.now,
  );
  /** @returns the seconds to wait, 0 for none */
  const waitFor = (ask: () => void): number => {
    try {
      ask();
      return 0;
    } catch (error) {
      expect(error).toMatchObject({ fault: 'rateLimited', status: 429 });
      return Number((error as Fault).details.seconds);
    }
  };
  return {
    ...{ time, reached, failures },
    fail: (address: string) => waitFor(() => failures.count(address)),
    check: (address: string) => waitFor(() => failures.check(address)),
  };
}

test('so many in a minute, and nothing more is looked at until it is over', () => {
  const { fail, check, time, reached } = count(3);
  for (let i = 0; i < 3; i++) expect([check('192.0.2.1'), fail('192.0.2.1')]).toEqual([0, 0]);
  expect([check('192.0.2.1'), fail('192.0.2.1')]).toEqual([60, 60]);
  expect(check('192.0.2.2')).toBe(0);
  time.now = 59_001;
  expect(check('192.0.2.1')).toBe(1);
  time.now = 60_000;
  expect([check('192.0.2.1'), fail('192.0.2.1')]).toEqual([0, 0]);
  expect(reached).toEqual(['192.0.2.1']);
});

test('one network of IPv6 is one address', () => {
  const { fail, check } = count(2);
  for (let i = 1; i < 3; i++) fail(`2001:db8::${i}`);
  expect(check('2001:db8::9')).toBe(60);
});

test('0 is no limit', () => {
  const { fail, check, failures } = count(0);
  for (let i = 0; i < 1_000; i++) expect([check('a'), fail('a')]).toEqual([0, 0]);
  expect(failures.size).toBe(0);
});

test('memory is bounded', () => {
  const { fail, failures } = count(2);
  for (let i = 0; i < 30_000; i++) fail(`a${i}`);
  expect(failures.size).toBeLessThanOrEqual(20_000);
});
