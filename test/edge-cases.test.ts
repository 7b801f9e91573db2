/**
 * The edge cases of the protocol that gateways get wrong: `edge-cases.json` numbers them and says by which part of the
 * work each is due; those of OAuth towards upstreams come with that. A test covers one when its name begins with the number: `#7 invalid JSON …`; more numbers may follow.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import edgeCases from './edge-cases.json' with { type: 'json' };

const { cases, currentPart } = edgeCases;
const TESTS = fileURLToPath(new URL('.', import.meta.url));
const LITERAL = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** By number: the files with a test that cites it. */
const cited = new Map<number, string[]>();

beforeAll(async () => {
  const files = (await readdir(TESTS, { recursive: true })).filter((name) => name.endsWith('.test.ts'));
  for (const file of files.filter((name) => name !== 'edge-cases.test.ts').sort()) {
    const source = await readFile(join(TESTS, file), 'utf8');
    for (const number of citations(source)) cited.set(number, [...(cited.get(number) ?? []), file]);
  }
});

/** The numbers cited in the names in a source: texts that begin with one, `'#52 #74 name'` or `'#87 one; #88 the other'`. */
function citations(source: string): number[] {
  const texts = source.replaceAll(COMMENT, '').match(LITERAL) ?? [];
  const names = texts.filter((text) => /^.#\d+ /.test(text));
  return names.flatMap((name) => [...name.matchAll(/(?<=^.|\s)#(\d+)(?= )/g)].map(([, digits]) => Number(digits)));
}

test('citations are found in names only', () => {
  const source = [
    "test('#7 a parse error', async () => {});",
    'test.each([["#52 #74 two of them; #88 a third"]])(`%s`, () => {});',
    "describe(`#8 ${'nested'}`, () => expect(colour).toBe('#123456'));",
    "/** '#9 in a comment' */",
    "  // '#10 in another'",
  ];
  expect(citations(source.join('\n'))).toEqual([7, 52, 74, 88, 8]);
});

test('the list is complete, each number once and with a part', () => {
  expect(cases.map(({ number }) => number)).toEqual(Array.from({ length: 172 }, (_, i) => i + 1));
  expect(cases.filter(({ part, title }) => !(part >= 1 && part <= 7) || title.trim() === '')).toEqual([]);
});

test('every edge case that is due has a test that cites it', () => {
  const missing = cases.filter(({ number, part }) => part <= currentPart && !cited.has(number));
  expect(missing.map(({ number, title }) => `#${number} ${title}`)).toEqual([]);
});

test('no test cites a number that is not in the list', () => {
  const unknown = [...cited].filter(([number]) => !cases.some((known) => known.number === number));
  expect(unknown.map(([number, files]) => `#${number} in ${files.join(', ')}`)).toEqual([]);
});
