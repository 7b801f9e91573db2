/** What waits for a client that reads slowly: its order, what takes the place of what, and what is left out. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Outbox } from '../../src/sessions/outbox.ts';
import { KINDS, type Kind, MOST_WAITING } from '../../src/sessions/retention.ts';

const MIB = 1024 * 1024;

function outboxOf() {
  const lost: Kind[] = [];
  const outbox = new Outbox<string>((kind) => void lost.push(kind));
  const add = (kind: Kind, text: string, token?: string, size = text.length) =>
    outbox.add({ message: Buffer.alloc(size, text), kind, token, stored: undefined });
  const all = () => {
    const texts: string[] = [];
    for (let item = outbox.shift(); item; item = outbox.shift()) texts.push(item.message.toString('utf8', 0, 20));
    return texts;
  };
  return { outbox, lost, add, all };
}

test('gives out what was put in, in order', () => {
  const { outbox, add, all } = outboxOf();
  const texts = Array.from({ length: 5_000 }, (_, i) => `${i}`);
  for (const text of texts) add('log', text);
  expect(outbox.empty).toBe(false);
  expect(all()).toEqual(texts);
  expect(outbox.empty).toBe(true);
});

describe('progress', () => {
  test('takes the place of an earlier report of the same token, which is no loss', () => {
    const { add, all, lost } = outboxOf();
    for (const n of [1, 2, 3]) for (const token of ['a', 'b']) add('progress', `${token}${n}`, token);
    expect(all()).toEqual(['a3', 'b3']);
    expect(lost).toEqual([]);
  });

  test('does not overtake what came before it', () => {
    const { add, all } = outboxOf();
    add('progress', 'a1', 'a');
    add('log', 'log');
    add('progress', 'a2', 'a');
    add('progress', 'a3', 'a');
    add('answer', 'answer');
    expect(all()).toEqual(['a1', 'log', 'a3', 'answer']);
  });

  test('does not take the place of one that has gone out', () => {
    const { outbox, add, all } = outboxOf();
    add('progress', 'a1', 'a');
    add('progress', 'b1', 'b');
    expect(outbox.shift()?.message.toString()).toBe('a1');
    add('progress', 'a2', 'a');
    add('progress', 'b2', 'b');
    expect(all()).toEqual(['b2', 'a2']);
  });
});

describe('past the bound', () => {
  test('the oldest progress goes first, then the oldest logs, then the oldest other notifications', () => {
    const { add, all, lost } = outboxOf();
    add('notice', 'n0', undefined, MIB);
    add('log', 'l0', undefined, MIB);
    for (let i = 0; i < 4; i++) add('progress', `p${i}`, `${i}`, MIB);
    for (let i = 1; i < 12; i++) add('log', `l${i}`, undefined, MIB);
    expect(new Set(lost)).toEqual(new Set(['progress']));
    const before = lost.length;
    for (let i = 12; i < 24; i++) add('log', `l${i}`, undefined, MIB);
    expect(new Set(lost.slice(before))).toEqual(new Set(['progress', 'log']));
    for (let i = 1; i < 18; i++) add('notice', `n${i}`, undefined, MIB);
    const left = all().map((text) => text.slice(0, 2));
    expect(new Set(lost)).toEqual(new Set(['progress', 'log', 'notice']));
    expect(left.at(-1)).toBe('n1');
    expect(left.filter((text) => text.startsWith('p'))).toEqual([]);
  });

  test('requests and answers stay; when they alone pass it, it says so', () => {
    const { outbox, add, all, lost } = outboxOf();
    add('request', 'question', undefined, 8);
    for (let i = 0; i < 40; i++) add('log', 'log', undefined, MIB);
    add('answer', 'answer', undefined, MOST_WAITING);
    expect(outbox.overfull).toBe(true);
    expect(all().map((text) => text.slice(0, 6))).toContain('answer');
    expect(lost.every((kind) => kind === 'log')).toBe(true);
    expect(outbox.overfull).toBe(false);
  });

  test('very many very small messages are bounded as well', () => {
    const { outbox, add, lost } = outboxOf();
    for (let i = 0; i < 300_000; i++) add('log', 'x');
    expect(lost.length).toBeGreaterThan(0);
    expect(outbox.clear().length + lost.length).toBe(300_000);
  });
});

test('whatever goes in and out, what comes out is in order, and only reports that a later one replaced are missing', () => {
  const put = fc.tuple(fc.constantFrom(...KINDS), fc.constantFrom('a', 'b', 'c'));
  fc.assert(
    fc.property(fc.array(fc.oneof(put, fc.constant('shift' as const)), { maxLength: 300 }), (steps) => {
      const { outbox, lost, all } = outboxOf();
      const sent: { n: number; kind: Kind; token: string }[] = [];
      const got: number[] = [];
      const shift = () => {
        const item = outbox.shift();
        if (item) got.push(Number(item.message));
      };
      for (const step of steps) {
        if (step === 'shift') shift();
        else {
          const [kind, token] = step;
          sent.push({ n: sent.length, kind, token });
          const message = Buffer.from(`${sent.length - 1}`);
          outbox.add({ message, kind, token: kind === 'progress' ? token : undefined, stored: undefined });
        }
      }
      got.push(...all().map(Number));
      expect(lost).toEqual([]);
      for (const kind of KINDS.filter((k) => k !== 'progress')) {
        const of = new Set(sent.filter((one) => one.kind === kind).map(({ n }) => n));
        expect(got.filter((n) => of.has(n))).toEqual([...of]);
      }
      for (const token of ['a', 'b', 'c']) {
        const of = sent.filter((one) => one.kind === 'progress' && one.token === token).map(({ n }) => n);
        const seen = got.filter((n) => of.includes(n));
        expect(seen).toEqual([...seen].sort((x, y) => x - y));
        expect(seen.at(-1)).toBe(of.at(-1));
      }
      // nothing overtakes what is no progress
      const firm = (n: number) => sent[n]!.kind !== 'progress';
      for (const [i, n] of got.entries())
        for (const later of got.slice(i + 1)) if (later < n) expect(firm(n) || firm(later)).toBe(false);
    }),
  );
});
