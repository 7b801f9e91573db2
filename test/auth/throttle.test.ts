import { describe, expect, test } from 'vitest';
import { addressKey } from '../../src/auth/address-key.ts';
import { type Attempt, Throttle } from '../../src/auth/throttle.ts';

function clock(most?: number) {
  const time = { now: 1_000_000 };
  const throttle = new Throttle(() => time.now, most);
  /** A wrong password. @returns the seconds to wait when it was not even looked at, else 0 */
  const fail = (user: string, address: string): number => {
    const attempt = throttle.attempt(user, address);
    return 'retryInSeconds' in attempt ? attempt.retryInSeconds : 0;
  };
  /** The right one. */
  const succeed = (user: string, address: string): number => {
    const attempt = throttle.attempt(user, address);
    if ('retryInSeconds' in attempt) return attempt.retryInSeconds;
    attempt.succeeded();
    return 0;
  };
  const wait = (seconds: number): void => {
    time.now += seconds * 1_000;
  };
  return { throttle, fail, succeed, wait };
}

describe('one user from one address', () => {
  test('a few failures are free, then waits double up to a quarter of an hour', () => {
    const { fail, wait } = clock();
    for (let i = 0; i < 5; i++) expect(fail('ann', 'a')).toBe(0);
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      const seconds = fail('ann', 'a');
      waits.push(seconds);
      wait(seconds);
      expect(fail('ann', 'a')).toBe(0);
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  test('tries during a wait do not make it longer', () => {
    const { fail, wait } = clock();
    for (let i = 0; i < 5; i++) fail('ann', 'a');
    for (let i = 0; i < 50; i++) expect(fail('ann', 'a')).toBe(2);
    wait(2);
    expect(fail('ann', 'a')).toBe(0);
  });

  test('the right password begins anew', () => {
    const { fail, succeed } = clock();
    for (let i = 0; i < 4; i++) fail('ann', 'a');
    expect(succeed('ann', 'a')).toBe(0);
    for (let i = 0; i < 5; i++) expect(fail('ann', 'a')).toBe(0);
    expect(fail('ann', 'a')).toBe(2);
  });

  test('the right password during a wait is not looked at', () => {
    const { fail, succeed } = clock();
    for (let i = 0; i < 5; i++) fail('ann', 'a');
    expect(succeed('ann', 'a')).toBe(2);
  });

  test('many at once are not all the first: each counts before it is judged', () => {
    const { throttle } = clock();
    const attempts = Array.from({ length: 100 }, () => throttle.attempt('ann', 'a'));
    expect(attempts.filter((attempt) => !('retryInSeconds' in attempt))).toHaveLength(5);
  });

  test('what was not judged does not count', () => {
    const { throttle, fail } = clock();
    for (let i = 0; i < 100; i++) (throttle.attempt('ann', 'a') as Attempt).withdrawn();
    expect(fail('ann', 'a')).toBe(0);
  });

  test('half an hour without a failure, and all is forgotten', () => {
    const { fail, wait } = clock();
    for (let i = 0; i < 5; i++) fail('ann', 'a');
    wait(1_801);
    for (let i = 0; i < 5; i++) expect(fail('ann', 'a')).toBe(0);
  });
});

describe('one address', () => {
  test('that tries many users waits as well, and its own good account does not help it', () => {
    const { fail, succeed } = clock();
    for (let i = 0; i < 20; i++) {
      expect(fail(`user${i}`, 'a')).toBe(0);
      if (i < 19) expect(succeed('mallory', 'a')).toBe(0);
    }
    expect(fail('another', 'a')).toBe(2);
    expect(succeed('mallory', 'a')).toBe(2);
    expect(fail('another', 'b')).toBe(0);
  });
});

describe('a user whom strangers try from everywhere', () => {
  const attacked = () => {
    const all = clock();
    all.succeed('ann', 'home');
    for (let i = 0; i < 1_000; i++) all.fail('ann', `stranger${i}`);
    return all;
  };

  test('is let in at once from where they have signed in before', () => {
    expect(attacked().succeed('ann', 'home')).toBe(0);
  });

  test('waits a few seconds anywhere else, and then gets through though the attack goes on', () => {
    const { succeed, fail, wait } = attacked();
    expect(succeed('ann', 'hotel')).toBe(5);
    for (let i = 0; i < 500; i++) fail('ann', `other${i}`);
    wait(5);
    expect(succeed('ann', 'hotel')).toBe(0);
  });

  test('does not make others wait', () => {
    expect(attacked().succeed('bob', 'office')).toBe(0);
  });

  test('strangers get one try for each address after a wait, not one at once', () => {
    const { fail } = attacked();
    for (let i = 0; i < 100; i++) expect(fail('ann', `fresh${i}`)).toBe(5);
  });
});

test('memory is bounded, whatever names and addresses come', () => {
  const { throttle, fail, succeed } = clock(100);
  for (let i = 0; i < 5_000; i++) {
    fail(`user${i}`, `address${i}`);
    succeed(`good${i}`, `address${i}`);
  }
  expect(throttle.size).toBeLessThanOrEqual(400);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ['nonsense', 'nonsense'],
  ['', ''],
])('the address %s counts as %s', (address, key) => expect(addressKey(address)).toBe(key));
