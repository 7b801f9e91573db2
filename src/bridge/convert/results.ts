/** Results as clients of older versions know them: what came later is put into words that they have. */
import { type Edit, removeMembers } from '../../protocol/json/edit.ts';
import {
  elements,
  isArrayAt,
  isObjectAt,
  type Member,
  memberOf,
  members,
  type Span,
} from '../../protocol/json/scan.ts';
import type { Message } from '../../protocol/message.ts';
import type { LegacyVersion } from '../../protocol/versions.ts';
import { olderBlock, stringOf, textBlock } from './blocks.ts';

/** Whether results for clients of a version may have to be changed at all. */
export const isDated = (version: string): boolean => version < '2025-06-18';

/**
 * The edits of a result for a legacy client.
 * @param wrap whether the structured content goes into an object, see `wrapsOutput`
 */
export function resultFor(version: LegacyVersion, { bytes, result }: Message, wrap: boolean): Edit[] {
  if (!result || !isObjectAt(bytes, result.start)) return [];
  const list = members(bytes, result.start);
  const content = memberOf(list, 'content');
  const edits = structuredEdits(version, bytes, list, content, wrap);
  if (!isDated(version)) return edits;
  for (const block of [...blocksOf(bytes, content), ...messageBlocks(bytes, memberOf(list, 'messages'))]) {
    const text = isObjectAt(bytes, block.start) ? olderBlock(version, bytes, members(bytes, block.start)) : undefined;
    if (text !== undefined) edits.push({ start: block.start, end: block.end, text });
  }
  return edits;
}

/** Clients that take no structured content, or find it changed, read its text: there is one in any case. */
function structuredEdits(
  version: LegacyVersion,
  bytes: Buffer,
  list: readonly Member[],
  content: Member | undefined,
  wrap: boolean,
): Edit[] {
  const structured = memberOf(list, 'structuredContent');
  if (!structured || !(wrap || isDated(version))) return [];
  const edits: Edit[] = [];
  const text = textBlock(bytes.toString('utf8', structured.start, structured.end));
  const blocks = blocksOf(bytes, content);
  // in front of the first block, which may be replaced: of two edits at one place the first is applied first
  if (content && isArrayAt(bytes, content.start) && !blocks.some((block) => isText(bytes, block)))
    edits.push({ start: content.start + 1, end: content.start + 1, text: text + (blocks.length > 0 ? ',' : '') });
  const { keyStart, start, end } = structured;
  if (isDated(version)) {
    // in the place of the content, where there is none
    const stays = content ? undefined : structured;
    edits.push(...removeMembers(list, (member) => member.key === 'structuredContent' && member !== stays));
    if (!content) edits.push({ start: keyStart, end, text: `"content":[${text}]` });
    return edits;
  }
  if (!content) edits.push({ start: keyStart, end: keyStart, text: `"content":[${text}],` });
  edits.push({ start, end: start, text: '{"result":' }, { start: end, end, text: '}' });
  return edits;
}

const blocksOf = (bytes: Buffer, content: Member | undefined): Span[] =>
  content && isArrayAt(bytes, content.start) ? elements(bytes, content.start) : [];

/** The one block that each message of a prompt holds. */
function messageBlocks(bytes: Buffer, messages: Member | undefined): Span[] {
  return blocksOf(bytes, messages).flatMap(({ start }) => {
    const content = isObjectAt(bytes, start) ? memberOf(members(bytes, start), 'content') : undefined;
    return content ? [content] : [];
  });
}

const isText = (bytes: Buffer, { start }: Span): boolean =>
  isObjectAt(bytes, start) && stringOf(bytes, members(bytes, start), 'type') === 'text';
