/** What the configuration says of single items of one upstream, looked up by their upstream names. */
import { globMatcher, isGlob } from '../config/glob.ts';
import type { ItemSettings } from '../config/items.ts';
import type { UpstreamConfig } from '../config/schema.ts';
import { parseRate, type Rate } from '../config/units.ts';
import type { ItemKind } from './catalog.ts';

/** What is said of one item. */
export interface ItemRule {
  readonly hide: boolean;
  /** What clients are to see in place of its own. */
  readonly name: string | undefined;
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** Arguments that always have this value, each as JSON text. */
  readonly fixed: ReadonlyMap<string, string>;
  /** Those of them that are fixed for this very item, and not for all that fit a pattern and have such an argument. */
  readonly fixedByName: ReadonlySet<string>;
  /** Descriptions of arguments that clients are to see in place of their own. */
  readonly argumentDescriptions: ReadonlyMap<string, string>;
  /** Bytes of the JSON text. */
  readonly maxResultSize: Limit<number> | undefined;
  /** Milliseconds. */
  readonly timeout: Limit<number> | undefined;
  readonly rate: Limit<Rate> | undefined;
}

/** A limit and the config key that set it, below the upstream: `items.tools.search.rate`. */
export interface Limit<T> {
  readonly value: T;
  readonly knob: string;
}

type Items = UpstreamConfig['items'];
type Settings = Readonly<Omit<ItemSettings, 'arguments'>> & {
  readonly arguments?: Readonly<
    Record<string, { readonly value?: unknown; readonly description?: string | undefined }>
  >;
};

/** The rules are looked up again and again for the same names; clients name resources as they like. */
const MOST_REMEMBERED = 10_000;

const KINDS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;

export class ItemRules {
  readonly #kinds: Readonly<Record<ItemKind, KindRules>>;

  /** @param items `items` of an upstream */
  constructor(items: Items) {
    const of = (kind: ItemKind): KindRules => new KindRules(kind, items[kind] as Readonly<Record<string, Settings>>);
    this.#kinds = {
      tools: of('tools'),
      prompts: of('prompts'),
      resources: of('resources'),
      resourceTemplates: of('resourceTemplates'),
    };
  }

  /** What is said of an item; `undefined` where nothing is. */
  of(kind: ItemKind, name: string): ItemRule | undefined {
    return this.#kinds[kind].of(name);
  }

  /** The items that are named one by one, without patterns. */
  named(kind: ItemKind): readonly string[] {
    return this.#kinds[kind].named;
  }
}

/** The rules for the items of an upstream; `undefined` where nothing is said of any. */
export function itemRules(items: Items): ItemRules | undefined {
  return KINDS.some((kind) => Object.keys(items[kind]).length > 0) ? new ItemRules(items) : undefined;
}

interface Pattern {
  readonly path: string;
  readonly settings: Settings;
  /** Whether it is a name. */
  readonly exact: boolean;
  matches(name: string): boolean;
}

class KindRules {
  readonly named: readonly string[];
  /** In order of weight: patterns in the order of the file, then names. */
  readonly #patterns: readonly Pattern[];
  readonly #known = new Map<string, ItemRule | undefined>();

  constructor(kind: ItemKind, entries: Readonly<Record<string, Settings>>) {
    const all = Object.entries(entries);
    this.named = all.map(([name]) => name).filter((name) => !isGlob(name));
    const patterns = all.map(([glob, settings]) => ({
      path: `items.${kind}.${/^[\w-]+$/.test(glob) ? glob : JSON.stringify(glob)}`,
      settings,
      matches: globMatcher(glob),
      exact: !isGlob(glob),
    }));
    this.#patterns = [...patterns.filter(({ exact }) => !exact), ...patterns.filter(({ exact }) => exact)];
  }

  of(name: string): ItemRule | undefined {
    if (this.#patterns.length === 0) return undefined;
    if (this.#known.has(name)) return this.#known.get(name);
    const matching = this.#patterns.filter((pattern) => pattern.matches(name));
    const rule = matching.length === 0 ? undefined : merged(matching);
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    this.#known.set(name, rule);
    return rule;
  }
}

/** Key by key, the last one that says something has the word. */
function merged(patterns: readonly Pattern[]): ItemRule {
  const last = <K extends keyof Settings>(key: K): { value: NonNullable<Settings[K]>; path: string } | undefined => {
    const found = patterns.findLast(({ settings }) => settings[key] !== undefined);
    return found && { value: found.settings[key]!, path: found.path };
  };
  const limit = <K extends 'maxResultSize' | 'timeout' | 'rate'>(
    key: K,
  ): Limit<NonNullable<Settings[K]>> | undefined => {
    const found = last(key);
    return found && { value: found.value, knob: `${found.path}.${key}` };
  };
  const fixed = new Map<string, string>();
  const fixedByName = new Set<string>();
  const argumentDescriptions = new Map<string, string>();
  for (const { settings, exact } of patterns) {
    for (const [name, argument] of Object.entries(settings.arguments ?? {})) {
      if (argument.value !== undefined) fixed.set(name, JSON.stringify(argument.value));
      if (argument.value !== undefined && exact) fixedByName.add(name);
      if (argument.description !== undefined) argumentDescriptions.set(name, argument.description);
    }
  }
  const rate = limit('rate');
  return {
    hide: last('hide')?.value ?? false,
    name: last('name')?.value,
    title: last('title')?.value,
    description: last('description')?.value,
    fixed,
    fixedByName,
    argumentDescriptions,
    maxResultSize: limit('maxResultSize'),
    timeout: limit('timeout'),
    rate: rate && { value: parseRate(rate.value)!, knob: rate.knob },
  };
}
