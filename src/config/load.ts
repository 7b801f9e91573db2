/** The config file to settings: text → YAML → placeholders → schema → frozen config, or every problem found on the way. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { interpolate, type Origins, pathKey, type Surroundings } from './interpolate.ts';
import { findingsOf, wantsScalar } from './issues.ts';
import { type Problem, type Source, toProblems, valueAt } from './problems.ts';
import { type Config, configSchema, UPSTREAM_KEYS } from './schema.ts';
import { rememberSecrets } from './secrets.ts';
import { warningsOf } from './warnings.ts';
import { readYaml } from './yaml.ts';

interface Loaded {
  readonly file: string;
  /** The config file and every `${file:}` in it, whether it could be read or not, as absolute paths. */
  readonly files: readonly string[];
}

export type LoadResult =
  | (Loaded & { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] })
  | (Loaded & { readonly ok: false; readonly problems: readonly Problem[] });

export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly publicUrl?: string | undefined;
  readonly insecure?: boolean | undefined;
}

export interface LoadOptions {
  /** Where `${env:NAME}` looks; usually `process.env`. */
  readonly env: Surroundings['env'];
  /** Settings of the command line, which win over the file and are checked together with it. */
  readonly overrides?: Overrides;
}

/** Reads and checks a config file. Never throws: a file that cannot be read is a problem like any other. */
export function loadConfig(file: string, options: LoadOptions): LoadResult {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { ok: false, file, files: [resolve(file)], problems: [unread(error as NodeJS.ErrnoException)] };
  }
  return parseConfig(text, { file, ...options });
}

/** Checks the text of a config file; `file` names it in problems, and its folder is where `${file:}` paths start. */
export function parseConfig(text: string, { file, env, overrides = {} }: LoadOptions & { file: string }): LoadResult {
  const yaml = readYaml(text);
  const files = [resolve(file)];
  const failed = (problems: readonly Problem[]): LoadResult => ({ ok: false, file, files, problems });
  const none: Source = { raw: yaml.value, origins: new Map(), locate: yaml.locate };
  if (yaml.findings.length > 0) return failed(toProblems(yaml.findings, none));
  if (yaml.value === null) return failed([whole('the file is empty', START)]);
  if (typeof yaml.value !== 'object' || Array.isArray(yaml.value)) {
    return failed([whole('the file is not a mapping', 'write lines of the form `key: value`')]);
  }

  const { value: raw, findings, origins, files: named } = interpolate(yaml.value, { env, folder: dirname(file) });
  files.push(...named);
  override(raw as Record<string, unknown>, overrides, origins);
  const source: Source = { raw, origins, locate: yaml.locate };
  let parsed = configSchema.safeParse(raw);
  if (!parsed.success && coerce(raw, parsed.error.issues, origins)) parsed = configSchema.safeParse(raw);

  if (parsed.success && findings.length === 0) {
    const config: Config = freeze(parsed.data);
    rememberSecrets(config, origins);
    return { ok: true, config, file, files, warnings: toProblems(warningsOf(config, origins, pathOf(raw)), source) };
  }
  // A text whose placeholder failed is incomplete, so what the schema says about it is beside the point.
  const incomplete = new Set(findings.map(({ path = [] }) => pathKey(path)));
  const issues = parsed.success ? [] : parsed.error.issues.filter(({ path }) => !incomplete.has(pathKey(path)));
  return failed(toProblems([...findings, ...findingsOf(issues, raw)], source));
}

const START =
  'copy config/examples/minimal.yaml (a `mcpServers` block of a Claude, Cursor or VS Code file will do as well)';

function unread({ code }: NodeJS.ErrnoException): Problem {
  if (code === 'ENOENT') return whole('the file does not exist', `${START}, or name another file with --config`);
  if (code === 'EISDIR') return whole('this is a folder', 'name the file in it with --config');
  return whole(`the file cannot be read (${code})`, 'let the user that runs Patchbay read it');
}

function whole(message: string, mend: string): Problem {
  return { path: '', message, mend };
}

function override(raw: Record<string, unknown>, overrides: Overrides, origins: Origins): void {
  const { host, port, publicUrl, insecure } = overrides;
  const set = (section: string, key: string, value: unknown, option = key) => {
    const before = raw[section] ?? {};
    if (value === undefined || typeof before !== 'object' || Array.isArray(before)) return;
    raw[section] = { ...before, [key]: value };
    origins.set(pathKey([section, key]), { labels: [`--${option}`], texts: [], whole: false });
  };
  set('server', 'host', host);
  set('server', 'port', port);
  set('server', 'publicUrl', publicUrl, 'public-url');
  set('auth', 'insecure', insecure);
}

/** Turns text that one placeholder produced into the number or boolean the schema wants there, where it reads as one. */
function coerce(raw: unknown, issues: readonly Parameters<typeof wantsScalar>[0][], origins: Origins): boolean {
  let changed = false;
  for (const issue of issues) {
    const wanted = wantsScalar(issue);
    const text = valueAt(raw, issue.path);
    if (wanted === undefined || typeof text !== 'string' || origins.get(pathKey(issue.path))?.whole !== true) continue;
    const value = wanted === 'number' ? toNumber(text) : toBoolean(text);
    const parent = valueAt(raw, issue.path.slice(0, -1));
    if (value === undefined) continue;
    Object.assign(parent as object, { [issue.path.at(-1)!]: value });
    changed = true;
  }
  return changed;
}

function toNumber(text: string): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

function toBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'true' || word === '1') return true;
  return word === 'false' || word === '0' ? false : undefined;
}

function pathOf(raw: unknown): (upstream: string) => readonly PropertyKey[] {
  return (name) => UPSTREAM_KEYS.map((key) => [key, name]).find((path) => valueAt(raw, path) !== undefined) ?? [];
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
