/** What holds in the end, as an admin would write it: every setting with where it is from, and without secrets. */
import { stringify } from 'yaml';
import { isSecret, secretsInArgument } from './import/plain-secrets.ts';
import { type Origin, pathKey } from './interpolate.ts';
import { configJsonSchema } from './json-schema.ts';
import type { JsonSchema } from './json-schema-node.ts';
import { mayBeSecret, type Source, valueAt } from './problems.ts';
import { UPSTREAM_KEYS } from './upstream.ts';

type Path = readonly PropertyKey[];
type Mapping = Readonly<Record<string, unknown>>;

export interface EffectiveOptions {
  /** The main config file, as it is to be named. */
  readonly file: string;
  /** Whether settings that are not written are shown as well, with their defaults. */
  readonly defaults: boolean;
}

const HIDDEN = '(not shown)';
const OF_PROCESSES = ['args', 'env', 'inheritEnv', 'cwd', 'spares'];
const OF_URLS = ['headers', 'transport'];
const SECRET_KEY = /secret|password|^key$/i;

/** YAML, each line with a comment that says where it is from. @param source of a config that was loaded */
export function effectiveConfig(source: Source, { file, defaults }: EffectiveOptions): string {
  const schema = configJsonSchema();
  const lines: string[] = [];

  const from = (path: Path): string => {
    const [label = ''] = source.origins.get(pathKey(path))?.labels ?? [];
    if (label.startsWith('--')) return label;
    const place = source.locate(path);
    return place === undefined ? file : `${place.file ?? file}:${place.line}`;
  };
  const line = (depth: number, head: string, value: string, about: string) =>
    lines.push(`${'  '.repeat(depth)}${head}${value === '' ? '' : ` ${value}`}${about === '' ? '' : `  # ${about}`}`);

  const members = (raw: Mapping, at: JsonSchema | undefined, path: Path, depth: number): void => {
    const names = new Set([...Object.keys(at?.properties ?? {}), ...Object.keys(raw)]);
    for (const name of names) {
      const child = at?.properties?.[name] ?? openSchema(at, schema);
      entry(name, raw[name], child, [...path, name], depth);
    }
  };
  const entry = (name: string, raw: unknown, at: JsonSchema | undefined, path: Path, depth: number): void => {
    if (raw === undefined && (at?.default === undefined || hasNoMeaning(path, source.raw))) return;
    const head = `${key(name)}:`;
    if (isMapping(raw) || (raw ?? undefined) === undefined) {
      const before = lines.length;
      line(depth, head, '', '');
      members(isMapping(raw) ? raw : {}, at, path, depth + 1);
      if (lines.length > before + 1) return;
      lines.length = before;
      const preset = at?.default;
      if (raw !== undefined && raw !== null) line(depth, head, '{}', from(path));
      else if (defaults && preset !== undefined && at?.properties === undefined) {
        line(depth, head, flow(preset), 'default');
      }
    } else if (Array.isArray(raw) && raw.some(isMapping)) {
      line(depth, head, '', '');
      raw.forEach((item, index) => {
        line(depth + 1, '-', '', from([...path, index]));
        members(isMapping(item) ? item : {}, at?.items, [...path, index], depth + 2);
      });
    } else {
      const shown = Array.isArray(raw)
        ? raw.map((item, i) => show(item, [...path, i], source, raw[i - 1]))
        : show(raw, path, source);
      line(depth, head, flow(shown), from(path));
    }
  };

  const raw = source.raw as Mapping;
  for (const [name, at] of Object.entries(schema.properties ?? {})) {
    if (name === '$schema' || (UPSTREAM_KEYS.includes(name as 'servers') && !isMapping(raw[name]))) continue;
    entry(name, raw[name], at, [name], 0);
  }
  return `${lines.join('\n')}\n`;
}

/** Whether a key of an upstream is one of processes or of addresses, and this one has none. */
function hasNoMeaning([section, name, member, ...rest]: Path, raw: unknown): boolean {
  if (!UPSTREAM_KEYS.includes(section as 'servers') || member === undefined || rest.length > 0) return false;
  const needs = OF_PROCESSES.includes(String(member))
    ? 'command'
    : OF_URLS.includes(String(member))
      ? 'url'
      : undefined;
  return needs !== undefined && valueAt(raw, [section!, name!, needs]) === undefined;
}

/** The value without what is secret in it. @param before the argument before it */
function show(value: unknown, path: Path, { origins }: Source, before?: unknown): unknown {
  if (typeof value !== 'string') return value;
  const origin = origins.get(pathKey(path));
  const key = path.findLast((part) => typeof part === 'string') ?? '';
  const [section, , member] = path;
  const ofUpstream = UPSTREAM_KEYS.includes(section as 'servers');
  if (origin !== undefined && origin.texts.length > 0) return withLabels(value, origin, mayBeSecret(path, value));
  if (ofUpstream && member === 'args') {
    return secretsInArgument(value, typeof before === 'string' ? before : '').length > 0 ? HIDDEN : value;
  }
  // what an argument of a tool always is, by the name of that argument
  if (key === 'value' && isSecret(String(path.at(-2)), value)) return HIDDEN;
  return SECRET_KEY.test(String(key)) || mayBeSecret(path, value) ? HIDDEN : value;
}

/**
 * The text with its placeholders in place of what filled them.
 * @param wary whether the rest may be a secret too, and is shown only where it is a word such as `Bearer`
 */
function withLabels(value: string, { labels, texts }: Origin, wary: boolean): string {
  let rest = value;
  let result = '';
  for (const [i, text] of texts.entries()) {
    const at = rest.indexOf(text);
    if (at < 0) return HIDDEN;
    const literal = rest.slice(0, at);
    if (wary && !/^([A-Za-z]{1,10} )?$/.test(literal)) return HIDDEN;
    result += literal + labels[i];
    rest = rest.slice(at + text.length);
  }
  return wary && rest !== '' ? HIDDEN : result + rest;
}

function openSchema({ additionalProperties }: JsonSchema = {}, root: JsonSchema = {}): JsonSchema | undefined {
  if (typeof additionalProperties !== 'object') return undefined;
  const name = additionalProperties.$ref?.replace('#/$defs/', '');
  return name === undefined ? additionalProperties : root.$defs?.[name];
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const key = (name: string): string => stringify(name, { lineWidth: 0 }).trim();

/** A value on one line. */
const flow = (value: unknown): string =>
  stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0, blockQuote: false }).trim();
