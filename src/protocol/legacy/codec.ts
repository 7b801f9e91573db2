/** The legacy era towards an upstream: plain JSON-RPC, ids and progress tokens spliced in. */
import type { Call } from '../call.ts';
import type { Encoded } from '../codec.ts';
import { type Edit, removeMembers } from '../json/edit.ts';
import { messagePieces } from '../message.ts';
import { ENVELOPE } from '../meta.ts';

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Tasks of 2025-11-25 are asked for by this member; it is not declared to upstreams, so they are not to see it. */
const TASK = new Set(['task']);
/** What only the modern era has. */
const MODERN = new Set([...TASK, 'inputResponses', 'requestState']);

/**
 * The upstream's spelling of a call.
 * @param id the upstream-side JSON-RPC id, which is the progress token as well
 */
export function legacyRequest(call: Call, id: number): Encoded {
  const { message, edits, params, progressToken } = call;
  // mostly the id stands before what else is changed
  const own: Edit[] = [{ start: message.id!.start, end: message.id!.end, text: String(id) }, ...edits];
  if (progressToken) own.push({ start: progressToken.start, end: progressToken.end, text: String(id) });
  if (call.client.era === 'modern') {
    own.push(...params.without(MODERN), ...removeMembers(params.meta, ({ key }) => ENVELOPE.has(key)));
  } else if (call.method === 'tools/call') own.push(...params.without(TASK));
  return { body: messagePieces(message, own), headers: NO_HEADERS };
}
