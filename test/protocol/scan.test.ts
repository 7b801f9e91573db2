import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  elements,
  isArrayAt,
  isObjectAt,
  isStringAt,
  JsonSyntaxError,
  members,
  scanObject,
  skipSpace,
  skipValue,
  textOf,
} from '../../src/protocol/json/scan.ts';
import { damagedText, documentText, objectText, stringText, valueText } from './json-arbitraries.ts';

/** Where the one value of a text ends; `undefined` when the text is not JSON. */
function endOf(bytes: Buffer, depth?: number): number | undefined {
  try {
    const end = skipValue(bytes, skipSpace(bytes, 0), depth);
    return skipSpace(bytes, end) === bytes.length ? end : undefined;
  } catch (error) {
    if (error instanceof JsonSyntaxError && !error.tooDeep) return undefined;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Builds a value out of spans alone; every leaf is parsed from exactly its own bytes. */
function build(bytes: Buffer, at: number): unknown {
  if (isObjectAt(bytes, at)) {
    return Object.fromEntries(members(bytes, at).map((m) => [m.key, build(bytes, m.start)]));
  }
  if (isArrayAt(bytes, at)) return elements(bytes, at).map((element) => build(bytes, element.start));
  return JSON.parse(bytes.toString('utf8', at, skipValue(bytes, at))) as unknown;
}

describe('accepts what JSON.parse accepts', () => {
  test('valid texts', () => {
    fc.assert(
      fc.property(documentText, (text) => {
        const bytes = Buffer.from(text);
        expect(endOf(bytes)).toBe(Buffer.from(text.trimEnd()).length);
      }),
      { numRuns: 400 },
    );
  });

  test('damaged and truncated texts', () => {
    fc.assert(
      fc.property(damagedText, (text) => {
        const bytes = Buffer.from(text);
        expect(endOf(bytes) !== undefined).toBe(parses(bytes.toString('utf8')));
      }),
      { numRuns: 2_000 },
    );
  });

  test('any short run of the characters JSON is made of', () => {
    const unit = fc.constantFrom(...'{}[]:,"\\ue0123456789+-.EtrufalsnN \n\t');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 6 }), (text) => {
        expect(endOf(Buffer.from(text)) !== undefined).toBe(parses(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ['', false],
    [' ', false],
    ['\u00a01', false],
    ['\u000b1', false],
    ['\uFEFF1', false],
    ['01', false],
    ['-', false],
    ['1.', false],
    ['.5', false],
    ['1e', false],
    ['+1', false],
    ['0x1', false],
    ['NaN', false],
    ['nul', false],
    ['nulll', false],
    ['falsy', false],
    ['"\t"', false],
    ['"\\u12g4"', false],
    ['"\\u12', false],
    ['"\\', false],
    ["'a'", false],
    ['{"a":1,}', false],
    ['{a:1}', false],
    ['{"a" 1}', false],
    ['{,}', false],
    ['[1,]', false],
    ['[,1]', false],
    ['[1 2]', false],
    ['{"a":1}}', false],
    ['1 2', false],
    ['"\u007f"', true],
    ['1E400', true],
    ['-0.0e-0', true],
    [' { "a" : [ ] } ', true],
  ])('%j: %j', (text, valid) => {
    expect(parses(text)).toBe(valid);
    expect(endOf(Buffer.from(text)) !== undefined).toBe(valid);
  });
});

describe('spans', () => {
  test('the value built out of them is the value', () => {
    fc.assert(
      fc.property(valueText, (text) => {
        const built = build(Buffer.from(text), 0);
        expect(isDeepStrictEqual(built, JSON.parse(text))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test('begin and end at the value, with nothing but punctuation and white space between', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const bytes = Buffer.from(text);
        const { end, members: list } = scanObject(bytes, 0);
        expect(end).toBe(bytes.length);
        let before = 0;
        for (const [i, m] of list.entries()) {
          const key = JSON.stringify(m.key);
          const between = bytes.toString('utf8', m.keyStart, m.start);
          expect(bytes.toString('utf8', before, m.keyStart).trim()).toBe(i === 0 ? '{' : ',');
          expect(JSON.stringify(JSON.parse(between.slice(0, between.lastIndexOf(':')).trim()))).toBe(key);
          const value = bytes.toString('utf8', m.start, m.end);
          expect(value).toBe(value.trim());
          expect(parses(value)).toBe(true);
          before = m.end;
        }
        expect(bytes.toString('utf8', before).trim()).toBe(list.length > 0 ? '}' : bytes.toString('utf8').trim());
      }),
      { numRuns: 300 },
    );
  });

  test('members keep their order, duplicates included', () => {
    const list = members(Buffer.from('{"b":1,"a":2,"b":3,"\\u0062":4}'), 0);
    expect(list.map((m) => m.key)).toEqual(['b', 'a', 'b', 'b']);
  });

  test('names that JavaScript objects react to are names like any other', () => {
    const bytes = Buffer.from('{"__proto__":{"admin":true},"constructor":1,"toString":2}');
    expect(members(bytes, 0).map((m) => m.key)).toEqual(['__proto__', 'constructor', 'toString']);
  });

  test('offsets are bytes, also behind characters of several bytes', () => {
    const bytes = Buffer.from('{"größe":"😀","b":7}');
    const [first, second] = members(bytes, 0);
    expect(first?.key).toBe('größe');
    expect(bytes.toString('utf8', first?.start, first?.end)).toBe('"😀"');
    expect(bytes.toString('utf8', second?.keyStart, second?.end)).toBe('"b":7');
  });
});

describe('strings', () => {
  test('are decoded as JSON.parse decodes them', () => {
    fc.assert(
      fc.property(stringText, (text) => {
        const bytes = Buffer.from(text);
        expect(isStringAt(bytes, 0)).toBe(true);
        expect(skipValue(bytes, 0)).toBe(bytes.length);
        expect(textOf(bytes, 0, bytes.length)).toBe(JSON.parse(bytes.toString('utf8')));
      }),
      { numRuns: 500 },
    );
  });

  test('keys are decoded: two spellings of a key are one key', () => {
    const keys = members(Buffer.from('{"\\u0069d":1,"id":2,"a\\/b":3,"\\ud83d\\ude00":4}'), 0).map((m) => m.key);
    expect(keys).toEqual(['id', 'id', 'a/b', '😀']);
  });
});

test('every character, bare in a string and after a backslash, is taken or refused as JSON.parse does', () => {
  for (let c = 0; c < 0x180; c++) {
    const character = String.fromCharCode(c);
    for (const text of [`"${character}"`, `"\\${character}"`, character, `1${character}`, `"\\u000${character}"`]) {
      expect(endOf(Buffer.from(text)) !== undefined, JSON.stringify(text)).toBe(parses(text));
    }
  }
});

describe('depth', () => {
  const nested = (depth: number, open: string, close: string): Buffer =>
    Buffer.from(`${open.repeat(depth)}0${close.repeat(depth)}`);

  test.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('%s are accepted to the limit and refused beyond', (_, open, close) => {
    for (const limit of [1, 2, 7, 100]) {
      expect(endOf(nested(limit, open, close), limit)).toBeGreaterThan(0);
      expect(() => endOf(nested(limit + 1, open, close), limit)).toThrow(
        expect.objectContaining({ name: 'JsonSyntaxError', tooDeep: true }),
      );
    }
  });

  test('scanning an object counts its own level', () => {
    expect(scanObject(nested(3, '{"a":', '}'), 0, 3).members).toHaveLength(1);
    expect(() => scanObject(nested(4, '{"a":', '}'), 0, 3)).toThrow(/nested too deep at byte 15/);
  });

  test('a text of a hundred thousand levels is refused, not a stack overflow', () => {
    expect(() => skipValue(nested(100_000, '[', ']'), 0)).toThrow(/nested too deep at byte 512/);
  });
});

test.each([
  ['{"a":tru}', 'expected a value at byte 5'],
  ['{"a":1', 'unexpected end, expected "," or "}", at byte 6'],
  ['["x\u0001"]', 'control character in a string at byte 3'],
  ['["\\q"]', 'bad escape at byte 2'],
  ['"abc', 'unfinished string at byte 4'],
])('says what is wrong and where: %j', (text, message) => {
  expect(() => skipValue(Buffer.from(text), 0)).toThrow(message);
});

test.each([
  ['object', () => members(Buffer.from('[1]'), 0), 'expected an object at byte 0'],
  ['array', () => elements(Buffer.from('{}'), 0), 'expected an array at byte 0'],
])('refuses what is no %s', (_, read, message) => {
  expect(read).toThrow(message);
});
