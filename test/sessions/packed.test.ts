/** Replies in gzip that are put together of parts. */
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { localPieces } from '../../src/protocol/local-answer.ts';
import { isPackable, packed } from '../../src/sessions/packed.ts';

/** A list that is ready in its shorter form. */
async function ready(list: Buffer): Promise<Buffer> {
  await vi.waitFor(() => expect(packed(localPieces('1', list, ''))).toBeDefined());
  return list;
}

const listOf = (texts: readonly string[]): Buffer =>
  Buffer.from(JSON.stringify({ tools: texts.map((name) => ({ name })) }));

test('they say the same, whatever stands around what was deflated before', async () => {
  const lists = await Promise.all(
    [['x'.repeat(2_000)], Array.from({ length: 5_000 }, (_, i) => `tool ${i} ü😀`)].map((texts) =>
      ready(listOf(texts)),
    ),
  );
  const part = fc.tuple(fc.constantFrom(...lists), fc.string({ unit: 'grapheme' }), fc.boolean());
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const pieces = parts.flatMap(([list, id, more]) =>
        localPieces(JSON.stringify(id), list, more ? '"_meta":{}' : ''),
      );
      expect(gunzipSync(Buffer.concat(packed(pieces)!)).equals(Buffer.concat(pieces))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('what does not fit into one stored block goes into several', async () => {
  const pieces = localPieces(JSON.stringify('i'.repeat(200_000)), await ready(listOf(['y'.repeat(5_000)])), '');
  expect(gunzipSync(Buffer.concat(packed(pieces)!)).equals(Buffer.concat(pieces))).toBe(true);
});

test('a list is deflated when it is sent for the second time, and shorter then', async () => {
  const list = listOf(Array.from({ length: 200 }, (_, i) => `tool ${i}`));
  const pieces = localPieces('1', list, '');
  expect(Buffer.concat(pieces).toString()).toBe(`{"jsonrpc":"2.0","id":1,"result":${list}}`);
  expect([isPackable(pieces), packed(pieces), packed(localPieces('2', list, ''))]).toEqual([
    true,
    undefined,
    undefined,
  ]);
  await ready(list);
  expect(Buffer.concat(packed(localPieces('3', list, ''))!).length).toBeLessThan(list.length / 3);
});

test.each([
  ['a text', JSON.stringify({ text: 'z'.repeat(5_000) })],
  ['a small list', listOf(['a', 'b'])],
])('%s is sent as it is', (_, result) => {
  expect(isPackable(localPieces('1', result, ''))).toBe(false);
});
