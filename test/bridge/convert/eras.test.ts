import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addModern, stripModern, withoutRelatedTask } from '../../../src/bridge/convert/eras.ts';
import { answer, blank, edited, expectSame, shuffled, spell, spellings } from './spelled.ts';

type Json = Record<string, unknown>;

const K = 'io.modelcontextprotocol';
const SERVER = '{ "name":"gateway" }';

const meta = fc.uniqueArray(
  fc.constantFrom(`${K}/serverInfo`, `${K}/subscriptionId`, `${K}/related-task`, 'own', 'resultType', '__proto__'),
);
const result = shuffled(
  fc.record(
    {
      resultType: fc.constantFrom('complete', 'task', 5),
      ttlMs: fc.nat(),
      cacheScope: fc.constantFrom('public', 'private'),
      _meta: fc.oneof(
        { weight: 6, arbitrary: meta.map((keys) => JSON.parse(`{${keys.map((key) => `"${key}":{"ttlMs":1}`)}}`)) },
        { weight: 1, arbitrary: fc.constantFrom(null, 5, []) },
      ),
      structuredContent: fc.constant({ ttlMs: 1, resultType: 'x', _meta: { [`${K}/serverInfo`]: 1 } }),
      content: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
).map((value) => value as Json);

const built = (text: string | undefined): Json => JSON.parse(text ?? '{}') as Json;
const others = (text: string, ...keys: string[]): string[] =>
  [...spellings(text).keys()].filter((key) => !keys.includes(key));

test('#132 a result for a legacy client: modern members go, all others keep their bytes', () => {
  fc.assert(
    fc.property(result, blank, (before, between) => {
      const text = spell(before, between);
      const message = answer(text);
      const after = edited(message, stripModern(message));
      const gone = ['resultType', 'ttlMs', 'cacheScope'];
      const isObject = spellings(text).get('_meta')?.startsWith('{');
      if (isObject) {
        const was = spellings(text).get('_meta')!;
        const stays = others(was, `${K}/serverInfo`, `${K}/subscriptionId`);
        const none = stays.length === 0 && spellings(was).size > 0;
        expect(spellings(after).has('_meta')).toBe(!none);
        if (!none) {
          const is = spellings(after).get('_meta')!;
          expect([...spellings(is).keys()]).toEqual(stays);
          expectSame(was, is, stays);
        }
      }
      const same = others(text, ...gone, ...(isObject ? ['_meta'] : []));
      expect(others(after, ...(isObject ? ['_meta'] : []))).toEqual(same);
      expectSame(text, after, same);
    }),
    { numRuns: 500 },
  );
});

test('#91 a result for a modern client: all others keep their bytes', () => {
  const caching = fc.option(fc.record({ ttlMs: fc.nat(), cacheScope: fc.constantFrom('public', 'private') }));
  fc.assert(
    fc.property(result, blank, caching, (before, between, cache) => {
      const text = spell(before, between);
      const message = answer(text);
      const extra = { resultType: 'complete', server: SERVER, cache: cache ?? undefined };
      const after = edited(message, addModern(message, extra));
      const set = ['_meta', ...(cache ? ['ttlMs', 'cacheScope'] : []), ...(before.resultType ? [] : ['resultType'])];
      expectSame(text, after, others(text, ...set));
      expect([...spellings(after).keys()].sort()).toEqual([...new Set([...spellings(text).keys(), ...set])].sort());
      expect(built(after)).toMatchObject({ resultType: before.resultType ?? 'complete', ...cache });
      const was = spellings(text).get('_meta') ?? '{}';
      const stays = was.startsWith('{') ? others(was, `${K}/serverInfo`, `${K}/related-task`) : [];
      const is = spellings(after).get('_meta')!;
      expect(others(is).sort()).toEqual([...stays, `${K}/serverInfo`].sort());
      expect(spellings(is).get(`${K}/serverInfo`)).toBe(SERVER);
      if (was.startsWith('{')) expectSame(was, is, stays);
    }),
    { numRuns: 500 },
  );
});

test('there and back again is what there was', () => {
  const plain = result.filter(({ _meta }) => _meta === undefined);
  fc.assert(
    fc.property(plain, blank, ({ resultType: _r, ttlMs: _t, cacheScope: _c, ...before }, between) => {
      const text = spell(before, between);
      const there = answer(text);
      const cache = { ttlMs: 5, cacheScope: 'public' } as const;
      const back = answer(edited(there, addModern(there, { resultType: 'complete', server: SERVER, cache })));
      const after = edited(back, stripModern(back));
      expect([...spellings(after)]).toEqual([...spellings(text)]);
    }),
  );
});

test('the task that a result is of goes, and nothing else', () => {
  fc.assert(
    fc.property(result, blank, (before, between) => {
      const text = spell(before, between);
      const message = answer(text);
      const after = edited(message, withoutRelatedTask(message));
      expectSame(text, after, others(text, '_meta'));
      const [was, is] = [spellings(text).get('_meta'), spellings(after).get('_meta')];
      if (!was?.startsWith('{')) return void expect(is).toBe(was);
      expect([...spellings(is!).keys()]).toEqual(others(was, `${K}/related-task`));
    }),
  );
});

test('what has no result that is an object stays', () => {
  for (const odd of ['[]', '5', 'null']) {
    const message = answer(odd);
    expect(stripModern(message)).toEqual([]);
    expect(withoutRelatedTask(message)).toEqual([]);
    expect(addModern(message, { resultType: 'complete', server: SERVER })).toEqual([]);
  }
});
