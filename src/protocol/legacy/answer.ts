/** How a call's outcome is spelled for a legacy client. */
import type { Call, Outcome } from '../call.ts';
import { composeError, composeResult, messageBytes } from '../message.ts';

/** @returns one JSON-RPC response under the client's own id; the upstream's bytes wherever they need no change */
export function answerOf(call: Pick<Call, 'id'>, outcome: Exclude<Outcome, { kind: 'input-required' }>): Buffer {
  switch (outcome.kind) {
    case 'complete': {
      const { message, edits = [] } = outcome;
      return messageBytes(message, [...edits, { start: message.id!.start, end: message.id!.end, text: call.id }]);
    }
    case 'local':
      return composeResult(call.id, outcome.result);
    case 'error':
      return composeError(call.id, outcome.error);
  }
}
