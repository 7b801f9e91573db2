import { expect, test } from 'vitest';
import { eachSchema } from '../../src/protocol/json/schema.ts';

/** Each schema visited: its `title`, the properties that lead to it, `!` where they alone do not. */
function visited(schema: unknown, skip?: string): string[] {
  const bytes = Buffer.from(`  ${JSON.stringify(schema)} `);
  const seen: string[] = [];
  eachSchema(bytes, 2, (list, path, chain) => {
    const at = list.find(({ key }) => key === 'title');
    const title = at ? bytes.toString('utf8', at.start + 1, at.end - 1) : '';
    seen.push(`${title}:${path.join('.')}${chain ? '' : '!'}`);
    return title !== skip;
  });
  return seen;
}

const NESTED = {
  title: 'root',
  properties: { a: { title: 'a', properties: { b: { title: 'b' }, enum: { title: 'named' } } }, c: true },
  items: [{ title: 'i', properties: { x: { title: 'x' } } }],
  $defs: { properties: { title: 'd' }, const: { title: 'e', default: { title: 'data' } } },
  enum: [{ title: 'data' }],
  unknown: { title: 'u' },
};

test('every schema is visited once, in order, and nothing else', () => {
  const below = ['i:!', 'x:x!', 'd:!', 'e:!', 'u:!'];
  expect(visited(NESTED)).toEqual(['root:', 'a:a', 'b:a.b', 'named:a.enum', ...below]);
});

test('what is inside of one can be left out', () => {
  expect(visited(NESTED, 'a')).not.toContain('b:a.b');
  expect(visited(NESTED, 'a')).toContain('x:x!');
  expect(visited(NESTED, 'root')).toEqual(['root:']);
});

test('keywords of names that hold no object are taken as they are', () => {
  expect(visited({ properties: [{ title: 'p' }], $defs: true, dependencies: { a: ['b'], c: { title: 'c' } } })).toEqual(
    [':', 'p:!', 'c:!'],
  );
  expect(visited(true)).toEqual([]);
});
