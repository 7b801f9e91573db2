/** Texts that Patchbay may write, taken from its sources, and whether a quotation is made of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './pages.ts';

/** The texts between quotes and backticks of all source files, with `…` for what is filled in. */
const texts: readonly string[] = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => literalsOf(readFileSync(join(ROOT, 'src', file), 'utf8')));

/** Each line of them as what fits it, where enough of it is not filled in. */
const lines: readonly RegExp[] = texts
  .flatMap((text) => text.split(/\n|\\n/))
  .filter((line) => line.replace(/[^a-z]/gi, '').length >= 8)
  .map((line) => pattern(line.trim()));

function literalsOf(source: string): string[] {
  const code = source.replace(/^\s*(?:\/?\*\*?|\/\/).*$/gm, '');
  // texts that stand on several lines are one
  const joined = code.replace(/(['`])\s*\+\s*\1/g, '');
  const found = [...joined.matchAll(/'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`/g)].map((m) => m[1] ?? m[2]!);
  return found.flatMap(variants).map((text) => text.replace(/\{\w+\}/g, '…').replace(/\\(['`$])/g, '$1'));
}

/** A template with its placeholders left out; one that chooses between texts, with each of these. */
function variants(template: string): string[] {
  const hole = /\$\{((?:[^{}]|\{[^{}]*\})*)\}/.exec(template);
  if (!hole) return [template];
  const [before, after] = [template.slice(0, hole.index), template.slice(hole.index + hole[0].length)];
  const choices = / \? /.test(hole[1]!) ? [...hole[1]!.matchAll(/'([^']*)'/g)].map((m) => m[1]!) : [];
  const rest = variants(after);
  return ['…', ...choices].flatMap((choice) => rest.map((tail) => `${before}${choice}${tail}`)).slice(0, 32);
}

/** What a text fits, where `…` stands for any. */
function pattern(text: string): RegExp {
  return new RegExp(`^\\s*${text.split('…').map(escaped).join('.*')}\\s*$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** What stands before a line of the log on a terminal, and a member of it below. */
const TIME = /^\[[\d:.]+\] [A-Z]+: /;
const MEMBER = /^ {4}\w+: ["\d[{].*$/;

/**
 * The parts of a quotation that are in no source.
 * @param quotation lines of text; `…` stands for what is filled in, and `; ` and `: ` may join two texts
 */
export function unknownParts(quotation: string): string[] {
  return quotation
    .split('\n')
    .filter((line) => !MEMBER.test(line))
    .map((line) => line.replace(TIME, '').trim())
    .filter((line) => line !== '' && !lines.some((known) => known.test(line)))
    .flatMap((line) => line.split(/…|; |: /))
    .map((part) => part.trim())
    .filter((part) => /[a-z]{3}/i.test(part) && !texts.some((text) => text.includes(part)));
}

/** Whether a text has these lines in their order, where `…` stands for any text. */
export function hasLines(text: string, wanted: string): boolean {
  const all = text.split('\n');
  let from = 0;
  return wanted
    .split('\n')
    .filter((line) => !['', '…'].includes(line.trim()))
    .every((line) => {
      const found = all.findIndex((candidate, i) => i >= from && pattern(line.trim()).test(candidate));
      from = found + 1;
      return found >= 0;
    });
}
