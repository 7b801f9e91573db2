/** What holds for the source as a whole: which way imports point, how long files are, that exports are explained. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = new URL('../src/', import.meta.url);

const files: ReadonlyMap<string, string> = new Map(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .map((file) => [file, readFileSync(new URL(file, root), 'utf8')]),
);

/**
 * The parts of Patchbay from the top down; a part may import those on lower floors, and parts on one floor do not import
 * each other. `bridge` stands above `sessions` because a round is asked on the streams of a session.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['cli.ts'],
  ['main.ts'],
  ['commands'],
  ['gateway'],
  ['methods'],
  ['bridge'],
  ['sessions', 'namespace', 'auth'],
  ['upstreams'],
  ['protocol'],
];

/** What anyone may import, and what each of them may import beside itself. */
const LEAVES: ReadonlyMap<string, readonly string[]> = new Map([
  ['config', []],
  ['telemetry', []],
  ['errors.ts', []],
  ['storage', ['config', 'telemetry', 'errors.ts']],
]);

/** The part that a file belongs to: its top folder, or the file itself where it stands beside the folders. */
const partOf = (file: string): string => file.split('/', 1)[0]!;

const floorOf = (part: string): number => FLOORS.findIndex((floor) => floor.includes(part));

/** A file's imports of other source files, also those of types and those at run time. */
function importsOf(file: string): string[] {
  const text = files.get(file)!;
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g);
  return [...found].map((match) => posix.join(posix.dirname(file), match[1]!));
}

const imports = new Map([...files.keys()].map((file) => [file, importsOf(file)]));

/** The code of a file without comments, strings and regular expressions that look like strings. */
const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g, "''")
    .replace(/\/\/.*$/gm, '');

describe('imports', () => {
  test('lead to files that are there', () => {
    expect(imports.get('main.ts')).not.toEqual([]);
    const lost = [...imports].flatMap(([file, list]) =>
      list.filter((to) => !files.has(to)).map((to) => `${file} → ${to}`),
    );
    expect(lost).toEqual([]);
  });

  test('every part has its floor', () => {
    const parts = new Set([...files.keys()].map(partOf));
    expect([...parts].filter((part) => floorOf(part) < 0 && !LEAVES.has(part))).toEqual([]);
  });

  test('point one way: down, and between neighbours not at all', () => {
    const wrong = [...imports].flatMap(([file, list]) =>
      list
        .filter((to) => {
          const [from, into] = [partOf(file), partOf(to)];
          if (from === into) return false;
          const allowed = LEAVES.get(from);
          if (allowed) return !allowed.includes(into);
          return !LEAVES.has(into) && floorOf(into) <= floorOf(from);
        })
        .map((to) => `${file} → ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('make no circle, those of types included', () => {
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      const at = path.indexOf(file);
      if (at >= 0) circles.push([...path.slice(at), file].join(' → '));
      if (at >= 0 || done.has(file)) return;
      for (const to of imports.get(file) ?? []) visit(to, [...path, file]);
      done.add(file);
    };
    for (const file of files.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('the protocol does no input or output', () => {
    const modules = [...files].flatMap(([file, text]) =>
      partOf(file) === 'protocol' ? [...text.matchAll(/from '([^.'][^']*)'/g)].map((m) => `${file}: ${m[1]}`) : [],
    );
    expect(modules.filter((line) => !line.endsWith(': node:buffer'))).toEqual([]);
  });
});

describe('files', () => {
  test('have at most 300 lines: what passes that is two ideas', () => {
    const long = [...files].flatMap(([file, text]) => {
      const lines = text.split('\n').length - 1;
      return lines > 300 ? [`${file}: ${lines}`] : [];
    });
    expect(long).toEqual([]);
  });

  test('know no `any`', () => {
    const found = [...files].flatMap(([file, text]) =>
      codeOf(text)
        .split('\n')
        .filter((line) => /(?::|\bas|<|,|\||=>)\s*any\b/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
  });

  test('leave nothing for later', () => {
    const notes = [...files].filter(([, text]) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text)).map(([file]) => file);
    expect(notes).toEqual([]);
  });
});

test('every exported function and class is explained: by a comment above it, or one by that of its file', () => {
  const silent = [...files].flatMap(([file, text]) => {
    const lines = text.split('\n');
    const exported = lines.flatMap((line, i) => {
      const name = /^export (?:default )?(?:async )?(?:abstract )?(?:function\*?|class) (\w+)/.exec(line)?.[1];
      return name === undefined ? [] : [{ name, explained: /\*\/\s*$|^\s*\/\/ /.test(lines[i - 1] ?? '') }];
    });
    // the comment at the top of a file stands for one thing that the file is about
    const covered = /^(#!.*\n)?\/\*\*/.test(text) ? 1 : 0;
    return exported.flatMap(({ name, explained }) => (explained ? [] : [`${file}: ${name}`])).slice(covered);
  });
  expect(silent).toEqual([]);
});
