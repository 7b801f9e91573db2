/** Cuts a byte stream into lines, bounded. */

const LF = 0x0a;
const CR = 0x0d;
/** What is kept of either end of a dropped line, bytes. */
const EDGE = 128;

/** Feed with {@link LineSplitter.push}; a trailing CR is not part of a line, empty lines are skipped. */
export class LineSplitter {
  readonly #emit: (line: Buffer) => void;
  readonly #overflow: (bytes: number) => void;
  readonly #limit: number;
  readonly #cut: ((head: Buffer, tail: Buffer) => void) | undefined;
  #parts: Buffer[] = [];
  #held = 0;
  #dropping = false;
  /** Both ends of the line that is being dropped, unless its beginning was never seen. */
  #head: Buffer | undefined;
  #tail: Buffer = Buffer.alloc(0);

  /**
   * @param emit called for every line; the buffer is the callee's to keep
   * @param limit the most bytes a line may have; a longer one is dropped
   * @param overflow called once for each dropped line, with the bytes seen when the limit was passed
   * @param cut called when a dropped line has ended, with its first and its last bytes
   */
  constructor(
    emit: (line: Buffer) => void,
    limit: number,
    overflow: (bytes: number) => void,
    cut?: (head: Buffer, tail: Buffer) => void,
  ) {
    this.#cut = cut;
    this.#emit = emit;
    this.#limit = limit;
    this.#overflow = overflow;
  }

  push(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      const end = chunk.indexOf(LF, at);
      if (end < 0) break;
      this.#line(chunk.subarray(at, end));
      at = end + 1;
    }
    if (at < chunk.length) this.#hold(chunk.subarray(at));
  }

  /**
   * Bytes were left out: the line that has begun is gone.
   * @param midLine whether what follows is the rest of another line, which goes as well
   */
  skip(midLine: boolean): void {
    this.#parts = [];
    this.#held = 0;
    this.#dropping = midLine;
    this.#head = undefined;
  }

  #hold(part: Buffer): void {
    if (this.#dropping) return this.#follow(part);
    this.#held += part.length;
    this.#parts.push(part);
    if (this.#held <= this.#limit) return;
    this.#overflow(this.#held);
    this.#dropping = true;
    this.#keepEnds(this.#parts);
    this.#parts = [];
  }

  /** Begins to remember both ends of a line that is dropped. */
  #keepEnds(parts: readonly Buffer[]): void {
    let first = 0;
    for (let bytes = 0; first < parts.length && bytes < EDGE; first++) bytes += parts[first]!.length;
    // a copy, so that the whole line does not stay
    this.#head = Buffer.from(Buffer.concat(parts.slice(0, first)).subarray(0, EDGE));
    this.#tail = Buffer.alloc(0);
    for (const part of parts) this.#follow(part);
  }

  #follow(part: Buffer): void {
    if (this.#head) this.#tail = Buffer.from(Buffer.concat([this.#tail, part.subarray(-EDGE)]).subarray(-EDGE));
  }

  #line(last: Buffer): void {
    const dropping = this.#dropping;
    const total = this.#held + last.length;
    const parts = this.#parts;
    this.#dropping = false;
    this.#held = 0;
    this.#parts = [];
    if (!dropping && total > this.#limit) {
      this.#overflow(total);
      this.#keepEnds([...parts, last]);
    } else if (dropping) this.#follow(last);
    if (dropping || total > this.#limit) {
      if (this.#head) this.#cut?.(this.#head, this.#tail);
      this.#head = undefined;
      return;
    }
    let line = last;
    if (parts.length > 0) {
      parts.push(last);
      line = Buffer.concat(parts);
    }
    if (line.at(-1) === CR) line = line.subarray(0, -1);
    if (line.length > 0) this.#emit(line);
  }
}
