/**
 * A golden file: a config, then sections that start with a line `=== name`.
 *
 *     === env            NAME=value lines: all the environment there is
 *     === file PATH      a file beside the config; in conf.d it is part of it
 *     === configs        further config files, one a line, as the command line names them
 *     === overrides      JSON: settings of the command line
 *     === problems       the expected problems, formatted; without this section the config must be valid
 *     === warnings       the expected warnings, formatted; none without this section
 *     === config         `path = JSON` lines that must hold; others may hold as well
 *     === whole config   the same, and no others
 *
 * In expected texts and in the environment, <folder> stands for the folder that the config is in.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { dotted, formatProblem } from '../../src/config/problems.ts';

export interface Golden {
  readonly input: string;
  readonly sections: ReadonlyMap<string, string>;
}

export interface Outcome {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** `path = JSON` of every value that is no mapping and no list with items. */
  readonly config: readonly string[];
}

export function readGolden(text: string): Golden {
  const [input = '', ...rest] = text.split(/^=== (.*)\n/m);
  const sections = new Map<string, string>();
  for (let i = 0; i < rest.length; i += 2) sections.set(rest[i] ?? '', rest[i + 1] ?? '');
  return { input, sections };
}

export function linesOf(section: string | undefined): string[] {
  return (section ?? '').split('\n').filter((line) => line !== '');
}

export function envOf({ sections }: Golden, folder = '<folder>'): Record<string, string> {
  const lines = linesOf(sections.get('env')?.replaceAll('<folder>', folder));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

/** Runs the config through the real loader, with its files in a folder of their own. */
export function run(golden: Golden): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-golden-'));
  try {
    for (const [section, content] of golden.sections) {
      if (!section.startsWith('file ')) continue;
      const file = join(folder, section.slice('file '.length));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    const overrides = JSON.parse(golden.sections.get('overrides') ?? '{}');
    const file = join(folder, 'patchbay.yaml');
    writeFileSync(file, golden.input);
    const more = linesOf(golden.sections.get('configs')).map((name) => join(folder, name));
    const result = loadConfig([file, ...more], { env: envOf(golden, folder), overrides });
    const format = (problem: Parameters<typeof formatProblem>[0]) =>
      formatProblem(problem, 'patchbay.yaml').replaceAll(folder, '<folder>');
    if (!result.ok) return { problems: result.problems.map(format), warnings: [], config: [] };
    return { problems: [], warnings: result.warnings.map(format), config: flatten(result.config, []) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function flatten(value: unknown, path: readonly (string | number)[]): string[] {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    return [`${dotted(path)} = ${JSON.stringify(value)}`];
  }
  return Object.entries(value).flatMap(([key, item]) =>
    flatten(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
