/** Every block of the pages is of a kind that is checked, or says why not; configs and JSON are read as the real ones are. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import { parseUsers } from '../../src/auth/users-file.ts';
import { parseConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problems.ts';
import { type Block, blocks, blocksOf, nameOf, PAGES, ROOT } from './pages.ts';
import { hasLines, unknownParts } from './quotes.ts';

/** The languages that have a check of their own, and where it is. */
const CHECKED = ['sh', 'yaml', 'json', 'nginx', 'caddyfile'];

test.each(PAGES)('%s: every block is checked, or says why it is not', (page) => {
  for (const block of blocksOf(page)) {
    const { language, marks } = block;
    if (marks.unchecked !== undefined) expect(marks.unchecked, nameOf(block)).toMatch(/^.{12,}$/);
    else if (!marks.prints && !marks.logs && !marks.quoted && !marks.file)
      expect(CHECKED, nameOf(block)).toContain(language);
  }
});

const checked = (language: string): Block[] =>
  blocks.filter((block) => block.language === language && block.marks.unchecked === undefined);

describe('YAML', () => {
  test.each(checked('yaml').map((block) => [nameOf(block), block] as const))('%s is right', (_name, { text, page }) => {
    const keys = topKeys(text);
    if (keys.includes('users'))
      expect(parseUsers(text.replace('scrypt$32768$8$3$…', HASH), page).size).toBeGreaterThan(0);
    else if (keys.includes('ingress')) expect(problemsOf(chartConfig(text))).toEqual([]);
    else expect(problemsOf(text)).toEqual([]);
  });
});

describe('JSON', () => {
  test.each(checked('json').map((block) => [nameOf(block), block] as const))('%s is right', (_name, { text }) => {
    const value = JSON.parse(text) as Record<string, unknown>;
    // what hosts have is what Patchbay imports; a line of the log is JSON and no more
    if ('mcpServers' in value || 'servers' in value) expect(problemsOf(text, ELSEWHERE)).toEqual([]);
    else if ('level' in value) expect(unknownParts(String(value.msg))).toEqual([]);
  });
});

/** Where a host's file may lead to the Patchbay of the pages. */
const ELSEWHERE = { port: 1 };

const HASH = `scrypt$32768$8$3$${'A'.repeat(22)}$${'A'.repeat(43)}`;

const topKeys = (text: string): string[] => {
  const { contents } = parseDocument(text);
  return isMap(contents) ? contents.items.flatMap(({ key }) => (isScalar(key) ? [String(key.value)] : [])) : [];
};

/** The config in values of the chart, which a null takes something out of. */
const chartConfig = (text: string): string => {
  const { config } = parse(text) as { config: object };
  return JSON.stringify(config, (_key, value: unknown) => value ?? undefined);
};

/** The problems of a config, or of a part of one, where each secret that it names is there. */
function problemsOf(text: string, overrides = {}): string[] {
  const present = text.replace(/\$\{(?:file|secret):[^}]+\}/g, '${env:SECRET}');
  const names = [...present.matchAll(/\$\{env:(\w+)/g)].map(([, name]) => [
    name!,
    'a text of thirty-two characters or more',
  ]);
  const loaded = parseConfig(present, { file: 'block', env: Object.fromEntries(names), overrides });
  return loaded.ok ? [] : loaded.problems.map((problem) => formatProblem(problem, 'block'));
}

describe('quotations', () => {
  const quoted = blocks.filter(({ marks }) => marks.quoted);

  test.each(quoted.map((block) => [nameOf(block), block] as const))('%s is what the sources say', (_name, { text }) => {
    expect(unknownParts(text)).toEqual([]);
  });

  // in tables and headings, a text in backticks with spaces in it is one that is quoted, unless it is a command
  const inline = ['docs/troubleshooting.md', 'docs/hosts.md'].flatMap((page) =>
    readFileSync(join(ROOT, page), 'utf8')
      .split('\n')
      .flatMap((line, i) => {
        const first = /^(?:\| |#{2,4} )(?:\d{3} )?`([^`]+ [^`]+)`/.exec(line);
        return first ? [[`${page}:${i + 1}`, first[1]!] as const] : [];
      }),
  );

  test.each(inline)('%s: `%s` is what the sources say', (_place, text) => {
    expect(unknownParts(text)).toEqual([]);
  });

  test('are found to be wrong when they are', () => {
    expect(unknownParts('Host "…" is not in the allow-list; add it to …')).toEqual([]);
    expect(unknownParts('Host "…" is not on the list')).toEqual(['" is not on the list']);
  });
});

describe('links', () => {
  test.each(PAGES)('%s: lead to files that are there', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const targets = [...text.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(([, path]) => !/^\w+:/.test(path!));
    for (const [whole, path, anchor] of targets) {
      const target = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path!);
      expect(existsSync(target), whole).toBe(true);
      if (anchor !== undefined && target.endsWith('.md')) expect(anchorsOf(target), whole).toContain(anchor);
    }
  });
});

/** The anchors of headings, as GitHub makes them. */
const anchorsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('what blocks are compared by', () => {
  test('finds lines in their order, with text left out', () => {
    expect(hasLines('one\n  two: 2\nthree\n', 'one\n…\nt…: 2\n')).toBe(true);
    expect(hasLines('one\ntwo\n', 'two\none\n')).toBe(false);
    expect(hasLines('one (1)\n', 'one (2)\n')).toBe(false);
  });

  test('takes marks and indented blocks apart', () => {
    const text = '- a\n\n  <!-- file: x.yaml -->\n  ```yaml\n  a:\n    b: 1\n  ```\n';
    expect(blocksOf('page', text)).toEqual([
      { page: 'page', line: 4, language: 'yaml', text: 'a:\n  b: 1\n', marks: { file: 'x.yaml' } },
    ]);
    expect(() => blocksOf('page', '<!-- fiel: x -->\n```sh\n```\n')).toThrow('no mark is called fiel');
    expect(() => blocksOf('page', '```sh\nls\n')).toThrow('page:1: the block does not end');
  });
});
