/** Files as the apps write them → a config that is valid, without the secrets that were in them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { importFiles } from '../../../src/config/import/import.ts';
import { plainJson } from '../../../src/config/import/jsonc.ts';
import { findFiles, usualPlaces } from '../../../src/config/import/usual-places.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { formatProblem } from '../../../src/config/problems.ts';

const home = fileURLToPath(new URL('./home', import.meta.url));
const golden = (name: string) => new URL(`./golden/${name}.yaml`, import.meta.url);
const work = (file: string) => join('work', file);

const CASES: Readonly<Record<string, readonly string[]>> = {
  'claude-desktop': ['.config/Claude/claude_desktop_config.json'],
  'claude-code-project': [work('.mcp.json')],
  'claude-code-user': ['.claude.json'],
  cursor: ['.cursor/mcp.json', work('.cursor/mcp.json')],
  vscode: [work('.vscode/mcp.json')],
  'vscode-settings': ['.config/Code/User/settings.json'],
  windsurf: ['.codeium/windsurf/mcp_config.json'],
};
const ALL = Object.values(CASES).flat();
const SECRETS = /ghp_|hunter2|s3cr3t|ctx7sk|github_pat_|sk-proj|fig-0123/;

const run = (files: readonly string[], keepSecrets = false) =>
  importFiles(
    files.map((file) => join(home, file)),
    { home, keepSecrets },
  );
/** A config is as good as its variables: those that the comments name are set. */
function problemsOf(yaml: string): { problems: string[]; warnings: string[]; names: string[] } {
  const names = [...yaml.matchAll(/^# {3}(\w+): /gm)].map(([, name = '']) => name);
  const env = { HOME: '/home/ada', ...Object.fromEntries(names.map((name) => [name, `https://${name}.test`])) };
  const text = yaml.replace(/\$\{file:[^}]*\}/g, 'x');
  const result = parseConfig(text, { file: 'patchbay.yaml', env });
  const format = (problem: Parameters<typeof formatProblem>[0]) => formatProblem(problem, 'patchbay.yaml');
  if (!result.ok) return { problems: result.problems.map(format), warnings: [], names: [] };
  return { problems: [], warnings: result.warnings.map(format), names: Object.keys(result.config.upstreams) };
}

describe.each(Object.entries(CASES))('%s', (name, files) => {
  const { yaml, upstreams, variables } = run(files);

  test('gives the config that is expected', () => {
    expect(yaml.replaceAll(home, '<home>')).toBe(readFileSync(golden(name), 'utf8'));
  });

  test('gives one that is valid, with as many upstreams and variables as are counted', () => {
    const { problems, names } = problemsOf(yaml);
    expect(problems).toEqual([]);
    expect(names).toHaveLength(upstreams);
    expect([...yaml.matchAll(/^# {3}\w+: /gm)]).toHaveLength(variables);
  });

  test('has no secret in it, unless that is asked for; then it is told', () => {
    expect(yaml).not.toMatch(SECRETS);
    const had = SECRETS.test(files.map((file) => readFileSync(join(home, file), 'utf8')).join());
    const kept = run(files, true).yaml;
    expect(SECRETS.test(kept)).toBe(had);
    expect(kept.includes('a secret that is written out')).toBe(had);
    expect(kept.replace(/^ *#.*$/gm, '').match(SECRETS)?.[0]).toBe(kept.match(SECRETS)?.[0]);
  });
});

test('all of them together: names are told apart, and one that is the same twice is one', () => {
  const { yaml } = run([...ALL, '.cursor/mcp.json']);
  expect(problemsOf(yaml).problems).toEqual([]);
  const { names } = problemsOf(yaml);
  expect(names).toEqual([...new Set(names)]);
  expect(names.filter((name) => name.startsWith('github'))).toEqual([
    'github',
    'github-claude-code',
    'github-2',
    'github-vscode',
  ]);
  expect(yaml).toMatch(/# called github-vscode here, since github is another one \(.*claude_desktop_config\.json:8\)/);
  expect(names.filter((name) => name.startsWith('linear'))).toEqual(['linear']);
  expect(yaml).toMatch(/# from (\S+)\/\.cursor\/mcp\.json:4 \(Cursor\) and \1\/\.cursor\/mcp\.json:4 \(Cursor\)/);
});

/** What Patchbay says of a block of an app that is put into its own config as it is. */
function asItIs(file: string): string[] {
  const data = JSON.parse(plainJson(readFileSync(join(home, file), 'utf8')));
  const { mcpServers, servers = data.mcp?.servers } = data;
  const env = { REGION: 'eu', NOTES_TOKEN: 'x' };
  const text = JSON.stringify({ mcpServers, servers });
  const result = parseConfig(text, { file: 'patchbay.json', env });
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem, 'patchbay.json'));
}

test.each(ALL)('the block of %s as it is: what is not ours is told, and what to do', (file) => {
  const mends =
    /`patchbay import FILE` takes|did you mean \$\{env:|unknown:x|has neither|put it in quotes|does not exist|"ws"|wss:/;
  for (const problem of asItIs(file)) expect(problem).toMatch(mends);
});

test('blocks that hold nothing else are taken as they are', () => {
  expect(asItIs('.claude.json')).toEqual([]);
  expect(asItIs('.config/Claude/claude_desktop_config.json')).toEqual([
    expect.stringContaining('mcpServers.literal.args[1]: "${HOME}" is not a placeholder; did you mean ${env:HOME}?'),
  ]);
});

test('two secrets of one name become two variables, and the same secret one', () => {
  const { yaml } = run(['.claude.json']);
  expect(yaml).toContain('GITHUB_TOKEN: ${env:GITHUB_TOKEN}');
  expect(yaml).toContain('GITHUB_TOKEN: ${env:GITHUB_TOKEN_2}');
  expect(yaml.match(/^# {3}CONTEXT7_API_KEY: /gm)).toHaveLength(1);
});

test.each([
  ['linux', {}, '.config/Claude/claude_desktop_config.json'],
  ['linux', { XDG_CONFIG_HOME: join(home, '.config') }, '.config/Code/User/settings.json'],
] as const)('files are found in their usual places on %s %j', (platform, env, file) => {
  const found = findFiles({ platform, env, home, cwd: join(home, 'work') });
  expect(found).toContain(join(home, file));
  expect(new Set(found)).toEqual(new Set(ALL.map((one) => join(home, one))));
});

test.each([
  [
    'darwin',
    '/Users/ada',
    {},
    [
      '/Users/ada/Library/Application Support/Claude/claude_desktop_config.json',
      '/Users/ada/Library/Application Support/Code/User/mcp.json',
      '/Users/ada/.claude.json',
      '/Users/ada/.codeium/windsurf/mcp_config.json',
    ],
  ],
  [
    'win32',
    'C:\\Users\\ada',
    { APPDATA: 'C:\\Users\\ada\\AppData\\Roaming' },
    [
      'C:\\Users\\ada\\AppData\\Roaming\\Claude\\claude_desktop_config.json',
      'C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\settings.json',
      'C:\\Users\\ada\\.cursor\\mcp.json',
    ],
  ],
] as const)('the usual places on %s', (platform, home, env, files) => {
  expect(usualPlaces({ platform, env, home, cwd: '/work' })).toEqual(expect.arrayContaining([...files]));
});

test('arguments that are no list are told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-import-'));
  try {
    const file = join(folder, 'mcp.json');
    writeFileSync(file, JSON.stringify({ mcpServers: { a: { command: 'x', args: '--all' } } }));
    const { yaml } = importFiles([file], { home, keepSecrets: false });
    expect(yaml).toContain('`args` is not taken over: it is no list');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ['nothing.json', undefined, 'nothing.json: the file does not exist; `patchbay import` without a file lists'],
  ['bad.json', '{ "mcpServers": { "a": { "command": "x" ', 'not JSON'],
  ['list.json', '[1]', 'list.json: this is no JSON object'],
])('%s is refused with a reason', (name, text, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-import-'));
  try {
    const file = join(folder, name);
    if (text !== undefined) writeFileSync(file, text);
    expect(() => importFiles([file], { home, keepSecrets: false })).toThrow(message);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
