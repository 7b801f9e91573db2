/** How two definitions of an item differ, for people to read. */
import { canonicalJson } from '../protocol/json/canonical.ts';

/** Lists that are longer are not compared element by element. */
const MOST_COMPARED = 1_000;
const LONGEST_LINE = 2_000;

/**
 * The differences as lines: a path, and below it `- ` what was and `+ ` what is. Texts are compared line by line, lists
 * element by element. What cannot be seen, or steers terminals, is spelled out.
 */
export const definitionDiff = (before: unknown, after: unknown): string[] => [...compare(before, after, '')];

function* compare(before: unknown, after: unknown, path: string): Iterable<string> {
  if (before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after)) return;
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    for (const key of keys) yield* compare(memberOf(before, key), memberOf(after, key), joined(path, key));
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length === after.length && [...before, ...after].every(isObject)) {
      for (const [i, element] of before.entries()) yield* compare(element, after[i], `${path}[${i}]`);
      return;
    }
    yield `${visible(path)}:`;
    yield* marked(before.map(canonicalJson), after.map(canonicalJson));
    return;
  }
  yield `${visible(path)}:`;
  yield* marked(linesOf(before), linesOf(after));
}

/** The lines that go and come; those that stay are left out. */
function* marked(before: readonly string[], after: readonly string[]): Iterable<string> {
  let [b, a] = [0, 0];
  for (const [i, j] of [...common(before, after), [before.length, after.length] as const]) {
    while (b < i) yield `- ${visible(before[b++]!)}`;
    while (a < j) yield `+ ${visible(after[a++]!)}`;
    b = i + 1;
    a = j + 1;
  }
}

/** The places of a longest common subsequence. */
function common(before: readonly string[], after: readonly string[]): (readonly [number, number])[] {
  if (before.length > MOST_COMPARED || after.length > MOST_COMPARED) return [];
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      lengths[i]![j] =
        before[i] === after[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const places: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < before.length && j < after.length; ) {
    if (before[i] === after[j]) places.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return places;
}

const linesOf = (value: unknown): string[] => {
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split('\n') : [canonicalJson(value)];
};

/** Control characters, those that change the direction of text or show nothing, and lone surrogates. */
const UNSEEN = /\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Variation_Selector}|[\u{e0000}-\u{e00ff}]/gu;

/** A text that shows all that is in it. */
export function visible(text: string): string {
  const shown = text.replace(UNSEEN, (unseen) => `\\u{${unseen.codePointAt(0)!.toString(16)}}`);
  return shown.length > LONGEST_LINE ? `${shown.slice(0, LONGEST_LINE)}…` : shown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const memberOf = (object: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;

const joined = (path: string, key: string): string => {
  const name = /^[\w$-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? name : `${path}.${name}`;
};
