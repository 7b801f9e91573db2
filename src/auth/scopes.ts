/** Which scopes a token needs for what (`auth.scopes`). */
import type { Config } from '../config/schema.ts';
import { Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import { anyOf } from './globs.ts';

/** What a token or key has to have that reads the figures of the gateway. */
export const METRICS = 'metrics';

/** What lets somebody use MCP where the config asks for nothing else: anything but the scope for figures alone. */
const USE = 'mcp';

export type ScopeSettings = Config['auth']['scopes'];

/** What is asked for: a method, and the item that it names, if it does, as its upstream knows it. */
export interface Operation {
  readonly method: string;
  readonly item?: { readonly upstream: string; readonly name: string } | undefined;
}

interface Rule {
  readonly methods: ((method: string) => boolean) | undefined;
  readonly upstreams: ((upstream: string) => boolean) | undefined;
  readonly items: ((item: string) => boolean) | undefined;
  readonly scopes: readonly string[];
}

/** The rules as they stand in the config. With `auth.mode: none` there are no tokens, and nothing is asked of them. */
export class ScopePolicy {
  /** What every token must have. */
  readonly required: readonly string[];
  /** Whether what is needed depends on what is asked for. */
  readonly hasRules: boolean;
  readonly #rules: readonly Rule[];
  readonly #includes: Readonly<Record<string, readonly string[]>>;
  /** What each principal may count on, scopes that others stand for included. */
  readonly #held = new WeakMap<Principal, ReadonlySet<string>>();

  /**
   * @param settings `undefined` where everyone is let in
   * @param also what every token must have beside what the settings say
   */
  constructor(settings: ScopeSettings | undefined, also: readonly string[] = []) {
    this.required = settings ? [...new Set([...settings.required, ...also])] : [];
    this.#includes = settings?.includes ?? {};
    this.#rules = (settings?.rules ?? []).map(({ methods, upstreams, items, scopes }) => ({
      methods: methods && anyOf(methods),
      upstreams: upstreams && anyOf(upstreams),
      items: items && anyOf(items),
      scopes,
    }));
    this.hasRules = this.#rules.length > 0;
  }

  /** Every scope that an operation needs, those that every token must have included. */
  needed(operation: Operation): readonly string[] {
    const scopes = new Set(this.required);
    for (const rule of this.#rules) if (fits(rule, operation)) for (const scope of rule.scopes) scopes.add(scope);
    return [...scopes];
  }

  /**
   * That a token is good for anything at all.
   * @throws Fault `insufficientScope`
   */
  admit(principal: Principal): void {
    const { scopes } = principal;
    // who may read figures may not do everything for that
    if (scopes.length === 1 && scopes[0] === METRICS) this.#check(principal, [USE, ...this.required]);
    if (this.required.length > 0) this.#check(principal, this.required);
  }

  /**
   * That a token is good for all of these.
   * @throws Fault `insufficientScope`, which names every scope that they need: clients ask for just these
   */
  allow(principal: Principal, operations: readonly Operation[]): void {
    if (!this.hasRules) return;
    const held = this.heldBy(principal);
    if (operations.every((operation) => this.#suffices(held, operation))) return;
    const scopes = new Set(operations.flatMap((operation) => this.needed(operation)));
    this.#check(principal, [...scopes]);
  }

  /**
   * That a token is good for the figures.
   * @throws Fault `insufficientScope`
   */
  allowMetrics(principal: Principal): void {
    this.#check(principal, [METRICS]);
  }

  #suffices(held: ReadonlySet<string>, operation: Operation): boolean {
    for (const scope of this.required) if (!held.has(scope)) return false;
    for (const rule of this.#rules)
      if (fits(rule, operation)) for (const scope of rule.scopes) if (!held.has(scope)) return false;
    return true;
  }

  #check(principal: Principal, needed: readonly string[]): void {
    const held = this.heldBy(principal);
    if (needed.every((scope) => held.has(scope))) return;
    throw new Fault('insufficientScope', { scope: needed.join(' ') });
  }

  /** The scopes that a principal has, those included that they stand for. */
  heldBy(principal: Principal): ReadonlySet<string> {
    const known = this.#held.get(principal);
    if (known) return known;
    const held = new Set(principal.scopes);
    // what is added while this goes on is visited as well
    for (const scope of held)
      if (Object.hasOwn(this.#includes, scope)) for (const included of this.#includes[scope]!) held.add(included);
    this.#held.set(principal, held);
    return held;
  }
}

/** A rule that names no methods is about all that name an item. */
function fits({ methods, upstreams, items }: Rule, { method, item }: Operation): boolean {
  if (methods ? !methods(method) : !item) return false;
  if (!item) return !upstreams && !items;
  return (upstreams?.(item.upstream) ?? true) && (items?.(item.name) ?? true);
}
