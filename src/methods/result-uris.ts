/**
 * URIs in results, in exposed form (protocol.md §2.5). A result that cannot hold one is never looked into, so that most
 * pass as the bytes that came.
 */
import type { Call } from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
import { elements, isArrayAt, isObjectAt, isStringAt, type Member, members, textOf } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';
import type { MethodContext } from './context.ts';

type Shape = 'content' | 'messages' | 'contents';
type Visit = (uri: Member, bytes: Buffer) => void;

const URI = Buffer.from('"uri"');
const ESCAPED_KEY = Buffer.from('\\u00');

/** The edits that put every URI of a result into its exposed form; learns the ones that stay as they are. */
export function resultEdits(context: MethodContext, call: Call, message: Message, shape: Shape): Edit[] {
  const { bytes, result } = message;
  const edits: Edit[] = [];
  if (!result || context.upstreams.size === 1) return edits;
  if (!mayHold(bytes, result.start, result.end)) return edits;
  const { uris } = context.view();
  const learned = context.learned(call.principal.key);
  const { upstream } = call.target!;
  const visit: Visit = ({ start, end }) => {
    const uri = textOf(bytes, start, end);
    const exposed = uris.exposeUri(upstream, uri, learned);
    if (exposed !== uri) edits.push({ start, end, text: JSON.stringify(exposed) });
  };
  const top = members(bytes, result.start);
  const list = find(top, shape);
  if (!list || !isArrayAt(bytes, list.start)) return edits;
  for (const element of elements(bytes, list.start)) {
    if (!isObjectAt(bytes, element.start)) continue;
    const item = members(bytes, element.start);
    if (shape === 'contents') visitUri(bytes, item, visit);
    else if (shape === 'content') visitBlock(bytes, item, visit);
    else visitContent(bytes, find(item, 'content'), visit);
  }
  return edits;
}

/** Whether there may be a member `uri`; a key with escapes counts as one that may be. */
function mayHold(bytes: Buffer, start: number, end: number): boolean {
  const at = bytes.indexOf(URI, start);
  if (at >= 0 && at < end) return true;
  const escaped = bytes.indexOf(ESCAPED_KEY, start);
  return escaped >= 0 && escaped < end;
}

/** One content block, or an array of them. */
function visitContent(bytes: Buffer, content: Member | undefined, visit: Visit): void {
  if (!content) return;
  if (isObjectAt(bytes, content.start)) return visitBlock(bytes, members(bytes, content.start), visit);
  if (!isArrayAt(bytes, content.start)) return;
  for (const block of elements(bytes, content.start))
    if (isObjectAt(bytes, block.start)) visitBlock(bytes, members(bytes, block.start), visit);
}

function visitBlock(bytes: Buffer, block: readonly Member[], visit: Visit): void {
  const type = find(block, 'type');
  if (!type || !isStringAt(bytes, type.start)) return;
  switch (textOf(bytes, type.start, type.end)) {
    case 'resource_link':
      return visitUri(bytes, block, visit);
    case 'resource': {
      const resource = find(block, 'resource');
      if (resource && isObjectAt(bytes, resource.start)) visitUri(bytes, members(bytes, resource.start), visit);
      return;
    }
    case 'tool_result':
      return visitContent(bytes, find(block, 'content'), visit);
  }
}

function visitUri(bytes: Buffer, item: readonly Member[], visit: Visit): void {
  const uri = find(item, 'uri');
  if (uri && isStringAt(bytes, uri.start)) visit(uri, bytes);
}

/** The last of a repeated member, as JSON parsers read it. */
const find = (list: readonly Member[], key: string): Member | undefined => list.findLast((m) => m.key === key);
