/** Where URIs stand in content: links, embedded resources, tool results. */
import {
  elements,
  isArrayAt,
  isObjectAt,
  isStringAt,
  type Member,
  memberOf,
  members,
  type Span,
  textOf,
} from '../protocol/json/scan.ts';

/** What an array holds: content blocks, messages with `content`, or resource contents. */
export type ContentShape = 'content' | 'messages' | 'contents';

type Visit = (uri: Member) => void;

/** Calls `visit` for every URI string in an array of this shape. */
export function contentUris(bytes: Buffer, list: Span | undefined, shape: ContentShape, visit: Visit): void {
  if (!list || !isArrayAt(bytes, list.start)) return;
  for (const element of elements(bytes, list.start)) {
    if (!isObjectAt(bytes, element.start)) continue;
    const item = members(bytes, element.start);
    if (shape === 'contents') visitUri(bytes, item, visit);
    else if (shape === 'content') visitBlock(bytes, item, visit);
    else visitContent(bytes, memberOf(item, 'content'), visit);
  }
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
  const type = memberOf(block, 'type');
  if (!type || !isStringAt(bytes, type.start)) return;
  switch (textOf(bytes, type.start, type.end)) {
    case 'resource_link':
      return visitUri(bytes, block, visit);
    case 'resource': {
      const resource = memberOf(block, 'resource');
      if (resource && isObjectAt(bytes, resource.start)) visitUri(bytes, members(bytes, resource.start), visit);
      return;
    }
    case 'tool_result':
      return visitContent(bytes, memberOf(block, 'content'), visit);
  }
}

function visitUri(bytes: Buffer, item: readonly Member[], visit: Visit): void {
  const uri = memberOf(item, 'uri');
  if (uri && isStringAt(bytes, uri.start)) visit(uri);
}
