/** Responses that Patchbay gives itself, such as merged lists, which are large and the same for many. */
import { LARGE, type Pieces } from './json/pieces.ts';
import { composeResult, resultPieces } from './message.ts';

/** From this size on it pays to send a list in a shorter form, bytes. */
const WORTH_PACKING = 1_024;

/** Results that are sent as one buffer each time, without their closing brace. */
const opened = new WeakMap<Buffer, Buffer>();
const repeated = new WeakSet<Buffer>();

/** Whether this very piece is part of every answer that has the same result. */
export const isRepeated = (piece: Buffer): boolean => repeated.has(piece);

/**
 * A response with a result of Patchbay's own.
 * @param result a buffer where the same one is sent more than once
 * @param more further members of the result, as JSON text
 */
export function localPieces(id: string, result: string | Buffer, more: string): Pieces {
  if (typeof result === 'object' && result.length > WORTH_PACKING)
    return resultPieces(id, [openOf(result), closing(result, more)]);
  const body = typeof result === 'string' ? Buffer.from(result) : result;
  if (more === '') return body.length < LARGE ? [composeResult(id, body)] : resultPieces(id, [body]);
  const parts = [body.subarray(0, -1), closing(body, more)];
  return body.length < LARGE ? [composeResult(id, Buffer.concat(parts))] : resultPieces(id, parts);
}

const closing = (result: Buffer, more: string): Buffer =>
  Buffer.from(more === '' ? '}' : `${result.length > 2 ? ',' : ''}${more}}`);

function openOf(result: Buffer): Buffer {
  const known = opened.get(result);
  if (known) return known;
  const open = result.subarray(0, -1);
  opened.set(result, open);
  repeated.add(open);
  return open;
}
