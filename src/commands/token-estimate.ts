/**
 * About how many tokens a text is for a model. Tokenizers differ between models, and not all are public; this counts the
 * parts that byte pair encodings make of JSON and prose. Measured against o200k_base (GPT-4o and later) in
 * test/commands/token-estimate.test.ts: no tool definition is off by more than a fifth, and a list of them by a tenth.
 */

/** Words, words of scripts without spaces, numbers, punctuation, and white space that is more than one blank. */
const PARTS =
  /([A-Za-z]+)|([\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}]+)|(\p{L}[\p{L}\p{M}]*)|(\p{N}+)|([^\p{L}\p{N}\s]+)|(\s{2,}|\n)/gu;

/** Characters that one token stands for, by the part of {@link PARTS}. */
const PER_TOKEN = [8, 1.4, 5, 3, 4, 8] as const;

/** @returns whole tokens */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const match of text.matchAll(PARTS)) {
    const part = match.slice(1).findIndex((group) => group !== undefined);
    tokens += Math.ceil(match[0].length / PER_TOKEN[part]!);
  }
  return tokens;
}
