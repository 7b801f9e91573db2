/** The definitions that were agreed to, in a file that belongs beside the config: what upstreams say is held against it. */
import type { Catalog, CatalogItem, ItemKind } from './catalog.ts';
import { KINDS } from './catalog-items.ts';
import { type Definition, definitionOf, hashOf } from './definitions.ts';

/** By kind and upstream name. */
type Pinned = Readonly<Record<ItemKind, ReadonlyMap<string, Definition>>>;

/** How an item differs from what is pinned. */
export interface Deviation {
  readonly upstream: string;
  readonly kind: ItemKind;
  readonly name: string;
  readonly change: 'changed' | 'new' | 'gone';
  /** What is pinned; absent for one that is new. */
  readonly before?: Definition;
  /** What the upstream says; absent for one that is gone. */
  readonly after?: Definition;
}

/** The file cannot be used; the message names the place and the mend. */
export class PinsProblem extends Error {}

const VERSION = 1;
const MEND = 'take the file from version control, or delete it and run `patchbay pin`';

export class Pins {
  readonly #upstreams: ReadonlyMap<string, Pinned>;

  constructor(upstreams: ReadonlyMap<string, Pinned> = new Map()) {
    this.#upstreams = upstreams;
  }

  /** The upstreams of which something is pinned, or was when they had nothing. */
  get upstreams(): readonly string[] {
    return [...this.#upstreams.keys()];
  }

  /** The pins with those of one upstream replaced by what it says now. */
  with(catalog: Catalog): Pins {
    const pinned = {} as Record<ItemKind, Map<string, Definition>>;
    for (const kind of KINDS)
      pinned[kind] = new Map(catalog.items[kind].map((item) => [item.name, definitionOf(kind, item)]));
    return new Pins(new Map([...this.#upstreams, [catalog.upstream, pinned]]));
  }

  /** How an item differs; `undefined` where it does not, or nothing is pinned of its upstream. */
  deviationOf(upstream: string, kind: ItemKind, item: CatalogItem): Deviation | undefined {
    const pinned = this.#upstreams.get(upstream);
    if (!pinned) return undefined;
    const before = pinned[kind].get(item.name);
    const after = definitionOf(kind, item);
    if (!before) return { upstream, kind, name: item.name, change: 'new', after };
    if (before.hash === after.hash) return undefined;
    return { upstream, kind, name: item.name, change: 'changed', before, after };
  }

  /** How all that an upstream lists differs, what it does not list any more included. */
  deviations({ upstream, items }: Catalog): Deviation[] {
    const pinned = this.#upstreams.get(upstream);
    if (!pinned) return [];
    return KINDS.flatMap((kind) => {
      const names = new Set(items[kind].map(({ name }) => name));
      const gone = [...pinned[kind]].filter(([name]) => !names.has(name));
      return [
        ...items[kind].flatMap((item) => this.deviationOf(upstream, kind, item) ?? []),
        ...gone.map(([name, before]): Deviation => ({ upstream, kind, name, change: 'gone', before })),
      ];
    });
  }

  /** The text of the file: in an order of its own, so that it differs only where the pins do. */
  toString(): string {
    const upstreams = [...this.#upstreams].sort(byName).map(([upstream, pinned]) => {
      const kinds = KINDS.map((kind) => {
        const items = [...pinned[kind]].sort(byName);
        return [kind, record(items.map(([name, { hash, value }]) => [name, { hash, definition: ordered(value) }]))];
      });
      return [upstream, record(kinds as [string, unknown][])] as [string, unknown];
    });
    return `${JSON.stringify({ version: VERSION, upstreams: record(upstreams) }, null, 2)}\n`;
  }
}

/**
 * Reads the text of the file.
 * @throws PinsProblem
 */
export function parsePins(text: string): Pins {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new PinsProblem(`it is not JSON (${(error as Error).message}); ${MEND}`);
  }
  const { version, upstreams } = asObject(file, 'the file');
  if (version !== VERSION)
    throw new PinsProblem(`version is ${JSON.stringify(version)} and should be ${VERSION}; ${MEND}`);
  const found = new Map<string, Pinned>();
  for (const [upstream, kinds] of Object.entries(asObject(upstreams, 'upstreams'))) {
    const path = `upstreams.${upstream}`;
    const entries = asObject(kinds, path);
    const pinned = {} as Record<ItemKind, ReadonlyMap<string, Definition>>;
    for (const kind of KINDS) pinned[kind] = readKind(entries[kind] ?? {}, `${path}.${kind}`);
    found.set(upstream, pinned);
  }
  return new Pins(found);
}

function readKind(entries: unknown, path: string): Map<string, Definition> {
  const found = new Map<string, Definition>();
  for (const [name, entry] of Object.entries(asObject(entries, path))) {
    const at = `${path}.${name}`;
    const { hash, definition } = asObject(entry, at);
    const value = asObject(definition, `${at}.definition`);
    if (hash !== hashOf(value))
      throw new PinsProblem(`the hash of ${at} is not that of its definition, which was edited by hand; ${MEND}`);
    found.set(name, { value, hash });
  }
  return found;
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new PinsProblem(`${path} is not an object; ${MEND}`);
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** An object of entries, whatever their keys are called. */
function record(entries: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return record(
    Object.entries(value)
      .sort(byName)
      .map(([key, member]) => [key, ordered(member)] as const),
  );
}
