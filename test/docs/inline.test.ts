/** What the pages name in passing: settings are in the schema, commands and their options are there. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { blocks, PAGES, ROOT } from './pages.ts';

interface Named {
  readonly place: string;
  readonly text: string;
}

/** Every text in backticks, outside of blocks and of headings, which may be messages. */
const inline: readonly Named[] = PAGES.flatMap((page) => {
  let inBlock = false;
  return readFileSync(join(ROOT, page), 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      if (/^ *```/.test(line)) inBlock = !inBlock;
      if (inBlock || line.startsWith('#')) return [];
      return [...line.matchAll(/`([^`]+)`/g)].map((m) => ({ place: `${page}:${i + 1}`, text: m[1]! }));
    });
});

const helps = new Map<string, string>();

describe('settings', () => {
  const pairs = pairsIn(configJsonSchema());
  const sections = new Set([...pairs].map((pair) => pair.split('.')[0]!));
  const named = inline.filter(
    ({ text }) => /^[a-z]\w*(\.[a-z]\w*)+$/i.test(text) && !/\.(ts|md|ya?ml|json|db|key|d)$/.test(text),
  );
  const settings = named.filter(({ text }) => sections.has(text.split('.')[0]!));

  test('are named often enough to be found', () => {
    expect(settings.length).toBeGreaterThan(60);
  });

  test.each(settings.map(({ place, text }) => [place, text]))('%s: %s is in the schema', (_place, text) => {
    const keys = text.split('.');
    for (let i = 1; i < keys.length; i++) expect(pairs).toContain(`${keys[i - 1]}.${keys[i]}`);
  });
});

/** Every key as `section.key`, wherever the section stands. */
function pairsIn(schema: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (node: unknown, section: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties } = node as { properties?: Readonly<Record<string, unknown>> };
    for (const [key, value] of Object.entries(properties ?? {})) {
      found.add(`${section}.${key}`);
      visit(value, key);
    }
    for (const [key, value] of Object.entries(node)) if (key !== 'properties') visit(value, section);
  };
  visit(schema, '');
  return found;
}

describe('commands', () => {
  const known = [...helpOf([]).matchAll(/^ {2}([a-z-]+)(?: \[| <| {2})/gm)].map((m) => m[1]!);
  const inBlocks = blocks
    .filter(({ language, marks }) => language === 'sh' && marks.unchecked !== undefined)
    .flatMap(({ page, line, text }) =>
      text
        .replaceAll('\\\n', ' ')
        .split('\n')
        .map((command) => ({ place: `${page}:${line}`, text: command })),
    );
  /** What follows `patchbay`: in backticks, whatever it is; in blocks, where other programs are named too, a command. */
  const uses = [
    ...inline.map((one) => ({ ...one, used: /^(?:npx )?patchbay ([a-z-]+(?: .*)?)$/.exec(one.text)?.[1] })),
    ...inBlocks.map((one) => ({
      ...one,
      used: new RegExp(`.* patchbay ((?:${known.join('|')}) .*)$`).exec(one.text)?.[1],
    })),
  ].flatMap(({ place, used }) => (used === undefined ? [] : [{ place, text: used }]));

  test('are named often enough to be found', () => {
    expect(uses.length).toBeGreaterThan(15);
  });

  test.each(uses.map(({ place, text }) => [place, text]))('%s: patchbay %s', (_place, text) => {
    const words = text.split(/[\s[\]…|\\]+/);
    const [group, word] = words as [string, string | undefined];
    const subcommand = /^(user|key|signing-key)$/.test(group) && /^[a-z]+$/.test(word ?? '') ? [group, word!] : [group];
    // the help of a command that is not there is an error
    const help = helpOf(subcommand);
    expect(help).toContain(`Usage: patchbay ${subcommand.join(' ')}`);
    for (const option of text.match(/(?<=^|[\s[])--[a-z-]+/g) ?? []) expect(help).toMatch(new RegExp(`${option}\\b`));
  });
});

/** What `--help` prints, once for each command. */
function helpOf(command: readonly string[]): string {
  const name = command.join(' ');
  const known = helps.get(name);
  if (known !== undefined) return known;
  const help = execFileSync(process.execPath, [join(ROOT, 'dist/cli.js'), ...command, '--help'], { encoding: 'utf8' });
  helps.set(name, help);
  return help;
}
