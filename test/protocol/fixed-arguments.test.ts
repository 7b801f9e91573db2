/** Arguments that are fixed, spliced into the text of a request: the same as setting them in the object it stands for. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fixed, fixArguments } from '../../src/protocol/fixed-arguments.ts';
import { applyEdits } from '../../src/protocol/json/edit.ts';
import { readMessage } from '../../src/protocol/message.ts';
import { Params } from '../../src/protocol/params.ts';
import { valueText } from './json-arbitraries.ts';

/** Keys with several spellings, of which some are fixed. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  owner: ['"owner"', '"\\u006fwner"', '"own\\u0065r"'],
  'a/"b"': ['"a/\\"b\\""', '"a\\/\\u0022b\\""'],
  é: ['"é"', '"\\u00e9"'],
  __proto__: ['"__proto__"', '"\\u005f_proto__"'],
  other: ['"other"', '"oth\\u0065r"'],
  '': ['""'],
};
const keys = Object.keys(SPELLINGS);
const keyText = fc.constantFrom(...keys).chain((key) => fc.constantFrom(...SPELLINGS[key]!));

function fix(text: string, fixed: ReadonlyMap<string, string>): Fixed | string {
  const message = readMessage(Buffer.from(text));
  return fixArguments(message.bytes, { span: message.params!, members: new Params(message).members }, fixed);
}

const request = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;

/** Sets members one by one, `__proto__` like any other. */
function set(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

test('injection into any arguments equals setting the members of an object', () => {
  const fixedValues = fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), valueText), {
    minLength: 1,
    selector: ([key]) => key,
  });
  const sent = fc.array(fc.tuple(keyText, fc.option(valueText, { nil: undefined })), { maxLength: 6 });
  fc.assert(
    fc.property(fixedValues, sent, fc.boolean(), fc.constantFrom('', ' ', '\n\t'), (entries, parts, first, space) => {
      const fixed = new Map(entries.map(([key, text]) => [key, JSON.stringify(JSON.parse(text))]));
      // a key without a value gets the fixed one, as far as it is fixed
      const list = parts.map(([key, text]) => ({ key, text: text ?? fixed.get(JSON.parse(key)) ?? 'null' }));
      const args = `{${space}${list.map(({ key, text }) => `${key}${space}:${text}`).join(`${space},`)}${space}}`;
      const params = first ? `{"arguments":${args},"name":"x"}` : `{"name":"x",${space}"arguments":${args}${space}}`;
      const text = request(params);

      const differing = list.filter(({ key, text: value }) => {
        const own = fixed.get(JSON.parse(key));
        return (
          own !== undefined && JSON.stringify(sorted(JSON.parse(value))) !== JSON.stringify(sorted(JSON.parse(own)))
        );
      });
      const found = fix(text, fixed);
      if (typeof found === 'string') {
        expect(differing.map(({ key }) => JSON.parse(key))).toContain(found);
        return;
      }
      expect(differing).toEqual([]);
      const expected = JSON.parse(text) as { params: { arguments: object } };
      for (const [key, json] of fixed) set(expected.params.arguments, key, JSON.parse(json));
      const edited = applyEdits(Buffer.from(text), found.edits).toString('utf8');
      expect(sorted(JSON.parse(edited))).toEqual(sorted(expected));
      const { bytes, at } = found.args;
      expect(sorted(JSON.parse(bytes.toString('utf8', at!.start, at!.end)))).toEqual(sorted(expected.params.arguments));
      // each fixed member is there once
      for (const key of fixed.keys()) {
        const message = readMessage(Buffer.from(edited));
        const members = new Params(message).object('arguments')!;
        expect(members.filter((member) => member.key === key)).toHaveLength(1);
      }
    }),
    { numRuns: 500 },
  );
});

/** Entries in one order, so that equal objects are equal texts; `-0` and `0` are one number in JSON. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { members: members.map(([key, member]) => [key, sorted(member)]) };
}

describe('a request', () => {
  const fixed = new Map([['owner', '"acme"']]);
  const after = (params: string): string => {
    const found = fix(request(params), fixed);
    if (typeof found === 'string') throw new Error(found);
    return applyEdits(Buffer.from(request(params)), found.edits).toString('utf8');
  };

  test.each([
    ['without arguments', '{"name":"x"}', '{"arguments":{"owner":"acme"},"name":"x"}'],
    ['with none in them', '{"name":"x","arguments":{}}', '{"name":"x","arguments":{"owner":"acme"}}'],
    [
      'with others, whose spelling stays',
      '{"name":"x","arguments":{ "n" : 1.0 }}',
      '{"name":"x","arguments":{"owner":"acme", "n" : 1.0 }}',
    ],
    [
      'with the fixed one already, twice',
      '{"name":"x","arguments":{"owner":"acme","n":1,"\\u006fwner":"\\u0061cme"}}',
      '{"name":"x","arguments":{"owner":"acme","n":1}}',
    ],
    ['with null for them', '{"name":"x","arguments":null}', '{"name":"x","arguments":{"owner":"acme"}}'],
  ])('%s', (_, before, wanted) => {
    expect(after(before)).toBe(request(wanted));
  });

  test.each([
    '{"name":"x","arguments":{"owner":"evil"}}',
    '{"name":"x","arguments":{"owner":null}}',
    '{"name":"x","arguments":{"owner":"evil","owner":"acme"}}',
    '{"name":"x","arguments":{"owner":"acme","\\u006fwner":"evil"}}',
  ])('%s is refused', (params) => {
    expect(fix(request(params), fixed)).toBe('owner');
  });

  test('with two objects of arguments is no proper one', () => {
    expect(() => fix(request('{"name":"x","arguments":{},"arguments":{}}'), fixed)).toThrow('"arguments" occurs twice');
  });
});
