import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyEdits, type Edit, insertMember, removeMembers } from '../../src/protocol/json/edit.ts';
import { type Member, scanObject } from '../../src/protocol/json/scan.ts';
import { objectText, stringText, valueText } from './json-arbitraries.ts';

const value = (text: string): unknown => JSON.parse(text) as unknown;

/** The object's members as [key, value] in order, so that duplicates count. */
const entries = (bytes: Buffer): [string, unknown][] =>
  scanObject(bytes, 0).members.map((m) => [m.key, value(bytes.toString('utf8', m.start, m.end))]);

const replace = (member: Member, text: string): Edit => ({ start: member.start, end: member.end, text });

/** An object's text with some of its members chosen. */
const chosen = objectText.chain((text) => {
  const bytes = Buffer.from(text);
  const list = scanObject(bytes, 0).members;
  return fc.record({ bytes: fc.constant(bytes), list: fc.constant(list), picked: fc.shuffledSubarray(list) });
});

/** The same with one member chosen by its index. */
const withMember = chosen.filter(({ list }) => list.length > 0);

describe('replacing', () => {
  test('the picked members have the new values, all other bytes are what they were', () => {
    fc.assert(
      fc.property(chosen, valueText, ({ bytes, list, picked }, text) => {
        const out = applyEdits(
          bytes,
          picked.map((m) => replace(m, text)),
        );
        const after = scanObject(out, 0).members;
        expect(after).toHaveLength(list.length);
        let read = 0;
        let wrote = 0;
        for (const [i, m] of list.entries()) {
          const now = after[i]!;
          expect(out.subarray(wrote, now.start)).toEqual(bytes.subarray(read, m.start));
          const expected = picked.includes(m) ? Buffer.from(text) : bytes.subarray(m.start, m.end);
          expect(out.subarray(now.start, now.end)).toEqual(expected);
          read = m.end;
          wrote = now.end;
        }
        expect(out.subarray(wrote)).toEqual(bytes.subarray(read));
      }),
      { numRuns: 300 },
    );
  });

  test('the order in which edits are given does not matter', () => {
    const bytes = Buffer.from('{"a":1,"b":2,"c":3}');
    const edits = scanObject(bytes, 0).members.map((m, i) => replace(m, `"${'x'.repeat(i)}"`));
    const expected = '{"a":"","b":"x","c":"xx"}';
    for (const order of [edits, edits.toReversed(), [edits[1]!, edits[2]!, edits[0]!]]) {
      expect(applyEdits(bytes, order).toString()).toBe(expected);
    }
    expect(bytes.toString()).toBe('{"a":1,"b":2,"c":3}');
  });

  test('text of several bytes a character, as string and as bytes', () => {
    const bytes = Buffer.from('{"ä":"ö","b":1}');
    const [first, second] = scanObject(bytes, 0).members;
    const out = applyEdits(bytes, [replace(first!, '"😀"'), { ...second!, text: Buffer.from('"é"') }]);
    expect(out.toString()).toBe('{"ä":"😀","b":"é"}');
  });
});

describe('inserting', () => {
  test('adds exactly one member and changes no other byte', () => {
    fc.assert(
      fc.property(chosen, stringText, valueText, fc.boolean(), ({ bytes, list }, keyText, text, asBytes) => {
        const key = value(keyText) as string;
        const edit = insertMember({ start: 0, end: bytes.length }, list, key, asBytes ? Buffer.from(text) : text);
        const out = applyEdits(bytes, [edit]);
        expect(entries(out)).toEqual([[key, value(text)], ...entries(bytes)]);
        const added = Buffer.byteLength(edit.text.toString());
        expect(out.subarray(edit.start + added)).toEqual(bytes.subarray(edit.start));
        expect(out.subarray(0, edit.start)).toEqual(bytes.subarray(0, edit.start));
      }),
      { numRuns: 300 },
    );
  });

  test('an object inside a longer text', () => {
    const bytes = Buffer.from('[1, { }, 2]');
    const edit = insertMember({ start: 4, end: 7 }, [], 'a', '1');
    expect(value(applyEdits(bytes, [edit]).toString())).toEqual([1, { a: 1 }, 2]);
  });
});

describe('removing', () => {
  test('takes exactly one member out, with its comma, and leaves the spelling of the others', () => {
    fc.assert(
      fc.property(withMember, fc.nat(), ({ bytes, list }, n) => {
        const index = n % list.length;
        const out = applyEdits(
          bytes,
          removeMembers(list, (m) => m === list[index]),
        );
        expect(entries(out)).toEqual(entries(bytes).toSpliced(index, 1));
        const spelled = (b: Buffer) => scanObject(b, 0).members.map((m) => b.toString('utf8', m.keyStart, m.end));
        expect(spelled(out)).toEqual(spelled(bytes).toSpliced(index, 1));
      }),
      { numRuns: 300 },
    );
  });

  test('takes any set of members out', () => {
    fc.assert(
      fc.property(withMember, fc.array(fc.boolean()), ({ bytes, list }, flags) => {
        const goes = new Set(list.filter((_, i) => flags[i]));
        const out = applyEdits(
          bytes,
          removeMembers(list, (m) => goes.has(m)),
        );
        expect(entries(out)).toEqual(entries(bytes).filter((_, i) => !flags[i]));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['{"a":1}', 0, '{}'],
    ['{"a":1,"b":2}', 0, '{"b":2}'],
    ['{"a":1,"b":2}', 1, '{"a":1}'],
    ['{"a":1,"b":2,"c":3}', 1, '{"a":1,"c":3}'],
    ['{ "a" : 1 , "b" : 2 }', 1, '{ "a" : 1 }'],
  ])('%s without member %i', (text, index, expected) => {
    const bytes = Buffer.from(text);
    expect(
      applyEdits(
        bytes,
        removeMembers(scanObject(bytes, 0).members, (m) => m.key === 'abc'[index]),
      ).toString(),
    ).toBe(expected);
  });
});

test('several kinds of edit at once', () => {
  const bytes = Buffer.from('{"id":1,"params":{"name":"x","task":{},"_meta":{}},"method":"m"}');
  const top = scanObject(bytes, 0).members;
  const params = scanObject(bytes, top[1]!.start).members;
  const meta = params[2]!;
  const out = applyEdits(bytes, [
    replace(top[0]!, '77'),
    ...removeMembers(params, ({ key }) => key === 'task'),
    insertMember(meta, [], 'progressToken', '77'),
    replace(params[0]!, '"y"'),
  ]);
  expect(out.toString()).toBe('{"id":77,"params":{"name":"y","_meta":{"progressToken":77}},"method":"m"}');
});

test('no edits: a view of the same memory', () => {
  const bytes = Buffer.from('  {"a":1}  ');
  const out = applyEdits(bytes, [], 2, 9);
  expect(out.toString()).toBe('{"a":1}');
  expect(out.buffer).toBe(bytes.buffer);
});

test('a part of a text is edited by offsets of the whole', () => {
  const bytes = Buffer.from('[{"id":1},{"id":2}]');
  const second = scanObject(bytes, 10);
  const out = applyEdits(bytes, [replace(second.members[0]!, '"b"')], 10, second.end);
  expect(out.toString()).toBe('{"id":"b"}');
});
