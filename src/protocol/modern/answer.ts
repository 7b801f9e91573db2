/** How a call's outcome is spelled for a modern client. */
import { code } from '../../errors.ts';
import type { Caching, Call, Outcome } from '../call.ts';
import type { Edit } from '../json/edit.ts';
import type { Pieces } from '../json/pieces.ts';
import { isObjectAt, memberOf, members } from '../json/scan.ts';
import { localPieces } from '../local-answer.ts';
import { composeError, type Message, messagePieces, valueAt } from '../message.ts';
import { SERVER_KEY } from '../meta.ts';

/** One JSON-RPC response, and the HTTP status of a reply that holds nothing else. */
export interface ModernAnswer {
  readonly body: Pieces;
  readonly status: number;
}

/** JSON-RPC errors that are told by the status as well (2026-07-28, Streamable HTTP). */
const STATUSES: ReadonlyMap<unknown, number> = new Map([
  [code.methodNotFound, 404],
  [code.headerMismatch, 400],
  [code.missingCapability, 400],
  [code.unsupportedVersion, 400],
]);

/** @param server who answers, as JSON text */
export function modernAnswer(call: Pick<Call, 'id'>, outcome: Outcome, server: string): ModernAnswer {
  switch (outcome.kind) {
    case 'complete': {
      const { message, edits = [] } = outcome;
      const id: Edit = { start: message.id!.start, end: message.id!.end, text: call.id };
      return { body: messagePieces(message, [...edits, id]), status: statusOf(message) };
    }
    case 'local': {
      const { result, meta, cache, resultType = 'complete' } = outcome;
      return { body: localPieces(call.id, result, eraMembers(resultType, server, meta, cache)), status: 200 };
    }
    case 'error': {
      const { error } = outcome;
      return { body: [composeError(call.id, error)], status: STATUSES.get(error.code) ?? error.status };
    }
  }
}

function statusOf({ bytes, error }: Message): number {
  if (!error || !isObjectAt(bytes, error.start)) return 200;
  const number = memberOf(members(bytes, error.start), 'code');
  return (number && STATUSES.get(valueAt(bytes, number))) ?? 200;
}

/** The members that every result of the era has, as JSON text. */
function eraMembers(type: string, server: string, meta: string | undefined, cache: Caching | undefined): string {
  const more = [`"resultType":"${type}"`];
  if (cache) more.push(`"ttlMs":${cache.ttlMs}`, `"cacheScope":"${cache.cacheScope}"`);
  more.push(`"_meta":{${meta === undefined || meta === '' ? '' : `${meta},`}"${SERVER_KEY}":${server}}`);
  return more.join(',');
}
