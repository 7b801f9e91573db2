/** Config files to settings: text → YAML → merged → placeholders → schema → frozen config, or every problem on the way. */
import { dirname } from 'node:path';
import { interpolate, type Origins, pathKey, type Surroundings, surroundingsOf } from './interpolate.ts';
import { findingsOf, wantsScalar } from './issues.ts';
import { type Problem, type Source, toProblems, valueAt } from './problems.ts';
import { type Config, configSchema, UPSTREAM_KEYS } from './schema.ts';
import { rememberSecrets } from './secrets.ts';
import { readSources, type Sources, sourcesOfText } from './sources.ts';
import { warningsOf } from './warnings.ts';

interface Loaded {
  /** The main config file, as it was named. */
  readonly file: string;
  /**
   * What to watch, as absolute paths: the config files, the folder `conf.d` and every `${file:}` and `${secret:}` in
   * them, whether it is there or not.
   */
  readonly files: readonly string[];
  /** The config files as they were named or found, in order; the last one wins. */
  readonly configFiles: readonly string[];
}

export type LoadResult =
  | (Loaded & {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly Problem[];
      /** What was written, and where. */
      readonly source: Source;
    })
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

/**
 * Reads and checks a config. Never throws: a file that cannot be read is a problem like any other.
 * @param files the main file and those that are merged into it; `conf.d` beside the main one is read as well
 */
export function loadConfig(files: string | readonly string[], options: LoadOptions): LoadResult {
  return check(readSources([files].flat()), options);
}

/** Checks the text of a config file; `file` names it in problems, and its folder is where `${file:}` paths start. */
export function parseConfig(text: string, { file, ...options }: LoadOptions & { file: string }): LoadResult {
  return check(sourcesOfText(text, file), options);
}

function check(sources: Sources, { env, overrides = {} }: LoadOptions): LoadResult {
  const { file, locate } = sources;
  const files = [...sources.watched];
  const failed = (problems: readonly Problem[]): LoadResult => ({
    ok: false,
    file,
    files,
    configFiles: sources.files,
    problems,
  });
  if (sources.value === undefined) {
    return failed(toProblems(sources.findings, { raw: undefined, origins: new Map(), locate }));
  }

  const filled = interpolate(sources.value, surroundingsOf(sources.value, env, dirname(file)));
  const { value: raw, findings, origins } = filled;
  files.push(...filled.files);
  override(raw as Record<string, unknown>, overrides, origins);
  const source: Source = { raw, origins, locate };
  let parsed = configSchema.safeParse(raw);
  if (!parsed.success && coerce(raw, parsed.error.issues, origins)) parsed = configSchema.safeParse(raw);

  if (parsed.success && findings.length === 0) {
    const config: Config = freeze(parsed.data);
    rememberSecrets(config, origins);
    const warnings = toProblems(warningsOf(config, origins, pathOf(raw)), source);
    return { ok: true, config, file, files, configFiles: sources.files, warnings, source };
  }
  // A text whose placeholder failed is incomplete, so what the schema says about it is beside the point.
  const incomplete = new Set(findings.map(({ path = [] }) => pathKey(path)));
  const issues = parsed.success ? [] : parsed.error.issues.filter(({ path }) => !incomplete.has(pathKey(path)));
  return failed(toProblems([...findings, ...findingsOf(issues, raw)], source));
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
