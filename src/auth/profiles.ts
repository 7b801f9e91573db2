/** Profiles: named selections of what there is, each at a URL of its own. */
import type { Config } from '../config/schema.ts';
import { itemPattern } from './items.ts';
import type { Rule, Rules } from './rules.ts';
import { ScopePolicy, type ScopeSettings } from './scopes.ts';

export type ProfileSettings = Config['profiles'][string];

/** The path of the default profile, which the others are below. */
export const MCP_PATH = '/mcp';
/** The name of the profile at {@link MCP_PATH}, whether the config names it or not. */
export const DEFAULT_PROFILE = 'default';

/** What clients sign in to: it has metadata, and tokens are for it. */
export interface Endpoint {
  /** Such as `/mcp/research`. */
  readonly path: string;
  /** What people are shown as its name. */
  readonly title: string;
  /** Which scopes are needed here. */
  readonly scopes: ScopePolicy;
}

export interface Profile extends Endpoint {
  readonly name: string;
  /** In place of what upstreams say of themselves. */
  readonly instructions: string | undefined;
  /** What is in it; `undefined` for everything. */
  readonly selection: Rules | undefined;
  /** What the gateway says of itself here, as JSON text. */
  readonly serverInfo: string;
}

/** The path of a profile. */
export const pathOf = (name: string): string => (name === DEFAULT_PROFILE ? MCP_PATH : `${MCP_PATH}/${name}`);

/** Every profile of a config. */
export class Profiles {
  readonly #version: string;
  #scopes: ScopeSettings | undefined;
  #profiles: ReadonlyMap<string, Profile> = new Map();

  /** @param scopes `undefined` where everyone is let in @param version of the gateway */
  constructor(settings: Config['profiles'], scopes: ScopeSettings | undefined, version: string) {
    this.#scopes = scopes;
    this.#version = version;
    this.configure(settings);
  }

  /** Takes over other settings. @param scopes `undefined` where everyone is let in */
  configure(settings: Config['profiles'], scopes = this.#scopes): void {
    this.#scopes = scopes;
    const names = new Set([DEFAULT_PROFILE, ...Object.keys(settings)]);
    this.#profiles = new Map([...names].map((name) => [name, this.#profile(name, settings[name])]));
  }

  /** The one at `/mcp`. */
  get usual(): Profile {
    return this.#profiles.get(DEFAULT_PROFILE)!;
  }

  /** @param name that of the URL; the default one has none there */
  at(name: string | undefined): Profile | undefined {
    if (name === undefined) return this.usual;
    return name === DEFAULT_PROFILE ? undefined : this.#profiles.get(name);
  }

  get(name: string): Profile | undefined {
    return this.#profiles.get(name);
  }

  all(): Iterable<Profile> {
    return this.#profiles.values();
  }

  #profile(name: string, settings: ProfileSettings | undefined): Profile {
    const { title = 'Patchbay', instructions, scopes = [] } = settings ?? {};
    return {
      name,
      path: pathOf(name),
      title,
      instructions,
      scopes: new ScopePolicy(this.#scopes, scopes),
      selection: settings && selectionOf(name, settings),
      serverInfo: JSON.stringify({ name: 'patchbay', title, version: this.#version }),
    };
  }
}

/** What a profile includes and excludes, as rules. */
function selectionOf(name: string, { include, exclude }: ProfileSettings): Rules | undefined {
  if (!include && !exclude) return undefined;
  const rule = (effect: Rule['effect'], key: string, pattern: string): Rule => ({
    effect,
    label: `profiles.${name}.${key} ${JSON.stringify(pattern)}`,
    items: [itemPattern(pattern)],
    kinds: undefined,
    hints: undefined,
  });
  return [
    ...(exclude ?? []).map((pattern) => rule('deny', 'exclude', pattern)),
    ...(include ?? ['*']).map((pattern) => rule('allow', 'include', pattern)),
  ];
}
