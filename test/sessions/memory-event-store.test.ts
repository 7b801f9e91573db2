/** What is kept of the streams of a session, what goes first, and what an event id still leads to. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryEventStore } from '../../src/sessions/memory-event-store.ts';
import { KINDS, type Kind, MOST_OWED } from '../../src/sessions/retention.ts';

const LIMITS = { maxEvents: 5, maxBytes: 1_000, maxAge: 1_000 };
const KIB = 1024;

function storeOf(limits = LIMITS) {
  const lost: string[] = [];
  const clock = { now: 0 };
  const store = new MemoryEventStore(
    'tag',
    limits,
    (stream, kind) => void lost.push(`${stream} ${kind}`),
    () => clock.now,
  );
  store.open('0', { final: false, hold: 4 });
  store.open('1', { final: true });
  store.open('2', { final: true });
  const add = (stream: string, kind: Kind, text: string, taken = true) =>
    store.append(stream, Buffer.from(text), kind, taken);
  const texts = (stream: string) => store.waiting(stream).map(({ message }) => message.toString());
  const rest = (id: string) => store.after(id)?.events.map(({ message }) => message.toString());
  return { store, lost, clock, add, texts, rest };
}

describe('event ids', () => {
  test('name session, stream and place; what followed them is found on the same stream', () => {
    const { add, rest, store } = storeOf();
    const first = add('1', 'log', 'a');
    add('2', 'log', 'other');
    add('1', 'answer', 'b');
    expect(first.id).toBe('tag.1.1');
    expect(rest(first.id)).toEqual(['b']);
    expect(store.after('tag.1.2')).toEqual({ stream: '1', events: [], gap: false });
  });

  test.each([
    '',
    'tag',
    'tag.1',
    'tag.1.0',
    'tag.1.9',
    'tag.1.1.1',
    'tag.1.-1',
    'tag.1.1e0',
    'tag.__proto__.1',
    'x.1.1',
  ])('%s leads nowhere', (id) => {
    const { add, store } = storeOf();
    add('1', 'log', 'a');
    expect(store.after(id)).toBeUndefined();
  });

  test('of a stream that is forgotten lead nowhere', () => {
    const { add, store } = storeOf();
    const { id } = add('1', 'answer', 'a');
    store.drop('1');
    expect(store.after(id)).toBeUndefined();
    store.open('1', { final: true });
    expect(store.after(id)).toBeUndefined();
  });
});

describe('what goes first', () => {
  test('what a connection has taken, the oldest of it, before what waits for one', () => {
    const { add, rest, texts, lost } = storeOf();
    for (const n of [1, 2, 3]) add('2', 'notice', `taken ${n}`);
    for (const n of [1, 2, 3]) add('1', 'progress', `waits ${n}`, false);
    expect(rest('tag.2.1')).toEqual(['taken 2', 'taken 3']);
    add('1', 'progress', 'waits 4', false);
    expect(rest('tag.2.1')).toEqual(['taken 3']);
    expect(texts('1')).toEqual(['waits 1', 'waits 2', 'waits 3', 'waits 4']);
    expect(lost).toEqual([]);
  });

  test('of what waits: progress, then logs, then other notifications; each loss is told', () => {
    const { add, texts, lost } = storeOf();
    const kinds: Kind[] = ['notice', 'log', 'progress', 'log', 'progress'];
    for (const [i, kind] of kinds.entries()) add('1', kind, `${kind} ${i}`, false);
    add('1', 'notice', 'notice 5', false);
    add('1', 'notice', 'notice 6', false);
    expect(texts('1')).toEqual(['notice 0', 'log 1', 'log 3', 'notice 5', 'notice 6']);
    for (const n of [7, 8, 9]) add('1', 'notice', `notice ${n}`, false);
    expect(texts('1')).toEqual(['notice 5', 'notice 6', 'notice 7', 'notice 8', 'notice 9']);
    expect(lost).toEqual(['1 progress', '1 progress', '1 log', '1 log', '1 notice']);
  });

  test('never a request or an answer for the sake of notifications', () => {
    const { add, texts, lost } = storeOf();
    add('1', 'request', 'question', false);
    add('1', 'answer', 'answer', false);
    for (let i = 0; i < 100; i++) add('2', 'notice', 'n'.repeat(100), false);
    expect(texts('1')).toEqual(['question', 'answer']);
    expect(new Set(lost)).toEqual(new Set(['2 notice']));
  });

  test('no more is held for a stream that may never be opened than it says', () => {
    const { add, texts, lost } = storeOf({ ...LIMITS, maxEvents: 100 });
    add('0', 'request', 'question', false);
    add('0', 'progress', 'p', false);
    for (const n of [1, 2, 3, 4]) add('0', 'log', `log ${n}`, false);
    expect(texts('0')).toEqual(['question', 'log 2', 'log 3', 'log 4']);
    expect(lost).toEqual(['0 progress', '0 log']);
  });

  test('taken events of a stream that are gone leave a gap, which a client is let across', () => {
    const { add, store } = storeOf();
    const { id } = add('1', 'progress', 'first');
    for (let i = 0; i < 5; i++) add('1', 'progress', 'p');
    expect(store.after(id)).toMatchObject({ gap: false });
    add('1', 'log', 'log');
    for (let i = 0; i < 5; i++) add('1', 'progress', 'p');
    expect(store.after(id)).toMatchObject({ gap: true });
  });
});

describe('answers', () => {
  test('stay whatever their size until they are delivered, and the newest of those until its age is over', () => {
    const { add, store, rest, clock, lost } = storeOf();
    const start = add('1', 'progress', '');
    const large = 'x'.repeat(5_000);
    add('1', 'answer', large);
    for (let i = 0; i < 20; i++) add('2', 'log', 'y'.repeat(500));
    expect(rest(start.id)).toEqual([large]);
    store.delivered('1');
    expect(rest(start.id)).toEqual([large]);
    clock.now = LIMITS.maxAge + 1;
    expect(store.after(start.id)).toBeUndefined();
    expect(lost).toEqual([]);
  });

  test('delivered ones go when there are newer ones, oldest first', () => {
    const { add, store, rest } = storeOf({ ...LIMITS, maxEvents: 2 });
    for (const stream of ['1', '2', '3']) {
      store.open(stream, { final: true });
      add(stream, 'progress', '');
      add(stream, 'answer', `answer ${stream}`);
      store.delivered(stream);
    }
    expect(['1', '2', '3'].map((stream) => rest(`tag.${stream}.1`))).toEqual([undefined, ['answer 2'], ['answer 3']]);
  });

  test('that nobody has got are bounded all together; the loss is told, and to go on before it is refused', () => {
    const { store, lost } = storeOf();
    const size = Math.ceil(MOST_OWED / 2) + 1;
    const before = store.append('1', Buffer.alloc(0), 'progress', true);
    store.append('1', Buffer.alloc(size), 'answer', false);
    store.append('2', Buffer.alloc(size), 'answer', false);
    expect(lost).toEqual(['1 answer']);
    expect(store.after(before.id)).toBeUndefined();
    expect(store.waiting('2')).toHaveLength(1);
  });

  test('one that nobody has got in its time is lost, which is told', () => {
    const { add, store, clock, lost } = storeOf();
    const start = add('1', 'progress', '');
    add('1', 'answer', 'late', false);
    clock.now = LIMITS.maxAge + 1;
    expect(store.after(start.id)).toBeUndefined();
    expect(lost).toEqual(['1 answer']);
  });

  test('on a stream that does not end with them are kept like all else', () => {
    const { add, rest } = storeOf();
    const { id } = add('0', 'log', 'a');
    add('0', 'answer', 'answer');
    for (let i = 0; i < 10; i++) add('1', 'log', 'l');
    expect(rest(id)).toBeUndefined();
  });
});

test('whatever happens, the bounds hold, ids go up, and what is taken does not wait', () => {
  const streams = ['0', '1', '2', '3'];
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.constantFrom(...streams), fc.constantFrom(...KINDS), fc.nat(400), fc.boolean()),
    },
    { weight: 1, arbitrary: fc.record({ take: fc.constantFrom(...streams) }) },
    { weight: 1, arbitrary: fc.record({ delivered: fc.constantFrom(...streams) }) },
    { weight: 1, arbitrary: fc.record({ drop: fc.constantFrom(...streams) }) },
    { weight: 1, arbitrary: fc.record({ pass: fc.nat(300) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { store, clock } = storeOf();
      store.open('3', { final: true });
      for (const one of steps) {
        if (Array.isArray(one)) {
          const [stream, kind, size, taken] = one;
          const place = Number(store.append(stream, Buffer.alloc(size), kind, taken).id.split('.')[2]);
          if (place > 1) expect(store.after(`tag.${stream}.${place}`)?.events ?? []).toEqual([]);
        } else if ('take' in one) for (const event of store.waiting(one.take)) store.take(event);
        else if ('delivered' in one) store.delivered(one.delivered);
        else if ('drop' in one) {
          store.drop(one.drop);
          store.open(one.drop, { final: one.drop !== '0', ...(one.drop === '0' ? { hold: 4 } : {}) });
        } else clock.now += one.pass;
        const waiting = streams.flatMap((stream) => store.waiting(stream));
        const droppable = waiting.filter(({ kind }) => kind !== 'request' && kind !== 'answer');
        expect(droppable.length).toBeLessThanOrEqual(LIMITS.maxEvents);
        expect(droppable.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThanOrEqual(LIMITS.maxBytes);
        expect(waiting.length - droppable.length).toBeLessThanOrEqual(LIMITS.maxEvents);
        expect(store.waiting('0').length).toBeLessThanOrEqual(4);
      }
      for (const stream of streams) for (const event of store.waiting(stream)) store.take(event);
      expect(streams.flatMap((stream) => store.waiting(stream))).toEqual([]);
    }),
  );
});

test('a great many events cost little each', () => {
  const { store } = storeOf({ maxEvents: 1_000, maxBytes: 4 * KIB * KIB, maxAge: 60_000 });
  const message = Buffer.alloc(100);
  const started = performance.now();
  for (let i = 0; i < 50_000; i++) store.append('1', message, i % 2 ? 'log' : 'progress', i % 3 === 0);
  // far from what it would take to look through all of them for each
  expect(performance.now() - started).toBeLessThan(5_000);
});
