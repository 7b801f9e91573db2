/**
 * URIs in results, in exposed form. A result that cannot hold one is never looked into, so that most
 * pass as the bytes that came.
 */
import { type ContentShape, contentUris } from '../bridge/content-uris.ts';
import type { Expose } from '../bridge/flowing-uris.ts';
import type { Call } from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
import { memberOf, members, textOf } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';
import { isSole, type MethodContext } from './context.ts';

const URI = Buffer.from('"uri"');
const ESCAPED_KEY = Buffer.from('\\u00');

/** The edits that put every URI of a result into its exposed form; learns the ones that stay as they are. */
export function resultEdits(context: MethodContext, call: Call, message: Message, shape: ContentShape): Edit[] {
  const { bytes, result } = message;
  const edits: Edit[] = [];
  if (!result || isSole(context)) return edits;
  if (!mayHold(bytes, result.start, result.end)) return edits;
  const { uris } = context.view(call);
  const learned = context.learned(call.principal.key);
  const { upstream } = call.target!;
  const list = memberOf(members(bytes, result.start), shape);
  contentUris(bytes, list, shape, ({ start, end }) => {
    const uri = textOf(bytes, start, end);
    const exposed = uris.exposeUri(upstream, uri, learned);
    if (exposed !== uri) edits.push({ start, end, text: JSON.stringify(exposed) });
  });
  return edits;
}

/** The same for the URIs of a result that comes in pieces, one by one; `undefined` where all of them stay as they are. */
export function flowingUri(context: MethodContext, call: Call): Expose | undefined {
  if (isSole(context)) return undefined;
  const { uris } = context.view(call);
  const learned = context.learned(call.principal.key);
  const { upstream } = call.target!;
  return (text) => {
    const uri = textOf(text, 0, text.length);
    const exposed = uris.exposeUri(upstream, uri, learned);
    return exposed === uri ? text : Buffer.from(JSON.stringify(exposed));
  };
}

/** Whether there may be a member `uri`; a key with escapes counts as one that may be. */
function mayHold(bytes: Buffer, start: number, end: number): boolean {
  const at = bytes.indexOf(URI, start);
  if (at >= 0 && at < end) return true;
  const escaped = bytes.indexOf(ESCAPED_KEY, start);
  return escaped >= 0 && escaped < end;
}
