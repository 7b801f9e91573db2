import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type NameRules, type NameSource, type NameTable, nameTable } from '../../src/namespace/names.ts';
import { anyText, upstreamIds } from './arbitraries.ts';

const always: NameRules = { prefix: 'always', separator: '__', maxLength: 64 };
const never: NameRules = { ...always, prefix: 'never' };
const conflict: NameRules = { ...always, prefix: 'conflict' };

const anyRules: fc.Arbitrary<NameRules> = fc.record({
  prefix: fc.constantFrom('always', 'conflict', 'never'),
  separator: fc.constantFrom('__', '_', '-', '--', 'x', 'b', '-_-_-_-_'),
  maxLength: fc.constantFrom(16, 20, 64, 128),
});

const anyItems = (minLength: number): fc.Arbitrary<NameSource[]> =>
  upstreamIds(minLength).chain((ids) =>
    fc.tuple(
      ...ids.map((upstream) =>
        fc.record({ upstream: fc.constant(upstream), names: fc.array(anyText, { maxLength: 12 }) }),
      ),
    ),
  );

/** Every distinct item with its exposed name, in the order of the input. */
function exposures(table: NameTable, items: readonly NameSource[]): [string, string, string | undefined][] {
  return items.flatMap(({ upstream, names }) =>
    [...new Set(names)].map((name): [string, string, string | undefined] => [
      upstream,
      name,
      table.expose(upstream, name),
    ]),
  );
}

describe('always', () => {
  test('upstream, separator, name', () => {
    const table = nameTable(always, [
      { upstream: 'files', names: ['read', 'write'] },
      { upstream: 'mail', names: ['read'] },
    ]);
    expect(table.expose('files', 'read')).toBe('files__read');
    expect(table.expose('mail', 'read')).toBe('mail__read');
    expect(table.resolve('mail__read')).toEqual({ upstream: 'mail', name: 'read' });
    expect(table.notes).toEqual([]);
  });

  test('unknown names are not found', () => {
    const table = nameTable(always, [{ upstream: 'files', names: ['read'] }]);
    for (const name of ['files__write', '', '__proto__', 'constructor', 'files__']) {
      expect(table.resolve(name)).toBeUndefined();
      expect(table.expose('files', name)).toBeUndefined();
    }
    expect(table.resolve('read')).toBeUndefined();
    expect(table.expose('__proto__', 'read')).toBeUndefined();
  });

  test('a name that contains the separator is found by table', () => {
    const table = nameTable(always, [{ upstream: 'a', names: ['b__c', '__', '__proto__'] }]);
    expect(table.resolve('a__b__c')).toEqual({ upstream: 'a', name: 'b__c' });
    expect(table.resolve('a____')).toEqual({ upstream: 'a', name: '__' });
    expect(table.resolve('a____proto__')).toEqual({ upstream: 'a', name: '__proto__' });
  });

  test('mapped and shortened names are the same in every process', () => {
    const table = nameTable(always, [{ upstream: 'files', names: ['read.me', 'n'.repeat(80), '', '日本'] }]);
    expect(table.expose('files', 'read.me')).toBe('files__read_me_dqz3ydaf');
    expect(table.expose('files', 'n'.repeat(80))).toBe(`files__${'n'.repeat(48)}_x4ofa546`);
    expect(table.expose('files', '')).toBe('files__oiz6yw2f');
    expect(table.expose('files', '日本')).toBe('files_____afqt37qv');
    expect(table.notes.map(({ name, reason }) => [name, reason])).toEqual([
      ['', 'mapped'],
      ['n'.repeat(80), 'shortened'],
      ['read.me', 'mapped'],
      ['日本', 'mapped'],
    ]);
  });

  test('long names that differ at the end only stay apart', () => {
    const names = ['x', 'y'].map((end) => 'n'.repeat(100) + end);
    const table = nameTable(always, [{ upstream: 'files', names }]);
    expect(table.expose('files', names[0]!)).not.toBe(table.expose('files', names[1]!));
  });

  test('an unchanged name wins over a mapped one that comes to the same', () => {
    const alone = nameTable(always, [{ upstream: 'files', names: ['a.b'] }]);
    const squatter = alone.expose('files', 'a.b')!.slice('files__'.length);
    const table = nameTable(always, [{ upstream: 'files', names: ['a.b', squatter] }]);
    expect(table.expose('files', squatter)).toBe(`files__${squatter}`);
    expect(table.expose('files', 'a.b')).toMatch(/^files__a_b_[a-z2-7]{12}$/);
  });

  test('where one prefix begins another, the shorter gives way for the names in question only', () => {
    const table = nameTable(always, [
      { upstream: 'a', names: ['b__echo', 'b_echo'] },
      { upstream: 'a__b', names: ['echo'] },
    ]);
    expect(table.expose('a__b', 'echo')).toBe('a__b__echo');
    expect(table.expose('a', 'b_echo')).toBe('a__b_echo');
    expect(table.expose('a', 'b__echo')).toMatch(/^a__b--echo-[a-z2-7]{8}$/);
    expect(table.notes).toMatchObject([{ upstream: 'a', name: 'b__echo', reason: 'disambiguated' }]);
  });

  test('a duplicate in one list is kept once and noted', () => {
    const table = nameTable(always, [{ upstream: 'files', names: ['read', 'read'] }]);
    expect(table.notes).toEqual([{ upstream: 'files', name: 'read', exposed: 'files__read', reason: 'duplicate' }]);
  });

  test('what other upstreams offer changes nothing', () => {
    fc.assert(
      fc.property(anyRules, anyItems(2), fc.array(anyText), ({ separator, maxLength }, items, names) => {
        const rules: NameRules = { prefix: 'always', separator, maxLength };
        const [first, ...others] = items;
        const before = exposures(nameTable(rules, items), [first!]);
        const after = nameTable(rules, [first!, ...others.map(({ upstream }) => ({ upstream, names }))]);
        expect(exposures(after, [first!])).toEqual(before);
      }),
    );
  });

  test('another upstream changes nothing where neither prefix begins the other', () => {
    fc.assert(
      fc.property(anyItems(1), fc.array(anyText), (items, names) => {
        const before = exposures(nameTable(always, items), items);
        const after = nameTable(always, [...items, { upstream: 'QQ', names }]);
        expect(exposures(after, items)).toEqual(before);
      }),
    );
  });

  test('the order of upstreams changes nothing', () => {
    fc.assert(
      fc.property(anyItems(2), (items) => {
        const before = exposures(nameTable(always, items), items);
        expect(exposures(nameTable(always, [...items].reverse()), items)).toEqual(before);
      }),
    );
  });
});

describe('conflict', () => {
  test('names of several upstreams are prefixed for all of them, others are bare', () => {
    const items = [
      { upstream: 'files', names: ['read', 'write'] },
      { upstream: 'mail', names: ['read', 'send', 'send'] },
    ];
    const table = nameTable(conflict, items);
    const exposed = exposures(table, items).map((each) => each[2]);
    expect(exposed).toEqual(['files__read', 'write', 'mail__read', 'send']);
    expect(table.notes.map((note) => [note.exposed, note.reason])).toEqual([
      ['files__read', 'disambiguated'],
      ['mail__read', 'disambiguated'],
      ['send', 'duplicate'],
    ]);
  });

  test('a bare name that looks prefixed keeps its name', () => {
    const table = nameTable(conflict, [
      { upstream: 'a', names: ['x'] },
      { upstream: 'b', names: ['x', 'a__x'] },
    ]);
    expect(table.resolve('a__x')).toEqual({ upstream: 'b', name: 'a__x' });
    expect(table.expose('a', 'x')).toMatch(/^a__x_[a-z2-7]{8}$/);
  });
});

describe('never', () => {
  test('one upstream is passed through, whatever its names are', () => {
    fc.assert(
      fc.property(fc.array(anyText), (names) => {
        const table = nameTable(never, [{ upstream: 'only', names }]);
        for (const name of names) {
          expect(table.expose('only', name)).toBe(name);
          expect(table.resolve(name)).toEqual({ upstream: 'only', name });
        }
        expect(table.notes.every(({ reason }) => reason === 'duplicate')).toBe(true);
      }),
    );
  });

  test('the first upstream keeps the name, later ones are prefixed', () => {
    const table = nameTable(never, [
      { upstream: 'b', names: ['read', 'a.b'] },
      { upstream: 'a', names: ['read', 'other'] },
    ]);
    expect(table.expose('b', 'read')).toBe('read');
    expect(table.expose('a', 'read')).toBe('a__read');
    expect(table.expose('a', 'other')).toBe('other');
    expect(table.expose('b', 'a.b')).toMatch(/^a_b_[a-z2-7]{8}$/);
    expect(table.notes.map(({ name, reason }) => [name, reason])).toEqual([
      ['a.b', 'mapped'],
      ['read', 'disambiguated'],
    ]);
  });
});

describe('whatever the rules and the items', () => {
  test('every item has an exposed name of its own that fits the hosts, and leads back to it', () => {
    fc.assert(
      fc.property(anyRules, anyItems(2), (rules, items) => {
        const table = nameTable(rules, items);
        const all = exposures(table, items);
        expect(new Set(all.map(([, , exposed]) => exposed)).size).toBe(all.length);
        for (const [upstream, name, exposed] of all) {
          expect(exposed).toMatch(/^[A-Za-z0-9_-]+$/);
          expect(exposed!.length).toBeLessThanOrEqual(rules.maxLength);
          expect(table.resolve(exposed!)).toEqual({ upstream, name });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('the order of the names changes nothing', () => {
    fc.assert(
      fc.property(anyRules, anyItems(1), (rules, items) => {
        const reversed = items.map(({ upstream, names }) => ({ upstream, names: [...names].reverse() }));
        expect(exposures(nameTable(rules, reversed), items)).toEqual(exposures(nameTable(rules, items), items));
      }),
    );
  });

  test('each changed name is noted, with the exposed name it has', () => {
    fc.assert(
      fc.property(anyRules, anyItems(2), (rules, items) => {
        const table = nameTable(rules, items);
        const noted = new Set(table.notes.map(({ upstream, name }) => JSON.stringify([upstream, name])));
        for (const [upstream, name, exposed] of exposures(table, items)) {
          if (!exposed!.endsWith(name) || name === '') expect(noted).toContain(JSON.stringify([upstream, name]));
        }
        for (const { upstream, name, exposed } of table.notes) expect(table.expose(upstream, name)).toBe(exposed);
      }),
    );
  });

  test('rules that cannot work are refused', () => {
    expect(() => nameTable({ ...always, maxLength: 9 }, [])).toThrow(RangeError);
  });
});

test('five thousand names of all kinds take less than a second', () => {
  const names = Array.from({ length: 1_000 }, (_, i) => (i % 2 ? `tool_${i}` : `tool/${i}/${'n'.repeat(i % 90)}`));
  const items = ['a', 'a__b', 'c', 'd.e', 'f'].map((upstream) => ({ upstream, names }));
  const start = performance.now();
  const table = nameTable(always, items);
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(new Set(exposures(table, items).map(([, , exposed]) => exposed)).size).toBe(5_000);
});
