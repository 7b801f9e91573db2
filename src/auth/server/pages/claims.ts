/**
 * What clients say of themselves, made fit to be shown: letters, digits and plain punctuation on one line, and not too
 * many. What could draw a badge, turn the direction of writing or push the rest of the page away is left out.
 */
import { domainToASCII } from 'node:url';

const NAME_LENGTH = 60;
const ADDRESS_LENGTH = 300;
/** More marks than that on one letter run over the lines above and below. */
const MARKS = 3;

const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\u2800]/gu;
const BLANKS = /[\p{Zs}\p{Zl}\p{Zp}\p{Cc}]+/gu;
/** Symbols, such as ticks, locks and emoji, apart from those of plain text. */
const DRAWN = /[^\p{L}\p{M}\p{N}\p{P}\p{Sc}\p{Zs}+<>=|~^`]/gu;
const HEAP = new RegExp(`(\\p{M}{${MARKS}})\\p{M}+`, 'gu');
/** Visible ASCII, which is all that a URL consists of. */
const NOT_OF_URL = /[^\x21-\x7e]/gu;

/** @returns the name, or `undefined` when nothing of it can be shown */
export function cleanName(name: string): string | undefined {
  const text = name
    .slice(0, 10 * NAME_LENGTH)
    .toWellFormed()
    .normalize('NFC')
    .replace(BLANKS, ' ')
    .replace(INVISIBLE, '')
    .replace(DRAWN, '')
    // what is left out may have kept letters and marks apart that belong together
    .normalize('NFC')
    .replace(HEAP, '$1')
    .replace(/ +/g, ' ')
    .trim();
  return /[\p{L}\p{N}]/u.test(text) ? cut(text, NAME_LENGTH) : undefined;
}

/**
 * A host as it is looked up, so that letters that only look like others are seen. It is never cut: its end is what counts.
 * @returns `undefined` when it is none
 */
export function cleanHost(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const [, name = '', port = ''] = /^(.*?)(:\d{1,5})?$/s.exec(host)!;
  const ascii = /^\[[0-9a-f:.]+\]$/i.test(name)
    ? name.toLowerCase()
    : /[/?#@:%\\]/.test(name)
      ? ''
      : domainToASCII(name);
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})$/.test(ascii) ? ascii + port : undefined;
}

/** A URL as text; in one that is too long the end is missing. */
export const cleanUrl = (url: string): string => cut(url.replace(NOT_OF_URL, '�'), ADDRESS_LENGTH);

function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length
    ? text
    : `${characters
        .slice(0, length - 1)
        .join('')
        .trimEnd()}…`;
}
