/** Patterns in which `*` stands for any text. */

/** @returns whether a text fits one of the patterns */
export function anyOf(globs: readonly string[]): (text: string) => boolean {
  const patterns = globs.map(patternOf);
  return (text) => patterns.some((pattern) => pattern(text));
}

/** Without regular expressions, which take long for some texts. */
export function patternOf(glob: string): (text: string) => boolean {
  const [first = '', ...rest] = glob.split('*');
  const last = rest.pop();
  if (last === undefined) return (text) => text === glob;
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
