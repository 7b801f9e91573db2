import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../scripts/wasm.ts';
import { MODULE, skipText } from '../../src/protocol/json/long-string.ts';
import { skipValue } from '../../src/protocol/json/scan.ts';

/** Whether a text is one JSON string, as the scanner and as JSON.parse see it. */
function judged(text: string): { scanned: boolean; parsed: boolean } {
  const bytes = Buffer.from(text);
  const judge = (look: () => unknown): boolean => {
    try {
      return look() === true;
    } catch {
      return false;
    }
  };
  return {
    scanned: judge(() => skipValue(bytes, 0) === bytes.length),
    parsed: judge(() => typeof JSON.parse(text) === 'string'),
  };
}

const PIECES = [
  '\\"',
  '\\\\',
  '\\n',
  '\\u00e9',
  '\\u00G9',
  '\\u12',
  '\\x',
  '\\',
  '"',
  '\n',
  '\u0000',
  '\u001f',
  ' ',
  'é',
  '😀',
  '\u007f',
];
/** Where a string becomes long, and where what is looked at at once ends, counted from the first quote. */
const EDGES = [512, 512 + 2_048, 512 + 2_048 + 16_384, 512 + 2_048 + 16_384 + 65_536];

describe('a long string', () => {
  test.each(EDGES)('is judged as JSON.parse does, whatever is around its byte %i', (edge) => {
    for (const piece of PIECES) {
      for (let at = edge - 18; at <= edge + 2; at++) {
        for (const rest of [0, 1, 15, 40]) {
          const text = `"${'x'.repeat(at - 1)}${piece}${'y'.repeat(rest)}"`;
          const { scanned, parsed } = judged(text);
          if (scanned !== parsed) expect({ piece, at, rest, scanned }).toEqual({ piece, at, rest, scanned: parsed });
        }
      }
    }
  });

  test('of any pieces is judged as JSON.parse does', () => {
    const piece = fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...PIECES.slice(0, 4), ' ', 'é', '😀', 'text', 'x'.repeat(33)) },
      { weight: 1, arbitrary: fc.constantFrom(...PIECES) },
    );
    const inside = fc.array(piece, { minLength: 60, maxLength: 400, size: 'max' }).map((all) => all.join(''));
    fc.assert(
      fc.property(inside, (text) => {
        const { scanned, parsed } = judged(`"${'-'.repeat(500)}${text}"`);
        expect(scanned).toBe(parsed);
      }),
      { numRuns: 300 },
    );
  });

  test('that is cut off anywhere is no string', () => {
    const text = `"${'a\\u0041\\\\'.repeat(800)}"`;
    for (let end = 500; end < text.length; end += 7) expect(judged(text.slice(0, end)).scanned).toBe(false);
  });

  test('ends at its own quote, with others behind it', () => {
    const first = JSON.stringify('a "quoted" text\n'.repeat(5_000));
    const bytes = Buffer.from(`[${first},"second"]`);
    expect(skipValue(bytes, 1)).toBe(1 + first.length);
  });

  test('text that goes on to the end of what there is', () => {
    expect(skipText(Buffer.alloc(200_000, 0x61), 3)).toBe(200_000);
    expect(skipText(Buffer.alloc(0), 0)).toBe(0);
  });
});

test('the module is what its source says', () => {
  const missing = spawnSync('wat2wasm', ['--version']).error !== undefined;
  // the suite of the project has it: `.ci/run` installs wabt
  if (missing && !process.env.CI) return process.stderr.write('skipped: no wat2wasm here (Debian: wabt)\n');
  return expect(MODULE).toBe(assemble());
});
