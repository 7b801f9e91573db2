/**
 * Every key of the config has a test that shows its effect: `effects.json` says which, as `file > name`. A new key gets its
 * line there; the name is that of a `test` or `it` as it stands in the file, without those of the blocks around it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { schemaKeys } from '../../src/config/reference.ts';

const root = new URL('../../', import.meta.url);
const effects = JSON.parse(readFileSync(new URL('./effects.json', import.meta.url), 'utf8')) as Record<string, string>;

/** Keys that stand for a value; the others are sections, whose effect is that of the keys in them. */
const keys = schemaKeys();
const settings = keys.filter(
  (key) => !keys.some((other) => /^[.[]/.test(other.slice(key.length)) && other.startsWith(key)),
);

/** What a file says before its tests, and each of its tests. */
function partsOf(file: string): { head: string; tests: string[] } {
  const text = readFileSync(new URL(file, root), 'utf8');
  const starts = [...text.matchAll(/^ *(?:test|it)(?:\.\w+)*[(`]/gm)].map(({ index }) => index);
  const tests = starts.map((start, i) => text.slice(start, starts[i + 1]));
  return { head: text.slice(0, starts[0]), tests };
}

/** Why the line of a key shows nothing; `undefined` when it does. */
function problemOf(key: string, where: string): string | undefined {
  const [file = '', ...rest] = where.split(' > ');
  const name = rest.join(' > ');
  if (!file.endsWith('.test.ts') || !existsSync(new URL(file, root))) return `there is no test file ${file}`;
  const { head, tests } = partsOf(file);
  const calls = [`('${name}'`, `("${name}"`, `(\`${name}\``];
  const found = tests.filter((text) => calls.some((one) => text.replace(/\(\s+/g, '(').includes(one)));
  if (found.length === 0) return `${file} has no test "${name}"`;
  const last = key.split(/[.[\]*]+/).findLast((part) => part !== '') ?? '';
  // in the test itself, or in what stands before all tests of its file
  const mention = new RegExp(`(^|[^\\w$])${last.replace('$', '\\$')}(?!\\w)`);
  return mention.test(head) || found.some((text) => mention.test(text))
    ? undefined
    : `the test "${name}" of ${file} does not mention ${last}`;
}

test('every key has a line in test/config/effects.json with the test that shows its effect', () => {
  const missing = settings.filter((key) => !Object.hasOwn(effects, key));
  expect(missing, 'write a test that shows what these keys do, and name it in test/config/effects.json').toEqual([]);
});

test('no line is about a key that is gone', () => {
  expect(Object.keys(effects).filter((key) => !settings.includes(key))).toEqual([]);
});

test('each of these tests is there, and mentions the key', () => {
  const problems = Object.entries(effects).flatMap(([key, where]) => {
    const problem = problemOf(key, where);
    return problem === undefined ? [] : [`${key}: ${problem}`];
  });
  expect(problems).toEqual([]);
});
