/**
 * Several config files to one. Settings of a later file win; entries add up:
 *
 *     mappings                   key by key
 *     scalars, lists of values   the later one, as a whole
 *     lists of mappings          one after the other, such as issuers and rules; an empty list drops those before it
 *     upstreams and profiles     each name in one file only
 *     an empty section           nothing
 */
import { pathKey } from './interpolate.ts';
import { UPSTREAM_KEYS } from './upstream.ts';
import type { Place, TextFinding } from './yaml.ts';

type Path = readonly PropertyKey[];
type Mapping = Record<string, unknown>;

/** What one file says. */
export interface Part {
  readonly file: string;
  readonly value: Mapping;
  /** What keeps it from being merged. */
  readonly findings: readonly TextFinding[];
  locate(path: Path): Place | undefined;
}

export interface Merged {
  readonly value: Mapping;
  readonly findings: readonly TextFinding[];
  /** Where the entry at a path of `value` is written, else its nearest parent. */
  locate(path: Path): Place | undefined;
}

/** Sections whose entries have names; an entry is written in one file. */
const NAMED: readonly (readonly string[])[] = [UPSTREAM_KEYS, ['profiles']];

/** Which part a value of the merged config is from, and its path there. */
interface Origin {
  readonly part: Part;
  readonly path: Path;
}

/** @param parts in order, the last one wins; their values are not changed */
export function merge(parts: readonly Part[]): Merged {
  const value: Mapping = {};
  const findings: TextFinding[] = [];
  const origins = new Map<string, Origin>();

  const originOf = (path: Path): Origin | undefined => {
    for (let length = path.length; length > 0; length--) {
      const origin = origins.get(pathKey(path.slice(0, length)));
      if (origin !== undefined) return { part: origin.part, path: [...origin.path, ...path.slice(length)] };
    }
    return parts[0] && { part: parts[0], path };
  };
  const locate = (path: Path): Place | undefined => {
    const origin = originOf(path);
    return origin?.part.locate(origin.path);
  };
  const set = (into: Mapping, path: Path, now: unknown, part: Part): void => {
    const within = pathKey(path).slice(0, -1);
    for (const key of origins.keys()) if (key.startsWith(`${within},`)) origins.delete(key);
    into[String(path.at(-1))] = copy(now);
    origins.set(pathKey(path), { part, path });
  };
  const add = (into: Mapping, from: Mapping, path: Path, part: Part): void => {
    for (const [key, now] of Object.entries(from)) {
      const at = [...path, key];
      const before = Object.hasOwn(into, key) ? into[key] : undefined;
      const other = originOf(sameName(value, at) ?? []);
      if (other !== undefined && other.path.length > 0 && other.part !== part) {
        findings.push(isTwice(at, other, part.locate(at)));
      } else if (isMapping(before) && isMapping(now)) {
        add(before, now, at, part);
      } else if (isList(before) && isList(now)) {
        const start = before.length;
        now.forEach((item, index) => {
          before.push(copy(item) as Mapping);
          origins.set(pathKey([...at, start + index]), { part, path: [...at, index] });
        });
      } else if (isMapping(now) && hasNames(at)) {
        set(into, at, {}, part);
        add(into[key] as Mapping, now, at, part);
      } else if (now !== null || typeof before !== 'object') {
        set(into, at, now, part);
      }
    }
  };
  for (const part of parts) add(value, part.value, [], part);
  return { value, findings, locate };
}

const hasNames = (path: Path): boolean => path.length === 1 && NAMED.flat().includes(String(path[0]));

/** Where an entry of the same name stands already that this one would be another of. */
function sameName(value: Mapping, [section, name, ...rest]: Path): Path | undefined {
  if (name === undefined || rest.length > 0) return undefined;
  const sections = NAMED.find((names) => names.includes(String(section))) ?? [];
  const found = sections.find((one) => isMapping(value[one]) && Object.hasOwn(value[one], name));
  return found === undefined ? undefined : [found, name];
}

function isTwice(path: Path, { part, path: there }: Origin, place: Place | undefined): TextFinding {
  const { line, column } = part.locate(there) ?? {};
  const at = line === undefined ? part.file : `${part.file}:${line}:${column}`;
  const mend = 'rename one of the two, or delete it';
  return { path, message: `is also in ${at}`, mend, subject: 'none', ...(place !== undefined && { place }) };
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list of entries; a list of plain values is one setting. */
const isList = (value: unknown): value is Mapping[] =>
  Array.isArray(value) && value.length > 0 && value.every(isMapping);

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
}
