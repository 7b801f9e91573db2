/** How a call's outcome is spelled for a legacy client. */
import type { Call, Outcome } from '../call.ts';
import { composeError, composeResult, messageBytes } from '../message.ts';

/** @returns one JSON-RPC response under the client's own id; the upstream's bytes wherever they need no change */
export function answerOf(call: Pick<Call, 'id'>, outcome: Outcome): Buffer {
  switch (outcome.kind) {
    case 'complete': {
      const { message, edits = [] } = outcome;
      return messageBytes(message, [...edits, { start: message.id!.start, end: message.id!.end, text: call.id }]);
    }
    case 'local': {
      const { result, meta } = outcome;
      return composeResult(call.id, meta === undefined || meta === '' ? result : withMeta(result, meta));
    }
    case 'error':
      return composeError(call.id, outcome.error);
  }
}

function withMeta(result: string | Buffer, meta: string): Buffer {
  const body = typeof result === 'string' ? Buffer.from(result) : result;
  return Buffer.concat([body.subarray(0, -1), Buffer.from(`${body.length > 2 ? ',' : ''}"_meta":{${meta}}}`)]);
}
