/** Server-sent events on bytes: an incremental parser and the encoder (WHATWG HTML §9.2). */
import { LARGE_MESSAGE } from './answer-flow.ts';

export interface SseEvent {
  /** The `data` lines joined by LF; empty when there was none, which makes it no message. */
  readonly data: Buffer;
  readonly event: string | undefined;
  readonly id: string | undefined;
  /** Milliseconds, when the event carried a `retry` field. */
  readonly retry: number | undefined;
}

/** Whether a stream can be resumed from this event id: one that no header can hold can never be sent back. */
export const canResumeFrom = (id: string | undefined): id is string => id !== undefined && /^[\x20-\x7e]*$/.test(id);

/** Whether an event carries a JSON-RPC message: it has data, and no other name than `message`. */
export const isMessage = ({ data, event }: Pick<SseEvent, 'data' | 'event'>): boolean =>
  data.length > 0 && (event === undefined || event === '' || event === 'message');

/** Takes the data of an event while it comes, the line breaks in it included. */
export interface DataTaker {
  push(chunk: Buffer): void;
  /** The event is over. */
  end(): void;
}

/**
 * Called with the first bytes of the data of a large message, and how much there is so far. Whoever it gives takes the rest;
 * what nobody takes is offered again when it has grown.
 */
export type Begun = (data: Buffer[], size: number) => DataTaker | undefined;

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const EMPTY = Buffer.alloc(0);
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const DATA = Buffer.from('data:');
const ENOUGH = 16;

/**
 * Parses a stream of chunks cut anywhere; CR, LF and CRLF end a line. Feed it with {@link SseParser.push}; chunks must stay as
 * they are.
 */
export class SseParser {
  readonly #emit: (event: SseEvent) => void;
  readonly #limit: number;
  readonly #begun: Begun | undefined;
  /** Who takes the data of this event, and how large it is when it is offered next. */
  #taker: DataTaker | undefined;
  #offered = LARGE_MESSAGE;
  /** Whether the line that is coming is data that is passed on. */
  #passing = false;
  #line: Buffer[] = [];
  #held = 0;
  #skipLf = false;
  #first = true;
  #data: Buffer[] = [];
  #event: string | undefined;
  #id: string | undefined;
  #retry: number | undefined;

  /**
   * @param emit called for every event, also for one without data that carries an id or a retry time
   * @param limit the most bytes one event may hold
   * @param begun offered messages that grow past `LARGE_MESSAGE`
   */
  constructor(emit: (event: SseEvent) => void, limit: number, begun?: Begun) {
    this.#emit = emit;
    this.#limit = limit;
    this.#begun = begun;
  }

  /** @throws RangeError when an event grows past the limit; Error when one that was passed on turns out to be no message */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#skipLf && chunk.length > 0) {
      if (chunk[0] === LF) at = 1;
      this.#skipLf = false;
    }
    let cr = chunk.indexOf(CR, at);
    while (at < chunk.length) {
      const lf = chunk.indexOf(LF, at);
      if (cr >= 0 && cr < at) cr = chunk.indexOf(CR, at);
      const end = lf < 0 ? cr : cr < 0 ? lf : Math.min(lf, cr);
      if (end < 0) {
        this.#hold(chunk.subarray(at));
        return;
      }
      const part = chunk.subarray(at, end);
      at = end + 1;
      if (end === cr) {
        if (at === chunk.length) this.#skipLf = true;
        else if (chunk[at] === LF) at++;
      }
      if (this.#passing) {
        this.#pass(part);
        this.#passing = false;
      } else this.#take(this.#finish(part));
    }
  }

  #hold(part: Buffer): void {
    if (this.#passing) return this.#pass(part);
    this.#grow(part.length);
    this.#line.push(kept(part));
    if (this.#begun && (this.#taker || this.#held > this.#offered)) this.#offer(this.#begun);
  }

  #pass(part: Buffer): void {
    this.#grow(part.length);
    this.#taker!.push(part);
  }

  /** The line that is coming belongs to a large event. */
  #offer(begun: Begun): void {
    this.#offered = 1.5 * this.#held;
    // the name of the field, and what may stand in front of its value
    if (this.#line[0]!.length < ENOUGH) this.#line = [Buffer.concat(this.#line)];
    const [head, ...more] = this.#line as [Buffer, ...Buffer[]];
    const first = this.#withoutBom(head);
    this.#line = [first, ...more];
    if (first.length <= DATA.length || !first.subarray(0, DATA.length).equals(DATA)) return;
    const part = first.subarray(dataFrom(first, DATA.length - 1));
    if (this.#taker) {
      for (const piece of [NEWLINE, part, ...more]) this.#taker.push(piece);
    } else {
      if (!isMessage({ data: NEWLINE, event: this.#event })) return;
      const before = this.#data.length > 0 ? [join(this.#data), NEWLINE] : [];
      this.#taker = begun([...before, part, ...more], this.#held);
      if (!this.#taker) return;
      this.#data = [];
    }
    this.#line = [];
    this.#passing = true;
  }

  #finish(part: Buffer): Buffer {
    let line = part;
    if (this.#line.length > 0) {
      this.#line.push(part);
      line = Buffer.concat(this.#line);
      this.#line = [];
      // what of it belongs to the event is counted once it is known
      this.#held -= line.length - part.length;
    }
    return this.#withoutBom(line);
  }

  #withoutBom(line: Buffer): Buffer {
    if (!this.#first) return line;
    this.#first = false;
    return line.subarray(0, 3).equals(BOM) ? line.subarray(3) : line;
  }

  #take(line: Buffer): void {
    if (line.length === 0) return this.#dispatch();
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    const field = line.toString('latin1', 0, colon < 0 ? line.length : colon);
    const from = colon < 0 ? line.length : dataFrom(line, colon);
    switch (field) {
      case 'data':
        if (this.#taker) {
          this.#pass(NEWLINE);
          this.#pass(line.subarray(from));
          return;
        }
        this.#grow(line.length - from + (this.#data.length > 0 ? 1 : 0));
        this.#data.push(kept(line.subarray(from)));
        return;
      case 'event':
        this.#event = line.toString('utf8', from);
        if (this.#taker && !isMessage({ data: NEWLINE, event: this.#event }))
          throw new Error('an event was named behind its data');
        return;
      case 'id': {
        const id = line.toString('utf8', from);
        if (!id.includes('\0')) this.#id = id;
        return;
      }
      case 'retry': {
        const text = line.toString('latin1', from);
        if (/^\d{1,9}$/.test(text)) this.#retry = Number(text);
      }
    }
  }

  #dispatch(): void {
    const [only = EMPTY] = this.#data;
    const event: SseEvent = {
      data: this.#data.length > 1 ? join(this.#data) : only,
      event: this.#event,
      id: this.#id,
      retry: this.#retry,
    };
    const something = this.#data.length > 0 || event.id !== undefined || event.retry !== undefined;
    this.#data = [];
    this.#held = 0;
    this.#event = undefined;
    this.#id = undefined;
    this.#retry = undefined;
    const taker = this.#taker;
    this.#taker = undefined;
    this.#offered = LARGE_MESSAGE;
    if (something) this.#emit(event);
    taker?.end();
  }

  #grow(by: number): void {
    this.#held += by;
    if (this.#held > this.#limit) throw new RangeError(`a server-sent event is larger than ${this.#limit} bytes`);
  }
}

/** What is small is copied, so that the chunk that it came with does not stay. */
const kept = (part: Buffer): Buffer => (part.length < part.buffer.byteLength / 2 ? Buffer.from(part) : part);

/** Where the value of a field begins. */
const dataFrom = (line: Buffer, colon: number): number => (line[colon + 1] === 0x20 ? colon + 2 : colon + 1);

function join(lines: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const [i, line] of lines.entries()) {
    if (i > 0) parts.push(NEWLINE);
    parts.push(line);
  }
  return Buffer.concat(parts);
}

const NEWLINE = Buffer.from('\n');
/** What stands around the text of a message, on one line, to make it an event. */
export const SSE_MESSAGE_START = Buffer.from('event: message\ndata: ');
export const SSE_MESSAGE_END = Buffer.from('\n\n');

/** One JSON-RPC message as an event. Line breaks, which JSON allows between its tokens only, become spaces. */
export function sseMessage(message: Buffer, id?: string): Buffer {
  const line = singleLine(message);
  return id === undefined
    ? Buffer.concat([SSE_MESSAGE_START, line, SSE_MESSAGE_END])
    : Buffer.concat([Buffer.from(`id: ${id}\n`), SSE_MESSAGE_START, line, SSE_MESSAGE_END]);
}

/** The head of a reply that is an event stream. */
export const SSE_HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
} as const;

/** The first event of a resumable stream: an id, a time to come back after in milliseconds, and no data (2025-11-25). */
export const ssePriming = (id: string, retry: number): string => `id: ${id}\nretry: ${retry}\ndata: \n\n`;

/** Tells the client after how many milliseconds to come back. */
export const sseRetry = (retry: number): string => `retry: ${retry}\n\n`;

/** A comment that keeps proxies from closing an idle stream. */
export const SSE_KEEPALIVE = Buffer.from(': keepalive\n\n');

/** JSON text on one line; the same buffer when it already is. */
export function singleLine(json: Buffer): Buffer {
  if (json.indexOf(LF) < 0 && json.indexOf(CR) < 0) return json;
  const copy = Buffer.from(json);
  for (let i = 0; i < copy.length; i++) if (copy[i] === LF || copy[i] === CR) copy[i] = 0x20;
  return copy;
}
