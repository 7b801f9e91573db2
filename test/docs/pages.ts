/** The pages that admins read, and the blocks in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** README.md and all of docs/ but the decisions, which tell of a day and are not kept up. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.startsWith('decisions'))
    .map((file) => `docs/${file.replaceAll('\\', '/')}`)
    .sort(),
];

/** What a comment above a block says of it: `<!-- file: my.yaml -->`. */
export interface Marks {
  /** It is written to this file, for the commands after it. */
  readonly file?: string;
  /** It is what the commands before it print, where `…` stands for any text. */
  readonly prints?: true;
  /** It is what the gateway that runs writes, sooner or later; `…` as above. */
  readonly logs?: true;
  /** It is made of texts of the sources, where `…` stands for any text. */
  readonly quoted?: true;
  /** The exit code of its last command, when that is not 0. */
  readonly exits?: string;
  /** A command that is run before it, where the reader did so on another page. */
  readonly needs?: string;
  /** It is not checked, and why. */
  readonly unchecked?: string;
}

export interface Block {
  readonly page: string;
  /** Of the fence, counted from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly marks: Marks;
}

const KINDS = ['file', 'prints', 'logs', 'quoted', 'exits', 'needs', 'unchecked'];

/** Every fenced block of a page, in order. @throws Error at a fence that does not end, or a mark that means nothing */
export function blocksOf(page: string, text = readFileSync(join(ROOT, page), 'utf8')): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^( *)```(\S*)$/.exec(lines[i]!);
    if (!fence) continue;
    const end = lines.findIndex((line, j) => j > i && line === `${fence[1]}\`\`\``);
    if (end < 0) throw new Error(`${page}:${i + 1}: the block does not end`);
    const inside = lines.slice(i + 1, end).map((line) => line.slice(fence[1]!.length));
    blocks.push({
      page,
      line: i + 1,
      language: fence[2]!,
      text: `${inside.join('\n')}\n`,
      marks: marksAbove(lines, i, page),
    });
    i = end;
  }
  return blocks;
}

function marksAbove(lines: readonly string[], fence: number, page: string): Marks {
  const marks: Record<string, string | true> = {};
  for (let i = fence - 1; i >= 0; i--) {
    const mark = /^ *<!-- ([a-z]+)(?:: (.+))? -->$/.exec(lines[i]!);
    if (!mark) break;
    if (!KINDS.includes(mark[1]!))
      throw new Error(`${page}:${i + 1}: no mark is called ${mark[1]}; there are ${KINDS}`);
    marks[mark[1]!] = mark[2] ?? true;
  }
  return marks;
}

/** Every block of every page. */
export const blocks: readonly Block[] = PAGES.flatMap((page) => blocksOf(page));

/** How a test names a block. */
export const nameOf = ({ page, line }: Block): string => `${page}:${line}`;
