import { hash } from 'node:crypto';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const FIRST = 8;
const STEP = 4;

/** A stable fingerprint of any string, lone surrogates included: 32 characters of [a-z2-7], five bits of SHA-256 each. */
export function digest(text: string): string {
  let out = '';
  for (const byte of hash('sha256', Buffer.from(text, 'utf16le'), 'buffer')) out += BASE32[byte & 31];
  return out;
}

/**
 * A readable head, a joiner and a hash: what stands for a text that cannot be used as it is.
 * @param head the readable part, cut as far as needed
 * @param key what the hash is taken of
 * @param attempt 0 gives a hash of 8 characters; each further one another and longer hash, for use after a clash
 * @param room the longest answer wanted; a hash does not pass it either
 */
export function hashedForm(head: string, joiner: string, key: string, attempt: number, room: number): string {
  const size = Math.min(FIRST + STEP * attempt, room);
  const mark = digest(attempt === 0 ? key : `${key}\0${attempt}`).slice(0, size);
  const cut = head.slice(0, Math.max(0, room - mark.length - joiner.length));
  return cut === '' ? mark : `${cut}${joiner}${mark}`;
}

/**
 * The first of `form(0)`, `form(1)`, … that is not in `taken`.
 * Ends as long as `form` goes on giving new strings, which a hash over the attempt does.
 */
export function firstFree(taken: { has(text: string): boolean }, form: (attempt: number) => string): string {
  for (let attempt = 0; ; attempt++) {
    const text = form(attempt);
    if (!taken.has(text)) return text;
  }
}
