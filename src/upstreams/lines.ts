/** Cuts a byte stream into lines, bounded. */

const LF = 0x0a;
const CR = 0x0d;

/** Feed with {@link LineSplitter.push}; a trailing CR is not part of a line, empty lines are skipped. */
export class LineSplitter {
  readonly #emit: (line: Buffer) => void;
  readonly #overflow: (bytes: number) => void;
  readonly #limit: number;
  #parts: Buffer[] = [];
  #held = 0;
  #dropping = false;

  /**
   * @param emit called for every line; the buffer is the callee's to keep
   * @param limit the most bytes a line may have; a longer one is dropped
   * @param overflow called once for each dropped line, with the bytes seen when the limit was passed
   */
  constructor(emit: (line: Buffer) => void, limit: number, overflow: (bytes: number) => void) {
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
  }

  #hold(part: Buffer): void {
    if (this.#dropping) return;
    this.#held += part.length;
    if (this.#held > this.#limit) return this.#drop();
    this.#parts.push(part);
  }

  #drop(): void {
    this.#overflow(this.#held);
    this.#parts = [];
    this.#dropping = true;
  }

  #line(last: Buffer): void {
    const dropping = this.#dropping;
    const total = this.#held + last.length;
    const parts = this.#parts;
    this.#dropping = false;
    this.#held = 0;
    this.#parts = [];
    if (dropping) return;
    if (total > this.#limit) return this.#overflow(total);
    let line = last;
    if (parts.length > 0) {
      parts.push(last);
      line = Buffer.concat(parts);
    }
    if (line.at(-1) === CR) line = line.subarray(0, -1);
    if (line.length > 0) this.#emit(line);
  }
}
