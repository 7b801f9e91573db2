/** Patterns of names, in which `*` stands for any text. */

/** Whether a text is a pattern rather than a name. */
export const isGlob = (text: string): boolean => text.includes('*');

/** @returns whether a text fits the pattern; in time that grows with its length, whatever the pattern */
export function globMatcher(glob: string): (text: string) => boolean {
  const [head = '', ...parts] = glob.split('*');
  const tail = parts.pop();
  if (tail === undefined) return (text) => text === glob;
  return (text) => {
    const end = text.length - tail.length;
    if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    let from = head.length;
    for (const part of parts) {
      const at = text.indexOf(part, from);
      if (at < 0 || at + part.length > end) return false;
      from = at + part.length;
    }
    return true;
  };
}
