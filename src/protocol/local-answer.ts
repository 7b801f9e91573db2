/** Responses that Patchbay gives itself, such as merged lists, which are large and the same for many. */
import { LARGE, type Pieces } from './json/pieces.ts';
import { composeResult, resultPieces } from './message.ts';

/** A response with a result of Patchbay's own. @param more further members of the result, as JSON text */
export function localPieces(id: string, result: string | Buffer, more: string): Pieces {
  const body = typeof result === 'string' ? Buffer.from(result) : result;
  if (more === '') return body.length < LARGE ? [composeResult(id, body)] : resultPieces(id, [body]);
  const parts = [body.subarray(0, -1), Buffer.from(`${body.length > 2 ? ',' : ''}${more}}`)];
  return body.length < LARGE ? [composeResult(id, Buffer.concat(parts))] : resultPieces(id, parts);
}
