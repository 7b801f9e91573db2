/** Whether a text that comes in chunks is UTF-8, wherever it is cut. */
import { isUtf8 } from 'node:buffer';

const NOTHING = Buffer.alloc(0);

export class Utf8Check {
  /** The first bytes of a character whose others have not come yet. */
  #open: Buffer = NOTHING;

  /** @returns false when a character that is whole is none. One that is left open at the end is not found. */
  push(chunk: Buffer): boolean {
    let from = 0;
    if (this.#open.length > 0) {
      from = lengthOf(this.#open[0]!) - this.#open.length;
      const character = Buffer.concat([this.#open, chunk.subarray(0, from)]);
      this.#open = chunk.length < from ? character : NOTHING;
      if (chunk.length < from) return true;
      if (!isUtf8(character)) return false;
    }
    const end = wholeUntil(chunk, from);
    // a copy, so that the chunk does not stay
    if (end < chunk.length) this.#open = Buffer.from(chunk.subarray(end));
    return isUtf8(from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end));
  }
}

/** How many bytes the character has that begins with this one. */
const lengthOf = (lead: number): number => (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2);

/** The offset behind the last whole character, at most three bytes before the end. */
function wholeUntil(chunk: Buffer, from: number): number {
  for (let back = 1; back <= 3 && chunk.length - back >= from; back++) {
    const byte = chunk[chunk.length - back]!;
    if (byte >= 0xc0) return lengthOf(byte) > back ? chunk.length - back : chunk.length;
    if (byte < 0x80) break;
  }
  return chunk.length;
}
