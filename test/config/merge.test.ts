import fc from 'fast-check';
import { expect, test } from 'vitest';
import { merge, type Part } from '../../src/config/merge.ts';

const part = (file: string, value: Record<string, unknown>): Part => ({
  file,
  value,
  findings: [],
  // the place tells the path that was asked for: one line for each of its keys
  locate: (path) => ({ line: path.length + 1, column: 1, file: `${file} ${path.join('.')}` }),
});
const of = (...values: Record<string, unknown>[]) => merge(values.map((value, i) => part(`${i}`, value)));
const fileOf = (merged: ReturnType<typeof merge>, ...path: PropertyKey[]) => merged.locate(path)?.file;

test('one file stays as it is, and is not the same object', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.jsonValue(),
      ),
      (value) => {
        const merged = of(value);
        expect(merged.value).toEqual(value);
        expect(merged.value).not.toBe(value);
      },
    ),
  );
});

test('settings of a later file win, and are found in it', () => {
  const merged = of({ a: { x: 1, y: 2 }, list: [1, 2] }, { a: { y: 3 }, list: [9] }, { a: { z: { deep: 4 } } });
  expect(merged.value).toEqual({ a: { x: 1, y: 3, z: { deep: 4 } }, list: [9] });
  expect(fileOf(merged, 'a', 'x')).toBe('0 a.x');
  expect(fileOf(merged, 'a', 'y')).toBe('1 a.y');
  expect(fileOf(merged, 'a', 'z', 'deep')).toBe('2 a.z.deep');
  expect(fileOf(merged, 'list', 0)).toBe('1 list.0');
  expect(fileOf(merged, 'nowhere')).toBe('0 nowhere');
});

test('entries of lists add up, and each is found where it was written', () => {
  const merged = of({ rules: [{ id: 1 }, { id: 2 }] }, { rules: [{ id: 3 }] }, { rules: [{ id: 4 }] });
  expect(merged.value).toEqual({ rules: [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }] });
  expect(fileOf(merged, 'rules', 1, 'id')).toBe('0 rules.1.id');
  expect(fileOf(merged, 'rules', 2, 'id')).toBe('1 rules.0.id');
  expect(fileOf(merged, 'rules', 3)).toBe('2 rules.0');
});

test('an empty list drops what is before it, an empty section drops nothing', () => {
  expect(of({ rules: [{ id: 1 }] }, { rules: [] }).value).toEqual({ rules: [] });
  expect(of({ server: { port: 1 } }, { server: null }).value).toEqual({ server: { port: 1 } });
  expect(of({ policy: [{ allow: ['a'] }] }, { policy: null }).value).toEqual({ policy: [{ allow: ['a'] }] });
  expect(of({ server: null }, { server: { port: 1 } }).value).toEqual({ server: { port: 1 } });
});

test('a value that takes the place of a mapping takes its places as well', () => {
  const merged = of({ a: { b: { c: 1 } } }, { a: { b: { c: 2 } } }, { a: 3 });
  expect(merged.value).toEqual({ a: 3 });
  expect(fileOf(merged, 'a', 'b', 'c')).toBe('2 a.b.c');
});

test.each([
  [{ upstreams: { a: 1 } }, { upstreams: { a: 2 } }, 'upstreams.a'],
  [{ upstreams: { a: 1 } }, { servers: { a: 2 } }, 'servers.a'],
  [{ profiles: { a: 1 } }, { profiles: { a: 2 } }, 'profiles.a'],
])('%j and %j name one thing twice', (first, second, path) => {
  const { findings } = of(first, second);
  expect(findings.map((finding) => finding.path?.join('.'))).toEqual([path]);
  expect(findings[0]).toMatchObject({ message: 'is also in 0:3:1', place: { file: `1 ${path}` } });
});

test('the same name in two sections of one file is not told here', () => {
  expect(of({ upstreams: { a: 1 }, servers: { a: 2 } }).findings).toEqual([]);
});

test('files are not changed by being merged', () => {
  const first = { a: { x: 1 }, rules: [{ id: 1 }], upstreams: { u: { env: { A: 'a' } } } };
  const before = structuredClone(first);
  of(first, { a: { x: 2, y: 3 }, rules: [{ id: 2 }], upstreams: { v: {} } });
  expect(first).toEqual(before);
});
