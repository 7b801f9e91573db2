/** Sampling as clients before 2025-11-25 know it: messages of one block each, and no use of tools. */
import { applyEdits, type Edit, removeMembers } from '../../protocol/json/edit.ts';
import { elements, isArrayAt, isObjectAt, memberOf, members, type Span } from '../../protocol/json/scan.ts';
import { olderBlock, stringOf } from './blocks.ts';

const OF_TOOLS = new Set(['tool_use', 'tool_result']);

/**
 * The params of a `sampling/createMessage` for a client of a version.
 * @param params their JSON text
 * @returns the same bytes when nothing is to be changed; `undefined` when such a client cannot be asked this
 */
export function samplingFor(version: string, params: Buffer): Buffer | undefined {
  if (version >= '2025-11-25') return params;
  const messages = memberOf(members(params, 0), 'messages');
  if (!messages || !isArrayAt(params, messages.start)) return params;
  const list = elements(params, messages.start).map((span) => ({ ...span, key: '', keyStart: span.start }));
  const edits: Edit[] = [];
  const empty = new Set<Span>();
  for (const message of list) {
    const content = isObjectAt(params, message.start) ? memberOf(members(params, message.start), 'content') : undefined;
    if (!content) continue;
    const several = isArrayAt(params, content.start);
    const blocks = several ? elements(params, content.start) : [content];
    const words = blocks.map((block) => wordsFor(version, params, block));
    if (words.includes(undefined)) return undefined;
    if (blocks.length === 0) empty.add(message);
    else if (several) {
      const { start, end } = message;
      edits.push({ start, end, text: inMessages(params, message, content, words as string[]) });
    } else if (words[0] !== raw(params, content))
      edits.push({ start: content.start, end: content.end, text: words[0]! });
  }
  // a message that says nothing is none
  edits.push(...removeMembers(list, (message) => empty.has(message)));
  return edits.length === 0 ? params : applyEdits(params, edits);
}

/** The message once for each block. */
function inMessages(bytes: Buffer, message: Span, content: Span, blocks: readonly string[]): string {
  const { start, end } = content;
  return blocks.map((text) => String(applyEdits(bytes, [{ start, end, text }], message.start, message.end))).join(',');
}

/** The block as the version has it; `undefined` when it is about tools. */
function wordsFor(version: string, bytes: Buffer, block: Span): string | undefined {
  if (!isObjectAt(bytes, block.start)) return raw(bytes, block);
  const list = members(bytes, block.start);
  if (OF_TOOLS.has(stringOf(bytes, list, 'type') ?? '')) return undefined;
  return olderBlock(version, bytes, list) ?? raw(bytes, block);
}

const raw = (bytes: Buffer, { start, end }: Span): string => bytes.toString('utf8', start, end);
