/** JSON with comments and trailing commas, as VS Code and others write it, to JSON whose places are the same. */

/** A string, a comment of either kind, a byte order mark, or a comma that nothing follows. */
const PIECES =
  /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|^\uFEFF|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[}\]])|\t/g;

/** Blanks take the place of what JSON does not have, and of tabs, so that lines and columns stay. */
export function plainJson(text: string): string {
  return text.replace(PIECES, (piece) => (piece.startsWith('"') ? piece : piece.replace(/[^\n]/g, ' ')));
}
