import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyEdits, type Edit, removeMembers } from '../../src/protocol/json/edit.ts';
import { JsonFlow, type Later, type ObjectPlan } from '../../src/protocol/json/flow.ts';
import { isObjectAt, JsonSyntaxError, members, skipSpace } from '../../src/protocol/json/scan.ts';
import { readMessage } from '../../src/protocol/message.ts';
import { damagedText, documentText, objectText } from './json-arbitraries.ts';

/** Places to cut a text at, which may fall into characters. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

function chunksOf(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...at.map((part) => Math.floor(part * bytes.length)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, i) => Buffer.from(bytes.subarray(places[i], end)));
}

const everyByte = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.of(byte));

/** What comes out when these chunks go in. @throws JsonSyntaxError */
function flowed(plan: ObjectPlan, chunks: readonly Buffer[], depth?: number): string {
  const flow = new JsonFlow(plan, depth);
  const out: Buffer[] = [];
  for (const chunk of chunks) {
    flow.push(chunk);
    out.push(...flow.ready());
  }
  flow.end();
  return Buffer.concat(out).toString('utf8');
}

const AS_IT_IS: ObjectPlan = { member: () => 'pass' };

/** Looks into everything. */
const deep: ObjectPlan = {
  member: () => ({
    object: deep,
    array: { element: () => ({ object: deep, array: { element: () => ({ object: deep }) } }) },
  }),
};

const isAnObject = (text: string): boolean => {
  const bytes = Buffer.from(text);
  return isObjectAt(bytes, skipSpace(bytes, 0));
};

describe('a text that nothing is changed in', () => {
  test('comes out as it went in, wherever it is cut, however deep it is looked into', () => {
    const spaced = documentText.filter(isAnObject);
    fc.assert(
      fc.property(fc.oneof(spaced, objectText), cuts, (text, at) => {
        const bytes = Buffer.from(text);
        for (const plan of [AS_IT_IS, deep]) {
          expect(flowed(plan, chunksOf(bytes, at))).toBe(text);
          expect(flowed(plan, everyByte(bytes))).toBe(text);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('is refused where the scanner of whole texts refuses it', () => {
    fc.assert(
      fc.property(damagedText, cuts, (text, at) => {
        const bytes = Buffer.from(text);
        const fine = accepts(() => readMessage(bytes));
        expect(accepts(() => flowed(AS_IT_IS, chunksOf(bytes, at)))).toBe(fine);
        expect(accepts(() => flowed(deep, everyByte(bytes)))).toBe(fine);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['a byte that is no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a character that is cut short', Buffer.from([0x7b, 0x22, 0xe2, 0x82, 0x22, 0x3a, 0x31, 0x7d])],
    ['half of a surrogate pair as UTF-8', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
    ['an array', Buffer.from('[1]')],
    ['a second value', Buffer.from('{} {}')],
    ['nothing', Buffer.alloc(0)],
  ])('%s is refused', (_, bytes) => {
    expect(() => flowed(AS_IT_IS, [bytes])).toThrow(JsonSyntaxError);
    expect(() => flowed(AS_IT_IS, everyByte(bytes))).toThrow(JsonSyntaxError);
  });

  test('is as deep as it may be and no deeper', () => {
    const nested = (levels: number): Buffer => Buffer.from(`{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`);
    expect(flowed(AS_IT_IS, [nested(20)], 20)).toHaveLength(44);
    expect(() => flowed(AS_IT_IS, [nested(21)], 20)).toThrow('nested too deep');
    expect(() => readMessage(nested(21), 20)).toThrow('nested too deep');
  });
});

function accepts(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(JsonSyntaxError);
    return false;
  }
}

describe('a member', () => {
  const text = '{ "a" : 1 , "b" : "x" ,"c":[2], "d":{} }';
  const plans = (treat: Readonly<Record<string, ReturnType<ObjectPlan['member']>>>): ObjectPlan => ({
    member: (key) => treat[key] ?? 'pass',
  });
  const both = (plan: () => ObjectPlan): string => {
    const whole = flowed(plan(), [Buffer.from(text)]);
    expect(flowed(plan(), everyByte(Buffer.from(text)))).toBe(whole);
    return whole;
  };

  test.each([
    ['the first', ['a'], '{ "b" : "x" ,"c":[2], "d":{} }'],
    ['the last', ['d'], '{ "a" : 1 , "b" : "x" ,"c":[2]}'],
    ['some in the middle', ['b', 'c'], '{ "a" : 1 , "d":{} }'],
    ['all', ['a', 'b', 'c', 'd'], '{}'],
  ])('that is dropped goes with its comma: %s', (_, keys, rest) => {
    for (const how of ['drop', { take: () => 'drop' as const }] as const) {
      const out = both(() => plans(Object.fromEntries(keys.map((key) => [key, how]))));
      expect(JSON.parse(out)).toEqual(JSON.parse(rest));
    }
  });

  test('that is replaced is seen whole, as it was spelled', () => {
    const seen: string[] = [];
    const take = (value: Buffer) => {
      seen.push(value.toString());
      return '"new"';
    };
    const out = both(() => plans({ a: { take }, b: { take }, c: { take }, d: { take } }));
    expect(out).toBe('{ "a" : "new" , "b" : "new" ,"c":"new", "d":"new" }');
    expect(seen.slice(0, 4)).toEqual(['1', '"x"', '[2]', '{}']);
    expect(seen.slice(4)).toEqual(seen.slice(0, 4));
  });

  test('is added behind the others, or alone', () => {
    expect(both(() => ({ member: () => 'pass', end: () => '"e":5' }))).toBe(
      '{ "a" : 1 , "b" : "x" ,"c":[2], "d":{} ,"e":5}',
    );
    expect(both(() => ({ member: () => 'drop', end: () => '"e":5' }))).toBe('{"e":5}');
    expect(flowed({ member: () => 'pass', end: () => '"e":5' }, [Buffer.from('{ }')])).toBe('{ "e":5}');
  });

  test('that is known later holds back what follows it, and nothing else', () => {
    let known: Buffer | undefined;
    const later: Later = { settle: () => known };
    const flow = new JsonFlow(plans({ b: { take: () => later } }));
    flow.push(Buffer.from('{"a":1,"b":2,"c":3'));
    expect(Buffer.concat(flow.ready()).toString()).toBe('{"a":1,"b":');
    flow.push(Buffer.from(',"d":4}'));
    expect(flow.ready()).toEqual([]);
    known = Buffer.from('"!"');
    expect(Buffer.concat(flow.ready()).toString()).toBe('"!","c":3,"d":4}');
    flow.end();
  });

  test('is dropped or replaced as in a text that is whole', () => {
    fc.assert(
      fc.property(objectText, cuts, fc.func(fc.constantFrom('pass', 'drop', 'take', 'gone')), (json, at, how) => {
        const bytes = Buffer.from(json);
        const list = members(bytes, 0);
        const gone = ({ key }: { key: string }): boolean => how(key) === 'drop' || how(key) === 'gone';
        const edits: Edit[] = removeMembers(list, gone);
        for (const { key, start, end } of list) if (how(key) === 'take') edits.push({ start, end, text: '0' });
        const plan: ObjectPlan = {
          member: (key) => {
            const word = how(key);
            if (word === 'pass' || word === 'drop') return word;
            return { take: () => (word === 'take' ? '0' : 'drop') };
          },
        };
        const expected = JSON.parse(applyEdits(bytes, edits).toString()) as unknown;
        expect(JSON.parse(flowed(plan, chunksOf(bytes, at)))).toEqual(expected);
        expect(JSON.parse(flowed(plan, everyByte(bytes)))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
