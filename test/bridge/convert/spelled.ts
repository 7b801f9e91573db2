/** JSON texts with white space in them, and what stayed as it was in them after edits. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Edit } from '../../../src/protocol/json/edit.ts';
import { members, skipSpace } from '../../../src/protocol/json/scan.ts';
import { type Message, messageBytes, readMessage } from '../../../src/protocol/message.ts';

/** What may stand between the parts of a text. */
export const blank: fc.Arbitrary<string> = fc.constantFrom('', ' ', '\n\t');

/** The text of a value with white space wherever it may be. */
export function spell(value: unknown, between: string): string {
  const w = between;
  if (Array.isArray(value)) return `[${w}${value.map((each) => `${spell(each, w)}${w}`).join(`,${w}`)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const list = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${w}${list.map(([key, each]) => `${JSON.stringify(key)}${w}:${w}${spell(each, w)}${w}`).join(`,${w}`)}}`;
}

/** Some of the members, in any order. */
export const shuffled = <T extends object>(record: fc.Arbitrary<T>): fc.Arbitrary<Record<string, unknown>> =>
  record.chain((value) =>
    fc
      .shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })
      .map((list) => Object.fromEntries(list) as Record<string, unknown>),
  );

/** The message that answers with a result. */
export const answer = (result: string): Message =>
  readMessage(Buffer.from(` {"jsonrpc": "2.0", "id" :1, "result": ${result} } `));

/** The text of the result after edits, which must leave each other alone. */
export function edited(message: Message, edits: readonly Edit[]): string {
  const ordered = edits.toSorted((a, b) => a.start - b.start);
  for (const [i, { start }] of ordered.entries()) if (i > 0) expect(start).toBeGreaterThanOrEqual(ordered[i - 1]!.end);
  const { bytes, result } = readMessage(messageBytes(message, edits));
  return bytes.toString('utf8', result!.start, result!.end);
}

/** The spelling of each member of an object's text. */
export function spellings(text: string): Map<string, string> {
  const bytes = Buffer.from(text);
  const list = members(bytes, skipSpace(bytes, 0));
  return new Map(list.map(({ key, start, end }) => [key, bytes.toString('utf8', start, end)]));
}

/** Members of an object have the bytes that they had before. */
export function expectSame(before: string, after: string, keys: readonly string[]): void {
  const [was, is] = [spellings(before), spellings(after)];
  for (const key of keys) expect([key, is.get(key)]).toEqual([key, was.get(key)]);
}
