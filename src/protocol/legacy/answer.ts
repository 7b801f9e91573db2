/** How a call's outcome is spelled for a legacy client. */
import type { Call, Outcome } from '../call.ts';
import type { Pieces } from '../json/pieces.ts';
import { localPieces } from '../local-answer.ts';
import { composeError, messagePieces } from '../message.ts';

/** @returns one JSON-RPC response under the client's own id; the upstream's bytes wherever they need no change */
export function answerOf(call: Pick<Call, 'id'>, outcome: Outcome): Pieces {
  switch (outcome.kind) {
    case 'complete': {
      const { message, edits = [] } = outcome;
      return messagePieces(message, [...edits, { start: message.id!.start, end: message.id!.end, text: call.id }]);
    }
    case 'local': {
      const { result, meta } = outcome;
      const more = meta === undefined || meta === '' ? '' : `"_meta":{${meta}}`;
      return localPieces(call.id, result, more);
    }
    case 'error':
      return [composeError(call.id, outcome.error)];
  }
}
