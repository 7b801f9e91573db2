import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/protocol/json/canonical.ts';
import { definitionDiff } from '../../src/upstreams/definition-diff.ts';

const json = fc.jsonValue({ maxDepth: 3 });

test('there are lines exactly where two values differ', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const same = canonicalJson(before) === canonicalJson(after);
      expect(definitionDiff(before, after).length === 0).toBe(same);
      expect(definitionDiff(before, structuredClone(before))).toEqual([]);
    }),
  );
});

describe('what is shown', () => {
  test.each<[string, unknown, unknown, string[]]>([
    [
      'a text line by line',
      { description: 'one\ntwo\nthree' },
      { description: 'one\nTWO\nthree\nfour' },
      ['description:', '- two', '+ TWO', '+ four'],
    ],
    [
      'a schema by the path of what is different in it',
      { inputSchema: { properties: { a: { type: 'string' }, b: {} }, required: ['a'] } },
      { inputSchema: { properties: { a: { type: 'number' }, 'c/d': { x: 1 } }, required: ['a', 'b'] } },
      [
        'inputSchema.properties.a.type:',
        '- string',
        '+ number',
        'inputSchema.properties.b:',
        '- {}',
        'inputSchema.properties."c/d":',
        '+ {"x":1}',
        'inputSchema.required:',
        '+ "b"',
      ],
    ],
    [
      'elements that are objects, each by itself',
      { arguments: [{ name: 'a' }, { name: 'b', required: false }] },
      { arguments: [{ name: 'a' }, { name: 'b', required: true }] },
      ['arguments[1].required:', '- false', '+ true'],
    ],
    ['the order of members as nothing', { a: 1, b: 2 }, { b: 2, a: 1 }, []],
    ['other spellings of a number as nothing', JSON.parse('{"a":1.0}'), JSON.parse('{"a":1e0}'), []],
    [
      'what cannot be seen, or steers a terminal',
      { description: 'safe' },
      { description: 'sa\u200bfe\u202e\u001b[2J\u{e0041}' },
      ['description:', '- safe', '+ sa\\u{200b}fe\\u{202e}\\u{1b}[2J\\u{e0041}'],
    ],
  ])('%s', (_, before, after, lines) => {
    expect(definitionDiff(before, after)).toEqual(lines);
  });
});
