/** Text in columns. */

/** @returns a line for the heads and one for each row, columns two blanks apart; characters that steer terminals are left out */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  const all = [heads, ...rows].map((cells) => cells.map((cell) => cell.replace(/[\u0000-\u001f\u007f-\u009f]/g, '')));
  const widths = heads.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const lines = all.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
