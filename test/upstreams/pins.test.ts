import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../src/upstreams/catalog.ts';
import { KINDS, readItem } from '../../src/upstreams/catalog-items.ts';
import { Pins, parsePins } from '../../src/upstreams/pins.ts';

type Texts = Partial<Record<(typeof KINDS)[number], readonly string[]>>;

function catalogOf(texts: Texts, upstream = 'up'): Catalog {
  const items = Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      (texts[kind] ?? []).map((text) => readItem(Buffer.from(text), { start: 0, end: Buffer.byteLength(text) }, kind)!),
    ]),
  );
  return { upstream, items } as unknown as Catalog;
}

const TOOL = '{"name":"a","description":"A","inputSchema":{"type":"object","properties":{"n":{"minimum":1}}}}';
const pinned = new Pins().with(
  catalogOf({
    tools: [TOOL, '{"name":"__proto__"}'],
    resources: ['{"uri":"x:1","name":"x","size":1,"annotations":{"lastModified":"2026-01-01","audience":["user"]}}'],
  }),
);
const changes = (texts: Texts) =>
  pinned.deviations(catalogOf(texts)).map(({ kind, name, change }) => [kind, name, change]);
const GONE = [
  ['tools', '__proto__', 'gone'],
  ['resources', 'x:1', 'gone'],
];

test('what is written is read back the same, and written the same', () => {
  const read = parsePins(pinned.toString());
  expect(read.toString()).toBe(pinned.toString());
  expect(read.deviations(catalogOf({ tools: [TOOL, '{"name":"__proto__"}'] })).map(({ name }) => name)).toEqual([
    'x:1',
  ]);
  expect(pinned.toString()).toMatch(
    /"a": \{\n +"hash": "sha256-[\w+/]{43}=",\n +"definition": \{\n +"description": "A",/,
  );
});

test('the same items in another order, or pinned in another order, are the same text', () => {
  const one = new Pins().with(catalogOf({ tools: [TOOL, '{"name":"b"}'] }, 'x')).with(catalogOf({}, 'a'));
  const two = new Pins().with(catalogOf({}, 'a')).with(catalogOf({ tools: ['{"name":"b"}', TOOL] }, 'x'));
  expect(one.toString()).toBe(two.toString());
});

describe('a definition', () => {
  test.each([
    [
      'spelled otherwise is the same',
      '{ "inputSchema":{"properties":{"n":{"minimum":1.0}},"type":"object"}, "description":"\\u0041","name":"a"}',
      [],
    ],
    ['with another description', TOOL.replace('"A"', '"B"'), [['tools', 'a', 'changed']]],
    ['with another schema', TOOL.replace('1', '2'), [['tools', 'a', 'changed']]],
    ['with one member more', TOOL.replace('{"name"', '{"_meta":{},"name"'), [['tools', 'a', 'changed']]],
    [
      'of another name',
      TOOL.replace('"a"', '"b"'),
      [
        ['tools', 'b', 'new'],
        ['tools', 'a', 'gone'],
      ],
    ],
  ])('%s', (_, text, found) => {
    expect(changes({ tools: [text] })).toEqual([...found, ...GONE]);
  });

  test('of a resource does not change with its content', () => {
    const now = '{"uri":"x:1","name":"x","size":2,"annotations":{"lastModified":"2026-02-02","audience":["user"]}}';
    expect(changes({ resources: [now] }).filter(([kind]) => kind === 'resources')).toEqual([]);
    const other = now.replace('user', 'assistant');
    expect(changes({ resources: [other] }).filter(([kind]) => kind === 'resources')).toEqual([
      ['resources', 'x:1', 'changed'],
    ]);
  });
});

test('an upstream of which nothing is pinned may say what it likes; one that was empty may not', () => {
  expect(pinned.deviations(catalogOf({ tools: [TOOL] }, 'other'))).toEqual([]);
  const empty = new Pins().with(catalogOf({}));
  expect(empty.deviations(catalogOf({ tools: [TOOL] })).map(({ change }) => change)).toEqual(['new']);
});

test.each([
  ['not JSON', '{', 'it is not JSON ('],
  ['of another version', '{"version":2,"upstreams":{}}', 'version is 2 and should be 1'],
  ['without upstreams', '{"version":1}', 'upstreams is not an object'],
  ['with an upstream that is none', '{"version":1,"upstreams":{"a":[]}}', 'upstreams.a is not an object'],
  [
    'edited by hand',
    pinned.toString().replace('"A"', '"B"'),
    'the hash of upstreams.up.tools.a is not that of its definition',
  ],
])('a file that is %s is refused, with the mend', (_, text, problem) => {
  expect(() => parsePins(text)).toThrow(problem);
  expect(() => parsePins(text)).toThrow('take the file from version control');
});
