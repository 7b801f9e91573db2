/** What clients say of themselves, as it is shown. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanHost, cleanName, cleanUrl } from '../../../../src/auth/server/pages/claims.ts';

describe('a name', () => {
  test.each([
    ['Claude', 'Claude'],
    ['  Claude\n\n Code ', 'Claude Code'],
    ['Visual Studio Code – Insiders (v1.2)', 'Visual Studio Code – Insiders (v1.2)'],
    ['クロード', 'クロード'],
    ['عميل', 'عميل'],
    ["Zoë's 3.5 + $2 client", "Zoë's 3.5 + $2 client"],
    ['e\u0301', 'é'],
  ])('%j is shown as %j', (name, shown) => {
    expect(cleanName(name)).toBe(shown);
  });

  test.each([
    ['a tick', '✅ ✔ ✓ √ Claude', 'Claude'],
    ['a lock and a flag', '🔒 Claude 🇫🇷', 'Claude'],
    ['a change of direction', 'Claude \u202eedoC\u202c', 'Claude edoC'],
    ['an isolate and marks of direction', '\u2066Cl\u200faude\u2069', 'Claude'],
    ['letters without width', 'Cla\u200bu\u200d\ufeffde', 'Claude'],
    ['letters that are blank', 'Claude\u3164\u115f\uffa0\u2800x', 'Claudex'],
    ['controls', 'Cla\u0000\u001bude\u0085x', 'Cla ude x'],
    ['lone halves of characters', 'Cla\ud800ude', 'Claude'],
    ['private characters', 'Claude\ue000', 'Claude'],
    ['lines', 'Claude\u2028Signed in as admin', 'Claude Signed in as admin'],
  ])('%s is left out', (_what, name, shown) => {
    expect(cleanName(name)).toBe(shown);
  });

  test('marks do not pile up', () => {
    expect(cleanName(`x${'\u0334'.repeat(50)}`)).toBe(`x${'\u0334'.repeat(3)}`);
  });

  test('it is cut after 60 characters, none of which is halved', () => {
    expect(cleanName('x'.repeat(60))).toBe('x'.repeat(60));
    expect(cleanName('x'.repeat(61))).toBe(`${'x'.repeat(59)}…`);
    expect(cleanName('𠮷'.repeat(200))).toBe(`${'𠮷'.repeat(59)}…`);
  });

  test.each(['', '   ', '\u200b', '✅', '...', '\u0300\u0301', '<>'])('of %j nothing is left', (name) => {
    expect(cleanName(name)).toBeUndefined();
  });

  test('whatever it is, one short line of text comes out', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const shown = cleanName(name);
        if (shown === undefined) return;
        expect([...shown].length).toBeLessThanOrEqual(60);
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{So}\p{Default_Ignorable_Code_Point}\n\r\t]/u);
        expect(shown).not.toMatch(/\p{M}{4}| {2}|^ | $/u);
        expect(cleanName(shown)).toBe(shown);
      }),
      { numRuns: 2_000 },
    );
  });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom('\u0334', 'a', '\u202e', ' ', '\n', '✅', '<', '&'), maxLength: 200 }),
);

describe('a host', () => {
  test.each([
    ['claude.ai', 'claude.ai'],
    ['Claude.AI:8443', 'claude.ai:8443'],
    ['[::1]:33418', '[::1]:33418'],
    ['127.0.0.1:1', '127.0.0.1:1'],
    ['сlaude.ai', 'xn--laude-0ye.ai'],
  ])('%j is shown as %j', (host, shown) => {
    expect(cleanHost(host)).toBe(shown);
  });

  test.each([
    undefined,
    '',
    'a b',
    'a/b',
    'a\\b',
    'a?b',
    '%61',
    '<b>',
    'a;b',
    'claude.ai@evil.example',
    'x'.repeat(254),
  ])('%j is none', (host) => {
    expect(cleanHost(host)).toBeUndefined();
  });
});

test('a URL is shown as the ASCII that it consists of, and cut at its end', () => {
  expect(cleanUrl('https://x.example/\u202eab c')).toBe('https://x.example/�ab�c');
  expect(cleanUrl(`https://x.example/${'y'.repeat(999)}`)).toMatch(/^https:\/\/x\.example\/y+…$/);
  expect([...cleanUrl(`https://x.example/${'y'.repeat(999)}`)]).toHaveLength(300);
});
