/** Several patterns, of which one must fit. */
import { globMatcher } from '../config/glob.ts';

/** @returns whether a text fits one of the patterns, in which `*` stands for any text */
export function anyOf(globs: readonly string[]): (text: string) => boolean {
  const patterns = globs.map(globMatcher);
  return (text) => patterns.some((pattern) => pattern(text));
}
