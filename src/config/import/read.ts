/** A file of an app to the servers in it, as they are written there. */
import { readFileSync } from 'node:fs';
import { readYaml } from '../yaml.ts';
import { type App, appOf, mapping, projectOf } from './apps.ts';
import { plainJson } from './jsonc.ts';

/** One server of a file. */
export interface Entry {
  readonly name: string;
  readonly app: App;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Absent where the app keeps it for all projects. */
  readonly project?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What VS Code asks the user for, in place of `${input:id}`. */
export interface Input {
  readonly id: string;
  readonly description?: string;
  readonly secret: boolean;
  readonly preset?: string;
  readonly choices?: readonly string[];
}

export interface AppFile {
  readonly app: App;
  readonly entries: readonly Entry[];
  readonly inputs: readonly Input[];
}

/** A file cannot be read; the message is for the person who named it. */
export class ImportProblem extends Error {}

/** Where the servers of a file are, and what VS Code asks for beside them. */
const BLOCKS: readonly { readonly servers: readonly string[]; readonly inputs?: readonly string[] }[] = [
  { servers: ['mcpServers'] },
  { servers: ['servers'], inputs: ['inputs'] },
  { servers: ['mcp', 'servers'], inputs: ['mcp', 'inputs'] },
  { servers: ['settings', 'mcp', 'servers'], inputs: ['settings', 'mcp', 'inputs'] },
];

/**
 * Reads one.
 * @param home the home folder
 * @throws ImportProblem
 */
export function readAppFile(file: string, home: string): AppFile {
  const { value, locate } = parse(file);
  const data = mapping(value);
  const app = appOf(file, data);
  const project = projectOf(file, app, home);
  const at = (path: readonly string[]): unknown => path.reduce<unknown>((from, key) => mapping(from)[key], data);
  const entriesAt = (path: readonly string[], within: string | undefined): Entry[] =>
    Object.entries(mapping(at(path))).map(([name, entry]) => {
      const line = locate([...path, name])?.line ?? 1;
      return { name, app, file, line, ...(within !== undefined && { project: within }), data: mapping(entry) };
    });
  // an editor's settings have more in them that has the name `servers`
  const blocks = app.id === 'vscode' && 'mcp' in data ? BLOCKS.slice(2) : BLOCKS;
  const entries = blocks.flatMap(({ servers }) => entriesAt(servers, project));
  for (const folder of Object.keys(mapping(data.projects))) {
    entries.push(...entriesAt(['projects', folder, 'mcpServers'], folder));
  }
  const inputs = blocks.flatMap((block) => (block.inputs ? [at(block.inputs)].flat() : [])).flatMap(inputOf);
  return { app, entries, inputs };
}

function parse(file: string) {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === 'ENOENT' ? 'the file does not exist' : `the file cannot be read (${code})`;
    throw new ImportProblem(`${file}: ${problem}; \`patchbay import\` without a file lists what there is`);
  }
  const yaml = readYaml(plainJson(text));
  const [found] = yaml.findings;
  if (found !== undefined) {
    const place = found.place === undefined ? '' : `:${found.place.line}:${found.place.column}`;
    throw new ImportProblem(`${file}${place}: ${found.message.replace('YAML', 'not JSON')}; mend it in the app first`);
  }
  if (mapping(yaml.value) !== yaml.value) throw new ImportProblem(`${file}: this is no JSON object`);
  return yaml;
}

function inputOf(value: unknown): Input[] {
  const { id, description, password, default: preset, options } = mapping(value);
  if (typeof id !== 'string') return [];
  const choices = Array.isArray(options) ? options.map((one) => String(mapping(one).value ?? one)) : undefined;
  return [
    {
      id,
      secret: password === true,
      ...(typeof description === 'string' && { description }),
      ...(typeof preset === 'string' && { preset }),
      ...(choices && { choices }),
    },
  ];
}
