/**
 * What is different between two configs, for the log and for whoever applies it. Values are shown only where they can be
 * no secret: numbers, booleans, choices, and a few texts. Texts of upstreams are not, since they may come from placeholders.
 */
import { configJsonSchema } from './json-schema.ts';
import { type JsonSchema, schemaAt } from './json-schema-node.ts';
import { dotted, mayBeSecret } from './problems.ts';
import type { Config } from './schema.ts';
import { DURATION_PATTERN, formatDuration, formatSize, RATE_PATTERN, SIZE_PATTERN } from './units.ts';

export interface Change {
  /** Dotted, as in problems: `upstreams.docs.timeouts.call`. */
  readonly path: string;
  /** `reordered`: of the upstreams, whose order is that of the lists, or of patterns, of which the last one has the word. */
  readonly kind: 'added' | 'removed' | 'changed' | 'reordered';
  /** The upstream it belongs to. */
  readonly upstream?: string;
  /** The key of that upstream; absent when the upstream itself was added or removed. */
  readonly key?: string;
  /** As an admin would write it, where it can be shown. */
  readonly before?: string;
  readonly after?: string;
}

type Path = readonly string[];

/** Texts that are no secrets, by their dotted path. */
const SHOWN = new Set(['server.host', 'server.publicUrl', 'names.separator', 'storage.folder']);

/** What the loader adds to an upstream; it follows from the other keys. */
const DERIVED = 'kind';

const LONGEST = 60;

/** Made once: every reload needs it. */
let schema: JsonSchema | undefined;

/**
 * Pure. The keys of an upstream that changed are the `key` of the changes with its name.
 * @returns one change for each setting that differs, and one for each upstream that was added or removed
 */
export function diffConfig(before: Config, after: Config): Change[] {
  schema ??= configJsonSchema();
  const { upstreams: old, ...rest } = before;
  const { upstreams: now, ...others } = after;
  const changes = [...compare(rest, others, [], schema)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  for (const upstream of names) {
    const path = ['upstreams', upstream];
    const [was, is] = [old[upstream], now[upstream]];
    if (!was || !is) {
      changes.push({ path: dotted(path), kind: is ? 'added' : 'removed', upstream });
      continue;
    }
    for (const key of keysOf(was, is)) {
      if (key === DERIVED) continue;
      const found = compare(memberOf(was, key), memberOf(is, key), [...path, key], schema);
      for (const change of found) changes.push({ ...change, upstream, key });
    }
  }
  if (isReordered(old, now)) changes.push({ path: 'upstreams', kind: 'reordered' });
  return changes;
}

/** Whether what both have stands in another order. */
function isReordered(old: object, now: object): boolean {
  const both = (list: object, other: object): string =>
    Object.keys(list)
      .filter((name) => Object.hasOwn(other, name))
      .join('\0');
  return both(old, now) !== both(now, old);
}

/** `upstreams.NAME.items.KIND`: patterns, of which the later has the word. */
const hasOrder = (path: Path): boolean => path.length === 4 && path[0] === 'upstreams' && path[2] === 'items';

/** One line: `upstreams.docs.timeouts.call: 5m → 10m`, `upstreams.docs.headers.Authorization: changed`. */
export function formatChange({ path, kind, before, after }: Change): string {
  if (before !== undefined && after !== undefined) return `${path}: ${before} → ${after}`;
  const value = kind === 'changed' ? undefined : (before ?? after);
  return `${path}: ${kind}${value === undefined ? '' : ` (${value})`}`;
}

function* compare(before: unknown, after: unknown, path: Path, schema: JsonSchema): Iterable<Change> {
  if (isMap(before) && isMap(after)) {
    if (hasOrder(path) && isReordered(before, after)) yield { path: dotted(path), kind: 'reordered' };
    for (const key of keysOf(before, after))
      yield* compare(memberOf(before, key), memberOf(after, key), [...path, key], schema);
    return;
  }
  if (equal(before, after)) return;
  const at = schemaAt(schema, path);
  // to leave a key out and to write its default are the same
  if ((before === undefined || after === undefined) && equal(before ?? after, at?.default)) return;
  if (isMap(before ?? after) && at?.properties === undefined) {
    yield* compare(before ?? {}, after ?? {}, path, schema);
    return;
  }
  const shown = (value: unknown) => (value === undefined ? undefined : show(value, path, at));
  const [was, is] = [shown(before), shown(after)];
  yield {
    path: dotted(path),
    kind: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
    ...(was !== undefined && { before: was }),
    ...(is !== undefined && { after: is }),
  };
}

function show(value: unknown, path: Path, at: JsonSchema | undefined): string | undefined {
  if (typeof value === 'boolean') return String(value);
  const pattern = typeof at?.pattern === 'string' ? at.pattern : '';
  if (typeof value === 'number') {
    if (pattern.startsWith(DURATION_PATTERN)) return formatDuration(value);
    return pattern.startsWith(SIZE_PATTERN) ? formatSize(value) : String(value);
  }
  if (typeof value !== 'string') return undefined;
  if (pattern.startsWith(RATE_PATTERN)) return value;
  const choices = [at, ...(at?.anyOf ?? [])].flatMap((one) => (Array.isArray(one?.enum) ? one.enum : []));
  if (choices.includes(value)) return value;
  if (!SHOWN.has(dotted(path)) || mayBeSecret(path, value)) return undefined;
  return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const keysOf = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])];

const memberOf = (map: object, key: string): unknown =>
  Object.hasOwn(map, key) ? (map as Record<string, unknown>)[key] : undefined;

/** Lists and values; maps only as far as their members are in one order. */
const equal = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
