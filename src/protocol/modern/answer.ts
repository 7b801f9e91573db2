/** How a call's outcome is spelled for a modern client. */
import { code } from '../../errors.ts';
import type { Caching, Call, Outcome } from '../call.ts';
import type { Edit } from '../json/edit.ts';
import { isObjectAt, memberOf, members } from '../json/scan.ts';
import { composeError, composeResult, type Message, messageBytes, valueAt } from '../message.ts';
import { SERVER_KEY } from '../meta.ts';

/** One JSON-RPC response, and the HTTP status of a reply that holds nothing else. */
export interface ModernAnswer {
  readonly body: Buffer;
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
      return { body: messageBytes(message, [...edits, id]), status: statusOf(message) };
    }
    case 'local': {
      const { result, meta, cache, resultType = 'complete' } = outcome;
      return { body: composeResult(call.id, extended(result, resultType, server, meta, cache)), status: 200 };
    }
    case 'error': {
      const { error } = outcome;
      return { body: composeError(call.id, error), status: STATUSES.get(error.code) ?? error.status };
    }
  }
}

function statusOf({ bytes, error }: Message): number {
  if (!error || !isObjectAt(bytes, error.start)) return 200;
  const number = memberOf(members(bytes, error.start), 'code');
  return (number && STATUSES.get(valueAt(bytes, number))) ?? 200;
}

/** A result of Patchbay's own with what every result of the era has. */
function extended(
  result: string | Buffer,
  type: string,
  server: string,
  meta: string | undefined,
  cache: Caching | undefined,
): Buffer {
  const body = typeof result === 'string' ? Buffer.from(result) : result;
  const more = [`"resultType":"${type}"`];
  if (cache) more.push(`"ttlMs":${cache.ttlMs}`, `"cacheScope":"${cache.cacheScope}"`);
  more.push(`"_meta":{${meta === undefined || meta === '' ? '' : `${meta},`}"${SERVER_KEY}":${server}}`);
  const comma = body.length > 2 ? ',' : '';
  return Buffer.concat([body.subarray(0, -1), Buffer.from(`${comma}${more.join(',')}}`)]);
}
