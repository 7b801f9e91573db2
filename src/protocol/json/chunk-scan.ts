/**
 * The grammar of scan.ts over a text that comes in chunks, cut anywhere. It keeps nothing of what it has seen but where in
 * the grammar it is. Of the outermost containers it tells where their members begin and end, as far in as it is told to.
 */
import { skipText } from './long-string.ts';
import { JsonSyntaxError } from './scan.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

// what may come next
const VALUE = 0;
const FIRST_VALUE = 1;
const FIRST_KEY = 2;
const KEY = 3;
const COLON = 4;
const AFTER = 5;
const STRING = 6;
const ESCAPE = 7;
const HEX = 8;
const NUMBER = 9;
const WORD = 10;
const DONE = 11;

// how far a number is
const SIGN = 0;
const ZERO = 1;
const INTEGER = 2;
const POINT = 3;
const FRACTION = 4;
const EXPONENT = 5;
const EXPONENT_SIGN = 6;
const EXPONENT_DIGITS = 7;

/** Strings shorter than this are looked through in JavaScript. */
const SHORT = 64;

export abstract class ChunkScanner {
  /** For each container that is open: whether it is an object. */
  readonly #kinds: Uint8Array;
  #depth = 0;
  /** How many of them, from the outermost on, are watched. */
  #watched = 0;
  #state = VALUE;
  #number = SIGN;
  #word = '';
  /** Of a word: how much of it has come. Of a \u escape: how many digits are missing. */
  #count = 0;
  #isKey = false;
  /** Bytes of the chunks before this one. */
  #before = 0;

  /** @param depth the deepest nesting accepted */
  constructor(depth: number) {
    this.#kinds = new Uint8Array(depth);
  }

  // Each is called for what is directly in a watched container, with the chunk and an offset in it.
  /** A value begins with byte `c`. @returns whether it is a container that is to be watched */
  protected abstract begins(b: Buffer, at: number, c: number): boolean;
  /** A value ends before `end`. */
  protected abstract ends(b: Buffer, end: number): void;
  /** A watched object begins in front of `at`, or a comma is at `at` in one: a key may follow. */
  protected abstract awaits(b: Buffer, at: number): void;
  /** A key ends before `end`. */
  protected abstract named(b: Buffer, end: number): void;
  /** The watched container that was opened last ends with the byte at `at`. */
  protected abstract closes(b: Buffer, at: number): void;
  /** An element of a watched array is next. */
  protected abstract element(): void;

  /** Reads a chunk. @throws JsonSyntaxError */
  protected read(b: Buffer): void {
    for (let i = 0; i < b.length; ) i = this.#step(b, i);
    this.#before += b.length;
  }

  /** Whether the text is whole. */
  protected get whole(): boolean {
    return this.#state === DONE;
  }

  protected fail(what: string, at = 0): never {
    throw new JsonSyntaxError(what, this.#before + at);
  }

  /** Reads on from offset `i`. @returns where to go on */
  #step(b: Buffer, i: number): number {
    const c = b[i]!;
    switch (this.#state) {
      case STRING:
        return this.#string(b, i);
      case ESCAPE:
        if (c === 0x75) {
          this.#count = 4;
          this.#state = HEX;
        } else if (isEscape(c)) this.#state = STRING;
        else this.fail('bad escape', i);
        return i + 1;
      case HEX:
        if (!isHex(c)) this.fail('bad \\u escape', i);
        if (--this.#count === 0) this.#state = STRING;
        return i + 1;
      case NUMBER:
        return this.#digits(b, i);
      case WORD:
        if (c !== this.#word.charCodeAt(this.#count)) this.fail('expected a value', i);
        if (++this.#count === this.#word.length) this.#over(b, i + 1);
        return i + 1;
    }
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) return i + 1;
    switch (this.#state) {
      case VALUE:
        return this.#value(b, i, c);
      case FIRST_VALUE:
        if (c === CLOSE_BRACKET) return this.#close(b, i);
        if (this.#isWatched) this.element();
        return this.#value(b, i, c);
      case FIRST_KEY:
        return c === CLOSE_BRACE ? this.#close(b, i) : this.#key(i, c);
      case KEY:
        return this.#key(i, c);
      case COLON:
        if (c !== 0x3a) this.fail('expected ":"', i);
        this.#state = VALUE;
        return i + 1;
      case AFTER:
        return this.#after(b, i, c);
      default:
        return this.fail('unexpected text after the value', i);
    }
  }

  /** Whether what comes now is directly in a watched container, or is the whole text. */
  get #isWatched(): boolean {
    return this.#depth === this.#watched;
  }

  #key(i: number, c: number): number {
    if (c !== QUOTE) this.fail('expected a string', i);
    this.#isKey = true;
    this.#state = STRING;
    return i + 1;
  }

  #after(b: Buffer, i: number, c: number): number {
    const inObject = this.#kinds[this.#depth - 1] === 1;
    if (c === (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) return this.#close(b, i);
    if (c !== COMMA) this.fail(inObject ? 'expected "," or "}"' : 'expected "," or "]"', i);
    this.#state = inObject ? KEY : VALUE;
    if (!this.#isWatched) return i + 1;
    if (inObject) this.awaits(b, i);
    else this.element();
    return i + 1;
  }

  #value(b: Buffer, i: number, c: number): number {
    const watch = this.#isWatched && this.begins(b, i, c);
    if (c === QUOTE) {
      this.#isKey = false;
      this.#state = STRING;
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (this.#depth === this.#kinds.length) throw new JsonSyntaxError('nested too deep', this.#before + i, true);
      const object = c === OPEN_BRACE;
      this.#kinds[this.#depth++] = object ? 1 : 0;
      this.#state = object ? FIRST_KEY : FIRST_VALUE;
      if (watch) this.#watched++;
      if (watch && object) this.awaits(b, i + 1);
    } else if (c === 0x74 || c === 0x66 || c === 0x6e) {
      this.#word = c === 0x74 ? 'true' : c === 0x66 ? 'false' : 'null';
      this.#count = 1;
      this.#state = WORD;
    } else {
      if (c === 0x2d) this.#number = SIGN;
      else if (c === 0x30) this.#number = ZERO;
      else if (isDigit(c)) this.#number = INTEGER;
      else this.fail('expected a value', i);
      this.#state = NUMBER;
    }
    return i + 1;
  }

  #string(b: Buffer, i: number): number {
    const short = Math.min(b.length, i + SHORT);
    for (; i < short; i++) {
      const c = b[i]!;
      if (c === QUOTE || c === BACKSLASH || c < 0x20) return this.#special(b, i, c);
    }
    if (i === b.length) return i;
    i = skipText(b, i);
    return i === b.length ? i : this.#special(b, i, b[i]!);
  }

  /** What is no plain text in a string. */
  #special(b: Buffer, i: number, c: number): number {
    if (c === BACKSLASH) this.#state = ESCAPE;
    else if (c !== QUOTE) this.fail('control character in a string', i);
    else if (!this.#isKey) this.#over(b, i + 1);
    else {
      this.#state = COLON;
      if (this.#isWatched) this.named(b, i + 1);
    }
    return i + 1;
  }

  #digits(b: Buffer, i: number): number {
    for (; i < b.length; i++) {
      const next = afterDigit(this.#number, b[i]!);
      if (next === WRONG) this.fail('expected a digit', i);
      if (next === OVER) {
        this.#over(b, i);
        return i;
      }
      this.#number = next;
    }
    return i;
  }

  #over(b: Buffer, end: number): void {
    this.#state = this.#depth === 0 ? DONE : AFTER;
    if (this.#isWatched) this.ends(b, end);
  }

  #close(b: Buffer, i: number): number {
    if (this.#isWatched) {
      this.closes(b, i);
      this.#watched--;
    }
    this.#depth--;
    this.#over(b, i + 1);
    return i + 1;
  }
}

const WRONG = -1;
const OVER = -2;

/** How far a number is after one more byte; or that it was over before, or that it is none. */
function afterDigit(number: number, c: number): number {
  const digit = isDigit(c);
  switch (number) {
    case SIGN:
      return digit ? (c === 0x30 ? ZERO : INTEGER) : WRONG;
    case POINT:
      return digit ? FRACTION : WRONG;
    case EXPONENT:
      return digit ? EXPONENT_DIGITS : c === 0x2b || c === 0x2d ? EXPONENT_SIGN : WRONG;
    case EXPONENT_SIGN:
      return digit ? EXPONENT_DIGITS : WRONG;
    case EXPONENT_DIGITS:
      return digit ? number : OVER;
  }
  if (digit && number !== ZERO) return number;
  if (c === 0x2e && number <= INTEGER) return POINT;
  return (c | 0x20) === 0x65 ? EXPONENT : OVER;
}

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

const isEscape = (c: number): boolean =>
  c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74;

const isHex = (c: number): boolean => isDigit(c) || ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x66);
