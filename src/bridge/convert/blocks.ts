/** Blocks of content that came with a later version, in words that older clients have. */
import { isStringAt, type Member, memberOf, textOf } from '../../protocol/json/scan.ts';

/** By type: the version that they came with. */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['audio', '2025-03-26'],
  ['resource_link', '2025-06-18'],
]);

/**
 * What is said to a client of a version in place of a block.
 * @param list the block's members
 * @returns the JSON text of another block; `undefined` when the version has the block as it is
 */
export function olderBlock(version: string, bytes: Buffer, list: readonly Member[]): string | undefined {
  const type = stringOf(bytes, list, 'type');
  const since = type === undefined ? undefined : SINCE.get(type);
  if (since === undefined || version >= since) return undefined;
  if (type === 'resource_link') {
    const name = stringOf(bytes, list, 'title') ?? stringOf(bytes, list, 'name');
    const uri = stringOf(bytes, list, 'uri');
    return textBlock([name, uri].filter((part) => part !== undefined).join(': '));
  }
  const size = Buffer.byteLength(stringOf(bytes, list, 'data') ?? '', 'base64');
  return textBlock(`[${stringOf(bytes, list, 'mimeType') ?? 'audio'}, ${size} bytes]`);
}

/** The JSON text of a block of text. */
export const textBlock = (text: string): string => JSON.stringify({ type: 'text', text });

/** The text of the string member `key`; `undefined` when there is no such string. */
export function stringOf(bytes: Buffer, list: readonly Member[], key: string): string | undefined {
  const at = memberOf(list, key);
  return at && isStringAt(bytes, at.start) ? textOf(bytes, at.start, at.end) : undefined;
}
