/**
 * Replies in gzip (RFC 1952) of which the greater part was deflated before: lists are the same for many, but for the id
 * that stands in front of them. What differs goes in between as stored blocks (RFC 1951 §3.2.4), so that nothing is
 * deflated for a single reply.
 */
import { constants, crc32, deflateRaw } from 'node:zlib';
import type { Pieces } from '../protocol/json/pieces.ts';
import { isRepeated } from '../protocol/local-answer.ts';

/** Of a member without a name or a time, of any system. */
const HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** The length of one stored block, bytes. */
const MOST_STORED = 0xffff;

/** What there is of a piece: nothing but that it was sent, or that it is being deflated, or that. */
type Pack = 'seen' | 'making' | Buffer;
const packs = new WeakMap<Buffer, Pack>();

/**
 * The same text in gzip.
 * @returns `undefined` where it has no part that is sent again and again, or that part is not ready: a piece is deflated in
 *   the background when it is sent for the second time
 */
export function packed(pieces: Pieces): Buffer[] | undefined {
  const ready = pieces.map((piece) => (isRepeated(piece) ? packOf(piece) : undefined));
  if (!ready.some((pack) => pack !== undefined)) return undefined;
  const out: Buffer[] = [HEAD];
  let crc = 0;
  let size = 0;
  for (const [i, piece] of pieces.entries()) {
    crc = crc32(piece, crc);
    size += piece.length;
    const pack = ready[i];
    if (pack) out.push(pack);
    else
      for (let at = 0; at < piece.length; at += MOST_STORED) out.push(...stored(piece.subarray(at, at + MOST_STORED)));
  }
  const end = Buffer.alloc(8);
  end.writeUInt32LE(crc, 0);
  end.writeUInt32LE(size % 2 ** 32, 4);
  // an empty block is the last one
  out.push(Buffer.from([1, 0, 0, 0xff, 0xff]), end);
  return out;
}

/** Whether some part of it is sent again and again, so that what is sent depends on what the client takes. */
export const isPackable = (pieces: Pieces): boolean => pieces.some(isRepeated);

function packOf(piece: Buffer): Buffer | undefined {
  const pack = packs.get(piece);
  if (typeof pack === 'object') return pack;
  packs.set(piece, pack === undefined ? 'seen' : 'making');
  // it ends on a whole byte, and something may follow
  if (pack === 'seen')
    deflateRaw(piece, { finishFlush: constants.Z_SYNC_FLUSH }, (error, deflated) => {
      if (!error) packs.set(piece, deflated);
    });
  return undefined;
}

function stored(bytes: Buffer): Buffer[] {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return [head, bytes];
}
