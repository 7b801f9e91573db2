import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type NameRules, ruleProblem, upstreamPrefixes } from '../../src/namespace/prefixes.ts';
import { upstreamIds } from './arbitraries.ts';

const rules: NameRules = { prefix: 'always', separator: '__', maxLength: 64 };

describe('rules that cannot work are named with their mend', () => {
  test.each(['', '.', '/', ' ', 'é', 'a\n'])('separator %j', (separator) => {
    expect(ruleProblem({ ...rules, separator })).toMatch(/^names\.separator ".*" must be .*"__"$/);
  });

  test.each([0, 9, 20.5, Number.NaN, -1])('maxLength %d', (maxLength) => {
    expect(ruleProblem({ ...rules, maxLength })).toMatch(/^names\.maxLength .* at least 10 /);
  });

  test('the shortest that works depends on the separator', () => {
    expect(ruleProblem({ ...rules, maxLength: 10 })).toBeUndefined();
    expect(ruleProblem({ ...rules, separator: '---', maxLength: 10 })).toMatch(/at least 11/);
  });
});

describe('prefixes', () => {
  test('a safe id is its own slug', () => {
    expect(upstreamPrefixes(rules, ['files'])).toEqual(new Map([['files', { text: 'files__', longer: [] }]]));
  });

  test('other ids are mapped and marked with a hash', () => {
    const prefixes = upstreamPrefixes(rules, ['My Server', 'My_Server', 'x'.repeat(32)]);
    expect(prefixes.get('My_Server')?.text).toBe('My_Server__');
    expect(prefixes.get('My Server')?.text).toMatch(/^My_Server_[a-z2-7]{8}__$/);
    expect(prefixes.get('x'.repeat(32))?.text).toMatch(/^x{22}_[a-z2-7]{8}__$/);
  });

  test('an id that looks like the mapped form of another makes that one take a longer hash', () => {
    const squatter = upstreamPrefixes(rules, ['a.b']).get('a.b')!.text.slice(0, -2);
    const prefixes = upstreamPrefixes(rules, ['a.b', squatter]);
    expect(prefixes.get(squatter)?.text).toBe(`${squatter}__`);
    expect(prefixes.get('a.b')?.text).toMatch(/^a_b_[a-z2-7]{12}__$/);
  });

  test('hashes that clash, as short ones do, are told apart the same way in every order', () => {
    const ids = Array.from({ length: 3_000 }, (_, i) => `x.${i}`);
    const short: NameRules = { prefix: 'always', separator: '________', maxLength: 16 };
    const prefixes = upstreamPrefixes(short, ids);
    expect(new Set([...prefixes.values()].map(({ text }) => text)).size).toBe(3_000);
    const reversed = upstreamPrefixes(short, [...ids].reverse());
    for (const id of ids) expect(reversed.get(id)).toEqual(prefixes.get(id));
  });

  test('a prefix knows the longer ones that begin with it', () => {
    const prefixes = upstreamPrefixes(rules, ['a', 'a__b', 'a__b__c', 'a_', 'ab', 'b']);
    expect(new Set(prefixes.get('a')?.longer)).toEqual(new Set(['a__b__', 'a__b__c__', 'a___']));
    expect(prefixes.get('a__b')?.longer).toEqual(['a__b__c__']);
    expect(prefixes.get('ab')?.longer).toEqual([]);
  });

  test('prefixes are distinct, safe, leave half the room, and do not depend on the order of the ids', () => {
    fc.assert(
      fc.property(upstreamIds(1), fc.constantFrom('_', '__', '-', 'x'), (ids, separator) => {
        const prefixes = upstreamPrefixes({ ...rules, separator }, ids);
        const texts = [...prefixes.values()].map(({ text }) => text);
        expect(new Set(texts).size).toBe(ids.length);
        for (const text of texts) {
          expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
          expect(text.length).toBeLessThanOrEqual((64 + separator.length) / 2);
        }
        for (const { text, longer } of prefixes.values()) {
          expect(new Set(longer)).toEqual(new Set(texts.filter((other) => other !== text && other.startsWith(text))));
        }
        const reversed = upstreamPrefixes({ ...rules, separator }, [...ids].reverse());
        for (const id of ids) expect(reversed.get(id)?.text).toBe(prefixes.get(id)?.text);
      }),
    );
  });
});
