/** Values of headers: what a header can carry as it is, what goes in Base64, and what is refused. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeHeaderValue, encodeHeaderValue, withoutBlanks } from '../../src/protocol/header-value.ts';

const base64 = (text: string | Buffer): string => Buffer.from(text as string).toString('base64');
const sentinel = (inside: string): string => `=?base64?${inside}?=`;

/** Texts of all kinds: of headers' own characters, of all others, and those that look like the sentinel. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary-ascii' }),
  fc.string({ unit: 'binary' }).map((any) => any.toWellFormed()),
  fc.string({ unit: fc.constantFrom(' ', '\t', 'a', '\u00a0', '\ufeff', '\u2003', '\n') }),
  fc.string({ unit: 'grapheme-ascii' }).map(sentinel),
);

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The bytes of Base64 by RFC 4648 with nothing let through, letter by letter; `undefined` when it is broken. */
function strictBase64(inside: string): Buffer | undefined {
  const digits = inside.replace(/={1,2}$/, '');
  if (inside.length % 4 !== 0 || digits.length % 4 === 1) return undefined;
  let bits = '';
  for (const letter of digits) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    bits += value.toString(2).padStart(6, '0');
  }
  const whole = bits.length - (bits.length % 8);
  if (bits.slice(whole).includes('1')) return undefined;
  return Buffer.from((bits.slice(0, whole).match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

describe('encoding', () => {
  test.each([
    ['plain', 'plain'],
    ['a b\u007e', 'a b~'],
    ['{"a":1}', '{"a":1}'],
    ['', sentinel('')],
    [' plain', sentinel(base64(' plain'))],
    ['plain ', sentinel(base64('plain '))],
    ['a\tb', sentinel(base64('a\tb'))],
    ['a\r\nb: c', sentinel(base64('a\r\nb: c'))],
    ['a\u007f', sentinel(base64('a\u007f'))],
    ['größe', sentinel(base64('größe'))],
    ['\ufeffmark', sentinel(base64('\ufeffmark'))],
  ])('of %j', (plain, header) => {
    expect(encodeHeaderValue(plain)).toBe(header);
    expect(decodeHeaderValue(header)).toBe(plain);
  });

  test.each(['=?base64??=', '=?base64?x?=', sentinel(base64('plain'))])(
    '#34 of what looks like a value in Base64: %s',
    (plain) => {
      expect(encodeHeaderValue(plain)).toBe(sentinel(base64(plain)));
      expect(decodeHeaderValue(encodeHeaderValue(plain))).toBe(plain);
    },
  );

  test('any text comes back, and what is sent needs no trimming and no other characters', () => {
    fc.assert(
      fc.property(text, (plain) => {
        const header = encodeHeaderValue(plain);
        expect(header).toMatch(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/);
        expect(decodeHeaderValue(header)).toBe(plain);
      }),
      { numRuns: 500 },
    );
  });

  test('two texts never become the same value', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(encodeHeaderValue(one) === encodeHeaderValue(other)).toBe(one === other);
      }),
    );
  });
});

describe('decoding', () => {
  test.each([
    ['größe', sentinel('Z3LDtsOfZQ==')],
    ['', sentinel('')],
    ['?=', sentinel(base64('?='))],
    ['>>>???', sentinel('Pj4+Pz8/')],
  ])('#31 to %j', (plain, header) => {
    expect(decodeHeaderValue(header)).toBe(plain);
  });

  test.each([
    ['without its padding', 'Z3LDtsOfZQ'],
    ['with half of its padding', 'Z3LDtsOfZQ='],
    ['with too much padding', 'cGxhaW4==='],
    ['with padding alone', '===='],
    ['with padding inside', 'cGw=aW4='],
    ['with a foreign character', 'cGxh!W4='],
    ['with a blank', 'cGxh aW4='],
    ['with a tab', 'cGxh\taW4='],
    ['in the alphabet of URLs', 'Pj4-Pz8_'],
    ['of one character', 'c'],
    ['with bits that belong to nothing', 'cGxhaW5='],
    ['with four bits that belong to nothing', 'cGxhaR=='],
    ['of a byte that is no UTF-8', '/w=='],
    ['of a surrogate', '7aCA'],
    ['of a character spelled too long', 'wIA='],
    ['of half a character', 'w7bD'],
    ['with an end inside', 'cGw=?=aW4='],
  ])('#32 refuses Base64 %s', (_, inside) => {
    expect(decodeHeaderValue(sentinel(inside))).toBeUndefined();
  });

  test.each([
    '=?BASE64?cGxhaW4=?=',
    '=?Base64?cGxhaW4=?=',
    '=?base64?cGxhaW4=',
    '=?base64?cGxhaW4=?',
    '=?base64?=',
    '=?base64?',
    '=base64?cGxhaW4=?=',
    ' =?base64?cGxhaW4=?=',
    '=?base64?cGxhaW4=?= ',
    '=?utf-8?B?cGxhaW4=?=',
    'x=?base64?cGxhaW4=?=',
    'cGxhaW4=',
  ])('#33 takes %j as it is', (raw) => {
    expect(decodeHeaderValue(raw)).toBe(raw);
  });

  test.each([
    ['latin1', 'gr\u00f6\u00dfe'],
    ['a no-break space', 'plain\u00a0'],
    ['a control character', 'a\u0000b'],
    ['DEL', 'a\u007f'],
    ['a line end', 'plain\n'],
    ['latin1 in the sentinel', sentinel('\u00f6')],
    ['latin1 before the sentinel', `\u00a0${sentinel(base64('plain'))}`],
  ])('refuses characters that no value may have: %s', (_, raw) => {
    expect(decodeHeaderValue(raw)).toBeUndefined();
  });

  test('a tab is one that it may have', () => {
    expect(decodeHeaderValue('a\tb')).toBe('a\tb');
  });

  test('#31 #32 of anything between the marks is what the standard says, or refused', () => {
    const spelled = fc.oneof(
      fc.uint8Array({ maxLength: 8 }).map((bytes) => base64(Buffer.from(bytes))),
      fc.string({ unit: 'grapheme', maxLength: 4 }).map(base64),
      fc.string({ unit: fc.constantFrom(...ALPHABET, '=', '=', '=', '-', '_', ' '), maxLength: 9 }),
    );
    fc.assert(
      fc.property(spelled, (inside) => {
        const bytes = strictBase64(inside);
        expect(decodeHeaderValue(sentinel(inside))).toBe(bytes && isUtf8(bytes) ? bytes.toString('utf8') : undefined);
      }),
      { numRuns: 1000 },
    );
  });

  test('#33 of what is no complete sentinel leaves it as it came, or refuses it', () => {
    fc.assert(
      fc.property(text, (raw) => {
        fc.pre(!/^=\?base64\?.*\?=$/s.test(raw));
        expect(decodeHeaderValue(raw)).toBe(/^[\t\x20-\x7e]*$/.test(raw) ? raw : undefined);
      }),
    );
  });
});

test.each([
  [' \ta b\t ', 'a b'],
  ['', ''],
  [' \t ', ''],
  ['\u00a0a\n', '\u00a0a\n'],
])('the blanks around %j do not belong to it', (raw, value) => {
  expect(withoutBlanks(raw)).toBe(value);
});
