/**
 * A validating JSON scanner over bytes (RFC 8259). It finds where values begin and end without building them, so that
 * what Patchbay does not change is passed on exactly as it came: number spelling, unknown members, white space.
 */

import { skipText } from './long-string.ts';

/** A half-open range of byte offsets: `start` is the first byte of a value, `end` the one after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One member of an object. `key` is decoded; `keyStart` is the offset of its opening quote. */
export interface Member extends Span {
  readonly key: string;
  readonly keyStart: number;
}

/** The text is not JSON, or too deep; `at` is the byte offset, `tooDeep` tells the second case. */
export class JsonSyntaxError extends Error {
  readonly at: number;
  readonly tooDeep: boolean;

  constructor(what: string, at: number, tooDeep = false) {
    super(`${what} at byte ${at}`);
    this.name = 'JsonSyntaxError';
    this.at = at;
    this.tooDeep = tooDeep;
  }
}

/** The deepest nesting accepted where the caller sets no other limit. */
export const DEFAULT_DEPTH = 512;

/** From here on a string is long. */
const LONG = 512;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The offset of the first byte at or after `i` that is not JSON white space. */
export function skipSpace(b: Uint8Array, i: number): number {
  for (;;) {
    const c = b[i];
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return i;
    i++;
  }
}

/** The offset after the value that begins at `i`, which must not be white space. @throws JsonSyntaxError */
export function skipValue(b: Uint8Array, i: number, depth = DEFAULT_DEPTH): number {
  switch (b[i]) {
    case QUOTE:
      return skipString(b, i);
    case OPEN_BRACE: {
      if (depth <= 0) throw new JsonSyntaxError('nested too deep', i, true);
      i = skipSpace(b, i + 1);
      if (b[i] === CLOSE_BRACE) return i + 1;
      for (;;) {
        i = skipString(b, i);
        i = skipValue(b, afterColon(b, i), depth - 1);
        i = skipSpace(b, i);
        if (b[i] === CLOSE_BRACE) return i + 1;
        i = afterComma(b, i, '"," or "}"');
      }
    }
    case OPEN_BRACKET: {
      if (depth <= 0) throw new JsonSyntaxError('nested too deep', i, true);
      i = skipSpace(b, i + 1);
      if (b[i] === CLOSE_BRACKET) return i + 1;
      for (;;) {
        i = skipSpace(b, skipValue(b, i, depth - 1));
        if (b[i] === CLOSE_BRACKET) return i + 1;
        i = afterComma(b, i, '"," or "]"');
      }
    }
    case 0x74: // true
      return skipWord(b, i, 0x72, 0x75, 0x65);
    case 0x6e: // null
      return skipWord(b, i, 0x75, 0x6c, 0x6c);
    case 0x66: // false
      if (b[i + 1] !== 0x61) throw expected('a value', b, i);
      return skipWord(b, i + 1, 0x6c, 0x73, 0x65);
    default:
      return skipNumber(b, i);
  }
}

export interface ScannedObject {
  /** The offset after it. */
  readonly end: number;
  /** In order, duplicates included. */
  readonly members: Member[];
  /** The members of the one that was looked into, where it is there and an object. */
  readonly inside: readonly Member[] | undefined;
}

/**
 * The object that begins at `i`.
 * @param look the key of a member whose own members are wanted as well, which saves going over it again
 * @throws JsonSyntaxError
 */
export function scanObject(b: Buffer, i: number, depth = DEFAULT_DEPTH, look?: string): ScannedObject {
  const found: Member[] = [];
  let inside: readonly Member[] | undefined;
  if (b[i] !== OPEN_BRACE) throw expected('an object', b, i);
  i = skipSpace(b, i + 1);
  if (b[i] === CLOSE_BRACE) return { end: i + 1, members: found, inside };
  for (;;) {
    const keyStart = i;
    const keyEnd = skipString(b, i);
    const start = afterColon(b, keyEnd);
    const key = keyOf(b, keyStart, keyEnd);
    let end: number;
    if (key === look && b[start] === OPEN_BRACE && depth > 1)
      ({ end, members: inside } = scanObject(b, start, depth - 1));
    else {
      end = skipValue(b, start, depth - 1);
      if (key === look) inside = undefined;
    }
    found.push({ key, keyStart, start, end });
    i = skipSpace(b, end);
    if (b[i] === CLOSE_BRACE) return { end: i + 1, members: found, inside };
    i = afterComma(b, i, '"," or "}"');
  }
}

/** The members of the object that begins at `i`. @throws JsonSyntaxError */
export const members = (b: Buffer, i: number, depth = DEFAULT_DEPTH): Member[] => scanObject(b, i, depth).members;

/** The member named `key`; the last one when it is repeated, as JSON parsers read it. */
export const memberOf = (list: readonly Member[], key: string): Member | undefined =>
  list.findLast((m) => m.key === key);

/** The elements of the array that begins at `i`, in order. @throws JsonSyntaxError */
export function elements(b: Buffer, i: number, depth = DEFAULT_DEPTH): Span[] {
  const found: Span[] = [];
  if (b[i] !== OPEN_BRACKET) throw expected('an array', b, i);
  i = skipSpace(b, i + 1);
  if (b[i] === CLOSE_BRACKET) return found;
  for (;;) {
    const end = skipValue(b, i, depth - 1);
    found.push({ start: i, end });
    i = skipSpace(b, end);
    if (b[i] === CLOSE_BRACKET) return found;
    i = afterComma(b, i, '"," or "]"');
  }
}

/** Keys that most messages have, by their length: they are told by their bytes, without making a text of them. */
const USUAL =
  'id uri name text type _meta error method params result jsonrpc content arguments structuredContent'.split(' ');
const USUAL_KEYS: readonly (readonly { readonly key: string; readonly bytes: Buffer }[])[] = Array.from(
  { length: 1 + Math.max(...USUAL.map((key) => key.length)) },
  (_, size) => USUAL.filter((key) => key.length === size).map((key) => ({ key, bytes: Buffer.from(key) })),
);

/** The decoded text of a key, quotes included in its span. */
function keyOf(b: Buffer, start: number, end: number): string {
  const usual = USUAL_KEYS[end - start - 2];
  if (usual) for (const { key, bytes } of usual) if (isAt(b, start + 1, bytes)) return key;
  return textOf(b, start, end);
}

function isAt(b: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (b[at + i] !== bytes[i]) return false;
  return true;
}

/** The decoded text of the JSON string that spans `start`…`end`, quotes included. */
export function textOf(b: Buffer, start: number, end: number): string {
  let plain = true;
  for (let i = start; i < end; i++) {
    const c = b[i]!;
    if (c === BACKSLASH || c > 0x7e) {
      plain = false;
      break;
    }
  }
  return plain ? b.toString('latin1', start + 1, end - 1) : (JSON.parse(b.toString('utf8', start, end)) as string);
}

/** Whether the value at `i` is an object. */
export const isObjectAt = (b: Uint8Array, i: number): boolean => b[i] === OPEN_BRACE;

/** Whether the value at `i` is an array. */
export const isArrayAt = (b: Uint8Array, i: number): boolean => b[i] === OPEN_BRACKET;

/** Whether the value at `i` is a string. */
export const isStringAt = (b: Uint8Array, i: number): boolean => b[i] === QUOTE;

function skipString(b: Uint8Array, i: number): number {
  if (b[i] !== QUOTE) throw expected('a string', b, i);
  const end = Math.min(b.length, i + LONG);
  for (i++; i < end; i++) {
    const c = b[i]!;
    if (c === QUOTE) return i + 1;
    if (c === BACKSLASH) i = skipEscape(b, i);
    else if (c < 0x20) throw new JsonSyntaxError('control character in a string', i);
  }
  return skipLong(b, i);
}

/** The rest of a string that is long. */
function skipLong(b: Uint8Array, i: number): number {
  for (;;) {
    i = skipText(b, i);
    if (i >= b.length) throw new JsonSyntaxError('unfinished string', b.length);
    const c = b[i]!;
    if (c === QUOTE) return i + 1;
    if (c !== BACKSLASH) throw new JsonSyntaxError('control character in a string', i);
    i = skipEscape(b, i) + 1;
  }
}

/** Takes the offset of a backslash, gives that of the escape's last byte. */
function skipEscape(b: Uint8Array, i: number): number {
  switch (b[i + 1]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return i + 1;
    case 0x75: // u
      for (let k = i + 2; k < i + 6; k++) {
        if (!isHex(b[k])) throw new JsonSyntaxError('bad \\u escape', i);
      }
      return i + 5;
    default:
      throw new JsonSyntaxError('bad escape', i);
  }
}

function skipNumber(b: Uint8Array, start: number): number {
  let i = start;
  if (b[i] === 0x2d) i++;
  if (b[i] === 0x30) i++;
  else if (isDigit(b[i])) i = skipDigits(b, i);
  else throw expected('a value', b, start);
  if (b[i] === 0x2e) i = someDigits(b, i + 1);
  if (b[i] === 0x65 || b[i] === 0x45) {
    i++;
    if (b[i] === 0x2b || b[i] === 0x2d) i++;
    i = someDigits(b, i);
  }
  return i;
}

function someDigits(b: Uint8Array, i: number): number {
  if (!isDigit(b[i])) throw expected('a digit', b, i);
  return skipDigits(b, i);
}

function skipDigits(b: Uint8Array, i: number): number {
  while (isDigit(b[i])) i++;
  return i;
}

function skipWord(b: Uint8Array, i: number, second: number, third: number, fourth: number): number {
  if (b[i + 1] !== second || b[i + 2] !== third || b[i + 3] !== fourth) throw expected('a value', b, i);
  return i + 4;
}

function afterColon(b: Uint8Array, i: number): number {
  i = skipSpace(b, i);
  if (b[i] !== COLON) throw expected('":"', b, i);
  return skipSpace(b, i + 1);
}

function afterComma(b: Uint8Array, i: number, what: string): number {
  if (b[i] !== COMMA) throw expected(what, b, i);
  return skipSpace(b, i + 1);
}

const isDigit = (c: number | undefined): boolean => c !== undefined && c >= 0x30 && c <= 0x39;

const isHex = (c: number | undefined): boolean =>
  isDigit(c) || (c !== undefined && ((c >= 0x61 && c <= 0x66) || (c >= 0x41 && c <= 0x46)));

function expected(what: string, b: Uint8Array, i: number): JsonSyntaxError {
  return new JsonSyntaxError(i >= b.length ? `unexpected end, expected ${what},` : `expected ${what}`, i);
}
