import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from '../../src/upstreams/lines.ts';

/** What comes out of these chunks: the lines, and how large those were that were dropped. */
function split(chunks: readonly Buffer[], limit = 1_000) {
  const ends: [string, string][] = [];
  const lines: string[] = [];
  const dropped: number[] = [];
  const splitter = new LineSplitter(
    (line) => lines.push(line.toString()),
    limit,
    (bytes) => dropped.push(bytes),
    (head, tail) => ends.push([head.toString(), tail.toString()]),
  );
  for (const chunk of chunks) splitter.push(chunk);
  return { lines, dropped, ends };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((n) => n % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

const line = fc.string({ unit: fc.constantFrom('a', '{', '"', ' ', 'é', '😀', '\t', '\r'), maxLength: 12 });
const lines = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 8 });
const places = fc.array(fc.nat(), { maxLength: 10 });

test('the same lines wherever the chunks are cut', () => {
  fc.assert(
    fc.property(lines, line, places, (whole, rest, at) => {
      const bytes = Buffer.from(whole.map((l) => l.join('')).join('') + rest);
      const expected = whole.map(([text, end]) => (text + end).replace(/\r?\n$/, '')).filter((text) => text !== '');
      expect(split(cut(bytes, at))).toEqual({ lines: expected, dropped: [], ends: [] });
    }),
    { numRuns: 500 },
  );
});

test('a longer line is dropped and told once, those around it are not touched, wherever the chunks are cut', () => {
  fc.assert(
    fc.property(lines, places, fc.integer({ min: 1, max: 16 }), (whole, at, limit) => {
      const bytes = Buffer.from(whole.map((l) => l.join('')).join(''));
      const sized = whole.map(([text, end]) => {
        const raw = (text + end).slice(0, -1);
        return { text: raw.replace(/\r$/, ''), bytes: Buffer.byteLength(raw) };
      });
      const fits = sized.filter((l) => l.bytes <= limit && l.text !== '').map((l) => l.text);
      const { lines: got, dropped } = split(cut(bytes, at), limit);
      expect(got).toEqual(fits);
      expect(dropped).toHaveLength(sized.filter((l) => l.bytes > limit).length);
      expect(dropped.every((n) => n > limit)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('both ends of a dropped line are told once it has ended, wherever the chunks are cut', () => {
  const [head, tail] = ['h'.repeat(128), 't'.repeat(128)];
  const bytes = Buffer.from(`before\n${head}${'-'.repeat(500)}${tail}\nafter\n`);
  fc.assert(
    fc.property(places, fc.integer({ min: 128, max: 700 }), (at, limit) => {
      const { lines: got, ends } = split(cut(bytes, at), limit);
      expect(got).toEqual(['before', 'after']);
      expect(ends).toEqual([[head, tail]]);
    }),
    { numRuns: 300 },
  );
});

describe('line by line', () => {
  test('nothing comes before the line ends', () => {
    const got: string[] = [];
    const splitter = new LineSplitter(
      (l) => got.push(l.toString()),
      100,
      (bytes) => expect.unreachable(`dropped ${bytes}`),
    );
    splitter.push(Buffer.from('{"a":'));
    expect(got).toEqual([]);
    splitter.push(Buffer.from('1}\n{"b"'));
    expect(got).toEqual(['{"a":1}']);
    splitter.push(Buffer.from(':2}\n'));
    expect(got).toEqual(['{"a":1}', '{"b":2}']);
  });

  test('blank lines are skipped, also those of a carriage return alone', () => {
    expect(split([Buffer.from('\n\r\n\n a \n\r'), Buffer.from('\n')]).lines).toEqual([' a ']);
  });

  test('a carriage return inside a line belongs to it', () => {
    expect(split([Buffer.from('a\rb\r\r\n')]).lines).toEqual(['a\rb\r']);
  });

  test('a line without an end is dropped as soon as it is too long, not when its end comes', () => {
    const dropped: number[] = [];
    const got: string[] = [];
    const splitter = new LineSplitter(
      (l) => got.push(l.toString()),
      10,
      (bytes) => dropped.push(bytes),
    );
    splitter.push(Buffer.from('0123456789'));
    expect(dropped).toEqual([]);
    splitter.push(Buffer.from('x'));
    expect(dropped).toEqual([11]);
    for (let i = 0; i < 1_000; i++) splitter.push(Buffer.from('more and more'));
    splitter.push(Buffer.from('the end\nnext\n'));
    expect(dropped).toEqual([11]);
    expect(got).toEqual(['next']);
  });

  test('after bytes were left out, the line that had begun is gone, and so is the rest of one that is cut', () => {
    const got: string[] = [];
    const splitter = new LineSplitter(
      (l) => got.push(l.toString()),
      100,
      (bytes) => expect.unreachable(`dropped ${bytes}`),
    );
    splitter.push(Buffer.from('one\nbegun'));
    splitter.skip(true);
    splitter.push(Buffer.from('rest\ntwo\nbegun'));
    splitter.skip(false);
    splitter.push(Buffer.from('three\n'));
    expect(got).toEqual(['one', 'two', 'three']);
  });
});
