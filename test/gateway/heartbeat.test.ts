/** Who is beaten. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Beating, Heartbeat } from '../../src/gateway/heartbeat.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Member implements Beating {
  place: number | undefined;
  beats = 0;
  readonly onbeat: () => void;

  constructor(onbeat: () => void = () => undefined) {
    this.onbeat = onbeat;
  }

  beat(): void {
    this.beats++;
    this.onbeat();
  }
}

test('everyone who is in, once a beat, however often it came in', () => {
  const heart = new Heartbeat(100);
  const members = [new Member(), new Member(), new Member()];
  for (const member of [...members, members[0]!]) heart.add(member);
  expect(heart.size).toBe(3);
  vi.advanceTimersByTime(100);
  heart.delete(members[0]!);
  heart.delete(members[0]!);
  vi.advanceTimersByTime(100);
  heart.add(members[0]!);
  heart.delete(members[2]!);
  vi.advanceTimersByTime(100);
  expect(members.map(({ beats }) => beats)).toEqual([2, 3, 2]);
  expect(heart.size).toBe(2);
  heart.stop();
  vi.advanceTimersByTime(500);
  expect(members.map(({ beats }) => beats)).toEqual([2, 3, 2]);
});

test('one that leaves by its beat takes it from nobody', () => {
  const heart = new Heartbeat(100);
  const members: Member[] = Array.from(
    { length: 5 },
    (_, i) => new Member(() => i % 2 === 0 && heart.delete(members[i]!)),
  );
  for (const member of members) heart.add(member);
  vi.advanceTimersByTime(100);
  expect(members.map(({ beats }) => beats)).toEqual([1, 1, 1, 1, 1]);
  vi.advanceTimersByTime(100);
  expect(members.map(({ beats }) => beats)).toEqual([1, 2, 1, 2, 1]);
  heart.stop();
});
