/** The table of what is in progress does what a map does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InProgress } from '../../src/protocol/in-progress.ts';

const sorted = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

/** What is done to both, and what both say. */
function agree(steps: readonly { readonly id: number; readonly goes: boolean }[]): void {
  const table = new InProgress<number>();
  const map = new Map<number, number>();
  for (const [value, { id, goes }] of steps.entries()) {
    if (goes) expect(table.delete(id)).toBe(map.delete(id));
    else {
      table.set(id, value);
      map.set(id, value);
    }
    expect(table.get(id)).toBe(map.get(id));
    expect(table.size).toBe(map.size);
  }
  for (const id of map.keys()) expect(table.get(id)).toBe(map.get(id));
  expect(sorted(table.values())).toEqual(sorted(map.values()));
  table.clear();
  expect([table.size, table.values()]).toEqual([0, []]);
}

test('with any numbers, in any order', () => {
  const id = fc.oneof(fc.nat(40), fc.nat(5_000), fc.maxSafeInteger());
  fc.assert(fc.property(fc.array(fc.record({ id, goes: fc.boolean() }), { maxLength: 400 }), agree));
});

test('with numbers in order, of which some stay for long', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.integer({ min: 1, max: 600 }), (every, most) => {
      const steps: { id: number; goes: boolean }[] = [];
      const open: number[] = [];
      for (let id = 1; id <= 1_500; id++) {
        steps.push({ id, goes: false });
        if (every === 0 || id % every !== 0) open.push(id);
        if (open.length > most) steps.push({ id: open.shift()!, goes: true });
      }
      agree(steps);
    }),
    { numRuns: 20 },
  );
});

test.each([Number.NaN, 0.5, -1, Number.POSITIVE_INFINITY, 17, 2 ** 32 + 1])('%d is not taken for another', (id) => {
  const table = new InProgress<string>();
  table.set(1, 'one');
  expect(table.get(id)).toBeUndefined();
  expect(table.delete(id)).toBe(false);
  expect(table.size).toBe(1);
});

test('a number that is there is replaced, wherever it is kept', () => {
  const table = new InProgress<string>();
  table.set(1, 'old');
  for (let id = 2; id < 2_000; id++) {
    table.set(id, '');
    if (id > 600) table.delete(id);
  }
  table.set(1, 'new');
  expect(table.get(1)).toBe('new');
  expect(table.delete(1)).toBe(true);
  expect(table.get(1)).toBeUndefined();
});
