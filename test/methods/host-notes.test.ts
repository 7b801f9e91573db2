import { describe, expect, test } from 'vitest';
import { HOST_LIMITS, HOSTS, type HostName, longestName } from '../../src/config/hosts.ts';
import { countNotes, hostNotes } from '../../src/methods/host-notes.ts';
import type { View } from '../../src/methods/view.ts';

const FINE = { name: 'fine', description: 'Does it.', inputSchema: { type: 'object' } };

function notes(tools: readonly object[], hosts: readonly HostName[] = HOSTS, server = 'patchbay') {
  const items = tools.map((tool) => Buffer.from(JSON.stringify(tool)));
  const view = { lists: { tools: { items } } } as unknown as View;
  return hostNotes(view, hosts, server).map(({ tool, problem }) => [tool, problem]);
}

test('a tool as hosts like it is worth no note', () => {
  expect(notes([FINE])).toEqual([]);
});

describe('names', () => {
  test.each([
    ['claude', 49],
    ['cursor', 52],
    ['vscode', 64],
    ['chatgpt', 64],
  ] as const)('%s takes %i characters beside what it adds for a server called patchbay', (host, longest) => {
    expect(HOST_LIMITS[host].nameLength('patchbay')).toBe(longest);
    const named = (length: number) => ({ ...FINE, name: 'n'.repeat(length) });
    expect(notes([named(longest)], [host])).toEqual([]);
    expect(notes([named(longest + 1)], [host])).toEqual([
      [
        'n'.repeat(longest + 1),
        expect.stringContaining(`has ${longest + 1} characters, ${HOST_LIMITS[host].title} takes ${longest}`),
      ],
    ]);
    expect(longestName({ maxLength: 64, hosts: [host], server: 'patchbay' })).toBe(longest);
  });

  test('the longest that all take is that of the strictest, and maxLength if that is less', () => {
    expect(longestName({ maxLength: 128, hosts: ['vscode', 'cursor'], server: 'pb' })).toBe(58);
    expect(longestName({ maxLength: 20, hosts: [...HOSTS], server: 'pb' })).toBe(20);
    expect(longestName({ maxLength: 64, hosts: [], server: 'pb' })).toBe(64);
  });

  test('other characters', () => {
    expect(notes([{ ...FINE, name: 'a.b' }])).toEqual([['a.b', expect.stringContaining('characters other than')]]);
  });
});

test.each([
  ['no description', { ...FINE, description: undefined }, 'it has no description'],
  ['an empty one', { ...FINE, description: ' ' }, 'it has no description'],
  ['a schema of another type', { ...FINE, inputSchema: { type: 'string' } }, 'is not object'],
  ['no schema', { ...FINE, inputSchema: undefined }, 'is not object'],
  [
    'choices at the root',
    { ...FINE, inputSchema: { type: 'object', oneOf: [], allOf: [] } },
    'oneOf and allOf at its root',
  ],
  [
    '$ref',
    { ...FINE, inputSchema: { type: 'object', properties: { a: { items: [{ $ref: '#/$defs/a' }] } } } },
    'has $ref',
  ],
  ['$ref to elsewhere', { ...FINE, inputSchema: { type: 'object', $ref: 'https://x/y' } }, 'another document by $ref'],
])('%s', (_, tool, problem) => {
  expect(notes([tool])).toEqual([['fine', expect.stringContaining(problem)]]);
});

test('a property that is called $ref or oneOf is none', () => {
  expect(
    notes([{ ...FINE, inputSchema: { type: 'object', properties: { $ref: { type: 'string' }, oneOf: {} } } }]),
  ).toEqual([]);
});

test('long descriptions are told of to hosts that cut them', () => {
  const tool = { ...FINE, description: 'x'.repeat(1_500) };
  expect(notes([tool], ['chatgpt'])).toEqual([['fine', expect.stringContaining('1500 characters')]]);
  expect(notes([tool], ['claude'])).toEqual([]);
  expect(notes([{ ...FINE, description: 'x'.repeat(2_049) }], ['claude', 'cursor'])).toHaveLength(1);
});

test('more tools than a host takes', () => {
  expect(countNotes(128, HOSTS).map(({ hosts }) => hosts)).toEqual([['cursor']]);
  expect(countNotes(129, HOSTS).map(({ problem }) => problem)).toEqual([
    '129 tools are more than the 80 that Cursor takes: it warns',
    '129 tools are more than the 128 that VS Code takes: the rest cannot be used',
  ]);
  expect(countNotes(80, HOSTS)).toEqual([]);
});
