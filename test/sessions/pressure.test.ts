/** Who is told that a client is slow. */
import { expect, test } from 'vitest';
import { Pressure } from '../../src/sessions/pressure.ts';

function listenersOf(pressure: Pressure, count: number) {
  const heard: boolean[][] = Array.from({ length: count }, () => []);
  const listeners = heard.map((own) => (full: boolean) => void own.push(full));
  for (const listener of listeners) pressure.add(listener);
  return { heard, listeners };
}

test('everyone hears of every change, and of nothing else', () => {
  const pressure = new Pressure();
  const { heard } = listenersOf(pressure, 3);
  for (const full of [false, true, true, false, false]) pressure.set(full);
  expect(heard).toEqual([
    [true, false],
    [true, false],
    [true, false],
  ]);
});

test('one that leaves takes nothing from the others', () => {
  const pressure = new Pressure();
  const { heard, listeners } = listenersOf(pressure, 3);
  pressure.set(true);
  pressure.delete(listeners[2]!);
  pressure.delete(listeners[0]!);
  pressure.set(false);
  expect(heard).toEqual([[true], [true, false], [true]]);
});

test('a change back while it is being told is the last word for everyone', () => {
  const pressure = new Pressure();
  const first: boolean[] = [];
  pressure.add((full) => {
    first.push(full);
    if (!full) pressure.set(true);
  });
  const { heard } = listenersOf(pressure, 1);
  pressure.set(true);
  pressure.set(false);
  expect(first.at(-1)).toBe(true);
  expect(heard[0]!.at(-1)).toBe(true);
  expect(pressure.full).toBe(true);
});
