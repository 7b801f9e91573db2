/** Results as clients of older versions know them: what came later is put into words that they have. */
import type { Edit } from '../../protocol/json/edit.ts';
import { removeMembers } from '../../protocol/json/edit.ts';
import {
  elements,
  isArrayAt,
  isObjectAt,
  isStringAt,
  type Member,
  memberOf,
  members,
  textOf,
} from '../../protocol/json/scan.ts';
import type { Message } from '../../protocol/message.ts';
import type { LegacyVersion } from '../../protocol/versions.ts';

/** Blocks of content, by the version that they came with. */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['audio', '2025-03-26'],
  ['resource_link', '2025-06-18'],
]);

/** Whether results for clients of a version may have to be changed at all. */
export const isDated = (version: string): boolean => version < '2025-06-18';

/**
 * The edits of a result for a legacy client.
 * @param wrap whether the structured content goes into an object, see `wrapsOutput`
 */
export function resultFor(version: LegacyVersion, { bytes, result }: Message, wrap: boolean): Edit[] {
  if (!result || !isObjectAt(bytes, result.start)) return [];
  const list = members(bytes, result.start);
  const edits: Edit[] = [];
  for (const key of ['content', 'messages']) {
    const at = memberOf(list, key);
    if (!at || !isArrayAt(bytes, at.start) || !isDated(version)) continue;
    for (const { start, end } of elements(bytes, at.start)) {
      const item = isObjectAt(bytes, start) ? members(bytes, start) : [];
      const block = key === 'content' ? { start, end, list: item } : blockIn(bytes, memberOf(item, 'content'));
      const text = block && wordsFor(version, bytes, block.list);
      if (text !== undefined) edits.push({ start: block!.start, end: block!.end, text });
    }
  }
  const structured = memberOf(list, 'structuredContent');
  if (!structured) return edits;
  if (isDated(version)) edits.push(...removeMembers(list, ({ key }) => key === 'structuredContent'));
  else if (wrap) {
    edits.push({ start: structured.start, end: structured.start, text: '{"result":' });
    edits.push({ start: structured.end, end: structured.end, text: '}' });
  }
  const content = memberOf(list, 'content');
  // clients that take no structured content, or find it changed, read the text
  if ((wrap || isDated(version)) && content && isArrayAt(bytes, content.start) && !hasText(bytes, content.start)) {
    const text = JSON.stringify({ type: 'text', text: bytes.toString('utf8', structured.start, structured.end) });
    const comma = elements(bytes, content.start).length > 0 ? ',' : '';
    edits.push({ start: content.start + 1, end: content.start + 1, text: text + comma });
  }
  return edits;
}

function blockIn(bytes: Buffer, content: Member | undefined) {
  if (!content || !isObjectAt(bytes, content.start)) return undefined;
  return { start: content.start, end: content.end, list: members(bytes, content.start) };
}

/** What is said in place of a block that came after the version; `undefined` for the others. */
function wordsFor(version: string, bytes: Buffer, list: readonly Member[]): string | undefined {
  const string = (key: string): string | undefined => {
    const at = memberOf(list, key);
    return at && isStringAt(bytes, at.start) ? textOf(bytes, at.start, at.end) : undefined;
  };
  const type = string('type');
  const since = type === undefined ? undefined : SINCE.get(type);
  if (since === undefined || version >= since) return undefined;
  if (type === 'resource_link') {
    const name = string('title') ?? string('name');
    return textBlock(name === undefined ? `${string('uri')}` : `${name}: ${string('uri')}`);
  }
  const size = Math.floor(((string('data')?.length ?? 0) * 3) / 4);
  return textBlock(`[${string('mimeType') ?? 'audio'}, ${size} bytes]`);
}

const textBlock = (text: string): string => JSON.stringify({ type: 'text', text });

function hasText(bytes: Buffer, at: number): boolean {
  return elements(bytes, at).some(({ start }) => {
    const type = isObjectAt(bytes, start) ? memberOf(members(bytes, start), 'type') : undefined;
    return type !== undefined && bytes.toString('utf8', type.start, type.end) === '"text"';
  });
}
