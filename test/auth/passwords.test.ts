import { scryptSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  Busy,
  checkPassword,
  hashPassword,
  isPasswordHash,
  makePassword,
  Turns,
  weakness,
} from '../../src/auth/passwords.ts';

/** Cheap parameters, as another program may have written them. */
const kept = (password: string, N = 1_024, r = 8, p = 1): string => {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync(password, salt, 32, { N, r, p });
  return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
};

describe('what is kept of a password', () => {
  test('names its parameters, is salted, and is found right for it alone', async () => {
    const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    expect(one).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
    expect(one).not.toBe(two);
    expect(one).not.toContain('correct');
    expect(await checkPassword('correct horse', one)).toBe(true);
    expect(await checkPassword('correct horsf', one)).toBe(false);
  });

  test.each(['', 'Correct horse', 'correct horse ', 'x'.repeat(5_000)])('%j is wrong', async (password) => {
    expect(await checkPassword(password, kept('correct horse'))).toBe(false);
  });

  test('an empty password and one beyond measure are wrong even where they were hashed', async () => {
    expect(await checkPassword('', kept(''))).toBe(false);
    expect(await checkPassword('x'.repeat(2_000), kept(''))).toBe(false);
    expect(await checkPassword('x'.repeat(2_000), kept('x'.repeat(2_000)))).toBe(false);
  });

  test('with other parameters it is checked as they say', async () => {
    expect(await checkPassword('correct horse', kept('correct horse', 2_048, 4, 2))).toBe(true);
  });

  test('letters may be typed in either of their spellings', async () => {
    expect(await checkPassword('cafe\u0301 au lait', kept('caf\u00e9 au lait'))).toBe(true);
  });

  test('a password without anything kept is wrong', async () => {
    expect(await checkPassword('correct horse', undefined)).toBe(false);
  });
});

test.each([
  '',
  'hunter2',
  'scrypt$1000$8$1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY', // no power of two
  'scrypt$1048576$8$1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY', // a GiB
  'scrypt$16384$8$99$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY', // hours of work
  'scrypt$16384$0$1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY',
  'scrypt$16384$8$1$$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY',
  'scrypt$16384$8$1$MDEyMzQ1Njc4OWFiY2RlZg$c2hvcnQ',
  '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW',
])('%j is no hash', (text) => expect(isPasswordHash(text)).toBe(false));

describe('turns', () => {
  test('so many work at once, so many wait, and the rest are sent away', async () => {
    const turns = new Turns(2, 3);
    const ends: (() => void)[] = [];
    let [working, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++working);
      await new Promise<void>((end) => ends.push(end));
      working--;
    };
    const all = Array.from({ length: 8 }, () => turns.take(work));
    const outcomes = Promise.allSettled(all);
    while (ends.length > 0) {
      ends.shift()!();
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
    const settled = await outcomes;
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    for (const one of settled) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(Busy);
    expect(most).toBe(2);
    await expect(turns.take(async () => 'next')).resolves.toBe('next');
  });

  test('work that fails gives its turn back', async () => {
    const turns = new Turns(1, 1);
    for (let i = 0; i < 3; i++) await expect(turns.take(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(turns.take(async () => 'yes')).resolves.toBe('yes');
  });
});

test('passwords that are made up are strong, typable and never the same', () => {
  const made = Array.from({ length: 200 }, makePassword);
  expect(new Set(made).size).toBe(200);
  for (const password of made) {
    expect(password).toMatch(/^[a-km-z2-9]{5}(-[a-km-z2-9]{5}){3}$/);
    expect(password).not.toMatch(/[l1o0]/);
    expect(weakness(password, 'admin')).toBeUndefined();
  }
});

test.each([
  ['short', /10 or more/],
  ['😀😀😀😀😀😀😀😀😀', /9 characters/],
  ['aaaaaaaaaaaaaa', /repeats/],
  ['alexander-1!', /user name/],
  ['x1y2'.repeat(300), /longer than/],
])('the password %j will not do for alexander', (password, why) => {
  expect(weakness(password, 'alexander')).toMatch(why);
});
