/** JSON texts in pieces that follow each other, so that what is large is not copied to become one. */

/** At least one; none is changed once it is in a list. */
export type Pieces = readonly Buffer[];

/** From this size on a copy costs more than to write several pieces. */
export const LARGE = 32_768;

/** The text as one buffer; that of a single piece is not copied. */
export const whole = (pieces: Pieces): Buffer => (pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));

/** In bytes. */
export function lengthOf(pieces: Pieces): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}
