/** Values of the `Mcp-Name` and `Mcp-Param-*` headers (2026-07-28, Streamable HTTP, value encoding). */

const OPEN = '=?base64?';
const CLOSE = '?=';
const PLAIN = /^[\x20-\x7e]*$/;
const VISIBLE = /^[\t\x20-\x7e]*$/;

/** The header value that stands for a text: the text itself where a header can carry it, else its UTF-8 in Base64. */
export function encodeHeaderValue(text: string): string {
  if (text !== '' && PLAIN.test(text) && text.trim() === text && !isEncoded(text)) return text;
  return OPEN + Buffer.from(text, 'utf8').toString('base64') + CLOSE;
}

/** The text that a header value stands for; `undefined` when it holds characters that no value may, or broken Base64. */
export function decodeHeaderValue(raw: string): string | undefined {
  if (!VISIBLE.test(raw)) return undefined;
  if (!isEncoded(raw)) return raw;
  const base64 = raw.slice(OPEN.length, -CLOSE.length);
  const bytes = Buffer.from(base64, 'base64');
  // one spelling only: alphabet, padding and unused bits are all as the standard has them
  if (bytes.toString('base64') !== base64) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The value without the blanks around it, which do not belong to it (RFC 9110, 5.5); blanks are spaces and tabs alone. */
export function withoutBlanks(raw: string): string {
  let start = 0;
  let end = raw.length;
  while (isBlank(raw[start])) start++;
  while (end > start && isBlank(raw[end - 1])) end--;
  return raw.slice(start, end);
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';

const isEncoded = (text: string): boolean =>
  text.length >= OPEN.length + CLOSE.length && text.startsWith(OPEN) && text.endsWith(CLOSE);
