import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { itemRules } from '../../src/upstreams/item-rules.ts';

const rulesOf = (items: object) => {
  const text = JSON.stringify({ upstreams: { up: { command: 'run', items } } });
  const loaded = parseConfig(text, { file: 'patchbay.yaml', env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return itemRules(loaded.config.upstreams.up!.items);
};

test('where nothing is said there are none', () => {
  expect(rulesOf({})).toBeUndefined();
  expect(rulesOf({ tools: {} })).toBeUndefined();
});

describe('of several that fit', () => {
  const rules = rulesOf({
    tools: {
      get_me: { hide: false, rate: '1/1s' },
      '*': { hide: true, timeout: 5, rate: '9/9s', arguments: { a: { value: 1 }, b: { value: { c: [null] } } } },
      'get_*': { timeout: 7, arguments: { a: { value: 'two' } } },
    },
  })!;

  test('a name comes before patterns, and a later pattern before an earlier one, key by key', () => {
    const rule = rules.of('tools', 'get_me')!;
    expect(rule.hide).toBe(false);
    expect(rule.rate).toEqual({ value: { times: 1, per: 1_000 }, knob: 'items.tools.get_me.rate' });
    expect(rule.timeout).toEqual({ value: 7_000, knob: 'items.tools."get_*".timeout' });
    expect([...rule.fixed]).toEqual([
      ['a', '"two"'],
      ['b', '{"c":[null]}'],
    ]);
    expect(rules.of('tools', 'other')).toMatchObject({ hide: true, timeout: { value: 5_000 } });
  });

  test('the names alone are told', () => {
    expect(rules.named('tools')).toEqual(['get_me']);
    expect(rules.of('prompts', 'get_me')).toBeUndefined();
  });
});

test.each([
  ['file:///a/*/c', 'file:///a/b/c', true],
  ['file:///a/*/c', 'file:///a/c', false],
  ['*a*a', 'a', false],
  ['*a*a', 'aa', true],
  ['a.c', 'abc', false],
  ['*', '', true],
])('pattern %s, %s: %s', (pattern, uri, fits) => {
  expect(rulesOf({ resources: { [pattern]: { hide: true } } })!.of('resources', uri) !== undefined).toBe(fits);
});
