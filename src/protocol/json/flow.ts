/**
 * A JSON object that is changed while it comes, in chunks that may be cut anywhere. A plan says which members are looked
 * at; what it does not name passes as the bytes that came.
 */
import { ChunkScanner } from './chunk-scan.ts';
import { DEFAULT_DEPTH, textOf } from './scan.ts';
import { Utf8Check } from './utf8.ts';

/** A text that is known later; what follows it waits until then. */
export interface Later {
  /** @returns the text, or `undefined` as long as it is not known */
  settle(): Buffer | undefined;
}

/** What is put in the place of a value; `undefined` leaves it as it came, `drop` takes its member out. */
export type Replacement = string | Buffer | Later | 'drop' | undefined;

/** What becomes of a value. */
export type Treatment =
  /** It passes. */
  | 'pass'
  /** The member goes. */
  | 'drop'
  /** The value of a member is gathered, and replaced by what `take` gives for its text. */
  | { readonly take: (value: Buffer) => Replacement }
  /** It passes, looked into where it is an object or an array. `other` is called where it is neither. */
  | { readonly object?: ObjectPlan; readonly array?: ArrayPlan; other?(): void };

export interface ObjectPlan {
  /** A member has begun. */
  member(key: string): Treatment;
  /** The object is over. @returns members to add at its end, as JSON text `"key":value,…`, or nothing */
  end?(): string | undefined;
}

export interface ArrayPlan {
  /** An element is next, which passes or is looked into. */
  element(): Treatment;
  end?(): void;
}

/** A container that is looked into. */
interface Frame {
  readonly object?: ObjectPlan | undefined;
  readonly array?: ArrayPlan | undefined;
  /** How many members have gone out. */
  kept: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
/** Pieces that are smaller are joined with those beside them. */
const SMALL = 1_024;

export class JsonFlow extends ChunkScanner {
  readonly #utf8 = new Utf8Check();
  readonly #frames: Frame[] = [];
  /** What becomes of the value that is next. */
  #next: Treatment;
  #take: ((value: Buffer) => Replacement) | undefined;
  /** Where the value begins in what is held. */
  #valueAt = 0;
  #dropping = false;
  /** In the chunk that is being read: up to where it is done with, and from where on it is held; -1 when nothing is. */
  #from = 0;
  #mark = -1;
  /** What is held of the chunks before. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #out: (Buffer | Later)[] = [];

  /** @param plan of the object that comes @param depth the deepest nesting accepted */
  constructor(plan: ObjectPlan, depth = DEFAULT_DEPTH) {
    super(depth);
    this.#next = { object: plan, other: () => this.fail('expected a JSON object') };
  }

  /** Takes the next bytes, which must stay as they are. @throws JsonSyntaxError, and whatever the plan throws */
  push(chunk: Buffer): void {
    if (!this.#utf8.push(chunk)) this.fail('invalid UTF-8');
    this.#from = 0;
    this.#mark = this.#held.length > 0 ? 0 : -1;
    this.read(chunk);
    if (!this.#dropping) this.#pass(chunk, this.#mark < 0 ? chunk.length : this.#mark);
    if (this.#mark < 0) return;
    this.#held.push(chunk.subarray(this.#mark));
    this.#heldBytes += chunk.length - this.#mark;
  }

  /** What can go out now, in order. */
  ready(): Buffer[] {
    const pieces: Buffer[] = [];
    let small: Buffer[] = [];
    const join = (): void => {
      if (small.length > 0) pieces.push(small.length === 1 ? small[0]! : Buffer.concat(small));
      small = [];
    };
    let count = 0;
    for (const piece of this.#out) {
      const bytes = Buffer.isBuffer(piece) ? piece : piece.settle();
      if (!bytes) break;
      count++;
      if (bytes.length < SMALL) small.push(bytes);
      else {
        join();
        pieces.push(bytes);
      }
    }
    join();
    this.#out = count === this.#out.length ? [] : this.#out.slice(count);
    return pieces;
  }

  /** Whether all that has come and is to go out is out. */
  get drained(): boolean {
    return this.#out.length === 0 && this.#held.length === 0;
  }

  /** Nothing follows. @throws JsonSyntaxError when something is missing */
  end(): void {
    if (!this.whole) this.fail('unexpected end');
  }

  protected begins(_: Buffer, at: number, c: number): boolean {
    const next = this.#next;
    if (typeof next === 'string') return false;
    if ('take' in next) {
      this.#take = next.take;
      this.#valueAt = this.#heldBytes + at - this.#mark;
      return false;
    }
    const { object, array } = next;
    if (object && c === OPEN_BRACE) this.#frames.push({ object, kept: 0 });
    else if (array && c === OPEN_BRACKET) this.#frames.push({ array, kept: 0 });
    else {
      next.other?.();
      return false;
    }
    return true;
  }

  protected element(): void {
    this.#next = this.#frames.at(-1)!.array!.element();
  }

  /** What comes up to the end of a key is held until it is known what becomes of its member. */
  protected awaits(_: Buffer, at: number): void {
    this.#resume(at);
    this.#mark = at;
  }

  protected named(b: Buffer, end: number): void {
    const text = this.#heldText(b, end);
    const frame = this.#frames.at(-1)!;
    this.#next = frame.object!.member(textOf(text, text.indexOf(QUOTE), text.length));
    if (typeof this.#next === 'object' && 'take' in this.#next) return;
    if (this.#next === 'drop') {
      this.#cut(b, end);
      this.#dropping = true;
      return;
    }
    if (frame.kept++ > 0 || text[0] !== COMMA) return this.#keep();
    // those in front of it went
    this.#cut(b, end);
    this.#out.push(text.subarray(1));
  }

  protected ends(b: Buffer, end: number): void {
    const take = this.#take;
    if (!take) return;
    this.#take = undefined;
    const text = this.#heldText(b, end);
    const value = text.subarray(this.#valueAt);
    const put = take(value);
    if (put === 'drop') return this.#cut(b, end);
    const from = this.#frames.at(-1)!.kept++ === 0 && text[0] === COMMA ? 1 : 0;
    if (put === undefined && from === 0) return this.#keep();
    this.#cut(b, end);
    this.#out.push(text.subarray(from, this.#valueAt), typeof put === 'string' ? Buffer.from(put) : (put ?? value));
  }

  protected closes(b: Buffer, at: number): void {
    const { object, array, kept } = this.#frames.at(-1)!;
    // white space in an empty object
    if (this.#mark >= 0) this.#keep();
    this.#resume(at);
    array?.end?.();
    const more = object?.end?.() ?? '';
    if (more !== '') {
      this.#pass(b, at);
      this.#out.push(Buffer.from(kept > 0 ? `,${more}` : more));
    }
    this.#frames.pop();
  }

  /** What was dropped ends here. */
  #resume(at: number): void {
    if (this.#dropping) this.#from = at;
    this.#dropping = false;
  }

  #heldText(b: Buffer, end: number): Buffer {
    const here = b.subarray(this.#mark, end);
    return this.#held.length === 0 ? here : Buffer.concat([...this.#held, here]);
  }

  /** What is held goes out as it came. */
  #keep(): void {
    this.#out.push(...this.#held);
    this.#release();
  }

  /** What is held goes, up to `end`. */
  #cut(b: Buffer, end: number): void {
    this.#pass(b, this.#mark);
    this.#from = end;
    this.#release();
  }

  #release(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#mark = -1;
  }

  #pass(b: Buffer, to: number): void {
    if (to > this.#from) this.#out.push(b.subarray(this.#from, to));
    this.#from = to;
  }
}
