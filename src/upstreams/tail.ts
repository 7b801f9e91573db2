/** The last bytes of a stream. */

const LF = 0x0a;

export class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Whether the first chunk begins in the middle of a line. */
  #cut = false;

  /** @param limit bytes that are certainly kept; at most one chunk more is */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size - this.#chunks[0]!.length >= this.#limit) {
      const gone = this.#chunks.shift()!;
      this.#size -= gone.length;
      this.#cut = gone.at(-1) !== LF;
    }
  }

  /** The last lines that are not blank, a last one without an end too. @param count how many at most */
  lines(count: number): Buffer[] {
    const bytes = Buffer.concat(this.#chunks);
    const found: Buffer[] = [];
    for (let end = bytes.length; end > 0 && found.length < count; ) {
      const start = bytes.lastIndexOf(LF, end - 1) + 1;
      const line = bytes.subarray(start, end);
      if (start === 0 && this.#cut) break;
      if (line.length > 0 && line.toString().trim() !== '') found.unshift(line);
      end = start - 1;
    }
    return found;
  }
}
