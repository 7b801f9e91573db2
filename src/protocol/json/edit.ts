/** Splicing of JSON text: what changes is replaced in place, everything else stays the bytes that came. */
import { LARGE, type Pieces } from './pieces.ts';
import type { Member, Span } from './scan.ts';

/** Replace the bytes `start`…`end` by `text` (`start === end` inserts). Edits of one text must not overlap. */
export interface Edit extends Span {
  readonly text: string | Buffer;
}

/**
 * Applies edits to the part `from`…`to` of `bytes`.
 * @returns a new buffer, or a view of `bytes` when there is nothing to change
 */
export function applyEdits(bytes: Buffer, edits: readonly Edit[], from = 0, to = bytes.length): Buffer {
  if (edits.length === 0) return bytes.subarray(from, to);
  const ordered = inOrder(edits);
  let length = to - from;
  for (const e of ordered) length += byteLength(e.text) - (e.end - e.start);
  const out = Buffer.allocUnsafe(length);
  let read = from;
  let write = 0;
  for (const e of ordered) {
    write += bytes.copy(out, write, read, e.start);
    write += typeof e.text === 'string' ? out.write(e.text, write) : e.text.copy(out, write);
    read = e.end;
  }
  bytes.copy(out, write, read, to);
  return out;
}

/** The same, where a large text is not copied. */
export function editedPieces(bytes: Buffer, edits: readonly Edit[], from = 0, to = bytes.length): Pieces {
  if (edits.length === 0 || to - from < LARGE) return [applyEdits(bytes, edits, from, to)];
  const pieces: Buffer[] = [];
  let read = from;
  for (const { start, end, text } of inOrder(edits)) {
    if (start > read) pieces.push(bytes.subarray(read, start));
    if (text.length > 0) pieces.push(typeof text === 'string' ? Buffer.from(text) : text);
    read = end;
  }
  if (to > read) pieces.push(bytes.subarray(read, to));
  return pieces;
}

function inOrder(edits: readonly Edit[]): readonly Edit[] {
  for (let i = 1; i < edits.length; i++)
    if (edits[i]!.start < edits[i - 1]!.start) return edits.toSorted((a, b) => a.start - b.start);
  return edits;
}

const byteLength = (text: string | Buffer): number =>
  typeof text === 'string' ? Buffer.byteLength(text) : text.length;

/** The edit that gives an object a further member. `object` is its span, `members` what it holds. */
export function insertMember(object: Span, members: readonly Member[], key: string, value: string | Buffer): Edit {
  const at = object.start + 1;
  const head = `${JSON.stringify(key)}:`;
  const tail = members.length > 0 ? ',' : '';
  const text = typeof value === 'string' ? `${head}${value}${tail}` : joinBytes(head, value, tail);
  return { start: at, end: at, text };
}

/** The edit that gives a member of an object this value, whether it is there already or not; of several, to the last. */
export function setMember(object: Span, members: readonly Member[], key: string, value: string): Edit {
  const at = members.findLast((member) => member.key === key);
  return at ? { start: at.start, end: at.end, text: value } : insertMember(object, members, key, value);
}

/** The edits that take members out of an object, with the commas that belong to them. */
export function removeMembers(members: readonly Member[], goes: (member: Member) => boolean): Edit[] {
  return removeParts(members, ({ keyStart }) => keyStart, goes);
}

/** The edits that take elements out of an array, with the commas that belong to them. */
export function removeElements(elements: readonly Span[], goes: (element: Span) => boolean): Edit[] {
  return removeParts(elements, ({ start }) => start, goes);
}

function removeParts<T extends Span>(
  parts: readonly T[],
  from: (part: T) => number,
  goes: (part: T) => boolean,
): Edit[] {
  const edits: Edit[] = [];
  for (let i = 0; i < parts.length; i++) {
    if (!goes(parts[i]!)) continue;
    const first = i;
    while (i + 1 < parts.length && goes(parts[i + 1]!)) i++;
    const next = parts[i + 1];
    const before = parts[first - 1];
    if (next) edits.push({ start: from(parts[first]!), end: from(next), text: '' });
    else edits.push({ start: before ? before.end : from(parts[first]!), end: parts[i]!.end, text: '' });
  }
  return edits;
}

const joinBytes = (head: string, value: Buffer, tail: string): Buffer =>
  Buffer.concat([Buffer.from(head), value, Buffer.from(tail)]);
