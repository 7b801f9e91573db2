import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/protocol/json/canonical.ts';
import { valueText } from './json-arbitraries.ts';

test('says the same value, and is its own canonical form', () => {
  fc.assert(
    fc.property(valueText, (text) => {
      const canonical = canonicalJson(JSON.parse(text));
      expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(JSON.parse(text))));
      expect(canonicalJson(JSON.parse(canonical))).toBe(canonical);
    }),
  );
});

test.each([
  ['the order of members', '{"b":[1,{"y":0,"x":1}],"a":null}', '{"a":null,"b":[1,{"x":1,"y":0}]}', true],
  ['the spelling of numbers', '[1.0,1e2,-0]', '[1,100,0]', true],
  ['the spelling of strings', '"\\u0061\\/"', '"a/"', true],
  ['white space', '{ "a" : [ ] }', '{"a":[]}', true],
  ['the order of elements', '[1,2]', '[2,1]', false],
  ['the type of a value', '"1"', '1', false],
  ['a member that is null', '{"a":null}', '{}', false],
])('%s: %s and %s', (_, one, other, same) => {
  expect(canonicalJson(JSON.parse(one)) === canonicalJson(JSON.parse(other))).toBe(same);
});
