/** Findings as an admin reads them: where in the file, what is wrong, what to do. */
import { type Origins, pathKey } from './interpolate.ts';
import { UPSTREAM_KEYS } from './schema.ts';
import type { Place, TextFinding } from './yaml.ts';

export interface Problem {
  /** Dotted, `upstreams.docs.timeouts.call`; a name with other characters is quoted. Empty for the file as a whole. */
  readonly path: string;
  /** Absent where it is the main config file, or the only file there is. */
  readonly file?: string;
  /** Both from 1; absent when the problem has no place in the text. */
  readonly line?: number;
  readonly column?: number;
  /** Continues `value` when there is one. */
  readonly message: string;
  readonly mend: string;
  /** What was found, as JSON and shortened; a secret is named by where it came from. */
  readonly value?: string;
}

/** What a problem is about: the data after interpolation, where its texts came from, and where it is in the file. */
export interface Source {
  readonly raw: unknown;
  readonly origins: Origins;
  locate(path: readonly PropertyKey[]): Place | undefined;
}

const LONGEST_VALUE = 60;

/** Gives findings their place and their value, in the order of the file; of several files, the main one comes first. */
export function toProblems(findings: Iterable<TextFinding>, source: Source): Problem[] {
  return Array.from(findings, (finding) => toProblem(finding, source)).sort(
    (a, b) => order(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

const order = (a = '', b = ''): number => (a === b ? 0 : a < b ? -1 : 1);

/**
 * One line: `file:12:5 upstreams.docs.sharing: "sharred" is not one of session, user, shared; did you mean "shared"?`
 * @param main the file of a problem that names none
 */
export function formatProblem({ path, file, line, column, message, mend, value }: Problem, main: string): string {
  const at = line === undefined ? (file ?? main) : `${file ?? main}:${line}:${column}`;
  const found = value === undefined ? message : `${value} ${message}`;
  return `${at}${path === '' ? '' : ` ${path}`}: ${found}; ${mend}`.replace(/[\r\n]+/g, ' ');
}

/** A path in dotted form, list items as `[0]`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, key) => {
    if (typeof key === 'number') return `${before}[${key}]`;
    const name = String(key);
    const shown = /^[\w$-]+$/.test(name) && name.length <= 64 ? name : JSON.stringify(shorten(name));
    return before === '' ? shown : `${before}.${shown}`;
  }, '');
}

/** The value at a path of plain data; undefined when there is none. */
export function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function toProblem(finding: TextFinding, source: Source): Problem {
  const { path = [], message, mend, subject = 'value' } = finding;
  const { file, ...place }: Partial<Place> = finding.place ?? (finding.file ? finding : source.locate(path)) ?? {};
  const value = subject === 'value' ? show(path, source) : subject === 'key' ? keyOf(path) : undefined;
  const at = { ...(file !== undefined && { file }), ...place };
  return { path: dotted(path), ...at, message, mend, ...(value !== undefined && { value }) };
}

function keyOf(path: readonly PropertyKey[]): string {
  return JSON.stringify(shorten(String(path.at(-1))));
}

function show(path: readonly PropertyKey[], { raw, origins }: Source): string | undefined {
  const origin = origins.get(pathKey(path));
  if (origin !== undefined) return `(value from ${origin.labels.join(', ')})`;
  const value = valueAt(raw, path);
  if (value === undefined) return undefined;
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'boolean') return String(value);
  if (mayBeSecret(path, String(value))) return '(value not shown)';
  return typeof value === 'string' ? JSON.stringify(shorten(value)) : String(value);
}

/**
 * Headers, variables, arguments and keys often are secrets even when they are written out, and so is a part of many URLs.
 * @param value as text; a secret of digits alone is a number where its quotes were forgotten
 */
export function mayBeSecret(path: readonly PropertyKey[], value: string): boolean {
  const [section, , key] = path;
  const ofUpstream = (UPSTREAM_KEYS as readonly unknown[]).includes(section);
  if (ofUpstream && ['headers', 'env', 'args', 'oauth'].includes(String(key))) return true;
  const last = String(path.at(-1));
  return /secret|password/i.test(last) || (section === 'storage' && last === 'key') || /:\/\/.*[@?]/s.test(value);
}

function shorten(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
