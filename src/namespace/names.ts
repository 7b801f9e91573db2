import { firstFree, hashedForm } from './digest.ts';
import { BARE, isSafe, mapUnsafe, type NameRules, type Prefix, ruleProblem, upstreamPrefixes } from './prefixes.ts';

export type { NameRules } from './prefixes.ts';

/** One upstream and the names it offers, of one kind (tools or prompts). */
export interface NameSource {
  readonly upstream: string;
  readonly names: readonly string[];
}

/** What an exposed name stands for. */
export interface NameTarget {
  readonly upstream: string;
  readonly name: string;
}

/**
 * Why an exposed name is not what one expects: `mapped` characters, `shortened` to fit, `disambiguated` because it
 * could be taken for another, or a `duplicate` in its upstream's own list, where the first stands.
 */
export interface NameNote extends NameTarget {
  readonly exposed: string;
  readonly reason: 'mapped' | 'shortened' | 'disambiguated' | 'duplicate';
}

/** Exposed names and upstream names, each from the other. */
export interface NameTable {
  /** The exposed name, or undefined where this upstream does not offer `name`. */
  expose(upstream: string, name: string): string | undefined;
  /** The upstream and its own name, or undefined where nothing has this exposed name. */
  resolve(exposed: string): NameTarget | undefined;
  readonly notes: readonly NameNote[];
}

interface Wish extends NameTarget {
  readonly prefix: Prefix;
}

/**
 * Builds the table of exposed names of one kind. It depends on neither the order of an upstream's names
 * nor anything outside its arguments.
 *
 * With `always`, an exposed name depends on the rules, the upstream ids and that upstream's own names only: it begins
 * with its upstream's prefix and with no longer prefix of another, so no two upstreams have a name in common. With
 * `conflict`, names that several upstreams offer are prefixed. With `never`, the first upstream keeps the bare name and
 * later ones are prefixed; a single upstream is passed through verbatim, whatever its names are.
 *
 * @param items every configured upstream in config order, ids distinct
 * @throws RangeError where `rules` cannot work; the message says which setting to change
 */
export function nameTable(rules: NameRules, items: readonly NameSource[]): NameTable {
  const problem = ruleProblem(rules);
  if (problem !== undefined) throw new RangeError(problem);
  const builder = new Builder(rules);
  const own = items.map(({ upstream, names }) => ({ upstream, names: [...new Set(names)].sort() }));
  const wishes = own.flatMap(({ upstream, names }) => names.map((name) => ({ upstream, name, prefix: BARE })));
  if (rules.prefix === 'never' && items.length === 1) {
    for (const wish of wishes) builder.claim(wish.name, wish);
  } else {
    const prefixes = upstreamPrefixes(
      rules,
      items.map((item) => item.upstream),
    );
    const shared = rules.prefix === 'conflict' ? sharedNames(own) : undefined;
    const wantsPrefix = (wish: Wish) => rules.prefix === 'always' || shared?.has(wish.name) === true;
    const beaten = builder.settleBare(wishes.filter((wish) => !wantsPrefix(wish)));
    const prefixed = wishes.filter((wish) => wantsPrefix(wish) || beaten.has(wish));
    builder.settlePrefixed(prefixed.map((wish) => ({ ...wish, prefix: prefixes.get(wish.upstream)! })));
  }
  builder.noteDuplicates(items);
  return builder;
}

/** The names that more than one upstream offers; each list holds a name once. */
function sharedNames(own: readonly NameSource[]): Set<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { names } of own) {
    for (const name of names) (seen.has(name) ? shared : seen).add(name);
  }
  return shared;
}

class Builder implements NameTable {
  readonly notes: NameNote[] = [];
  readonly #rules: NameRules;
  readonly #targets = new Map<string, NameTarget>();
  readonly #exposed = new Map<string, Map<string, string>>();

  constructor(rules: NameRules) {
    this.#rules = rules;
  }

  expose(upstream: string, name: string): string | undefined {
    return this.#exposed.get(upstream)?.get(name);
  }

  resolve(exposed: string): NameTarget | undefined {
    return this.#targets.get(exposed);
  }

  claim(exposed: string, { upstream, name }: NameTarget): void {
    this.#targets.set(exposed, { upstream, name });
    const names = this.#exposed.get(upstream) ?? new Map<string, string>();
    this.#exposed.set(upstream, names.set(name, exposed));
  }

  /** Gives bare names out, unchanged ones first. Returns the wishes that came second to an unchanged name. */
  settleBare(wishes: readonly Wish[]): Set<Wish> {
    const beaten = new Set<Wish>();
    const changed: Wish[] = [];
    for (const wish of wishes) {
      const exposed = this.#plain(wish);
      if (exposed === undefined) changed.push(wish);
      else if (this.#targets.has(exposed)) beaten.add(wish);
      else this.claim(exposed, wish);
    }
    this.#settleChanged(changed);
    return beaten;
  }

  /** Gives prefixed names out, unchanged ones first. */
  settlePrefixed(wishes: readonly Wish[]): void {
    const changed: Wish[] = [];
    for (const wish of wishes) {
      const exposed = this.#plain(wish);
      if (exposed === undefined || this.#targets.has(exposed)) {
        changed.push(wish);
        continue;
      }
      this.claim(exposed, wish);
      if (this.#rules.prefix !== 'always') this.#note(wish, exposed, 'disambiguated');
    }
    this.#settleChanged(changed);
  }

  noteDuplicates(items: readonly NameSource[]): void {
    for (const { upstream, names } of items) {
      const seen = new Set<string>();
      for (const name of names) {
        if (seen.has(name)) this.#note({ upstream, name }, this.expose(upstream, name)!, 'duplicate');
        seen.add(name);
      }
    }
  }

  #settleChanged(wishes: readonly Wish[]): void {
    for (const wish of wishes) {
      const exposed = firstFree(this.#targets, (attempt) => this.#hashed(wish, attempt));
      this.claim(exposed, wish);
      const tooLong = wish.prefix.text.length + wish.name.length > this.#rules.maxLength;
      this.#note(wish, exposed, !isSafe(wish.name) ? 'mapped' : tooLong ? 'shortened' : 'disambiguated');
    }
  }

  #note({ upstream, name }: NameTarget, exposed: string, reason: NameNote['reason']): void {
    this.notes.push({ upstream, name, exposed, reason });
  }

  /** Prefix and name unchanged; undefined where characters, length or a longer prefix of another upstream forbid it. */
  #plain({ prefix, name }: Wish): string | undefined {
    const exposed = prefix.text + name;
    if (!isSafe(name) || exposed.length > this.#rules.maxLength) return undefined;
    return inLonger(prefix, exposed) ? undefined : exposed;
  }

  /**
   * Prefix, readable head and hash. Where that begins with a longer prefix of another upstream, the separator's last
   * character is replaced all through: each longer prefix has that character after this one's end, so none can fit.
   */
  #hashed({ upstream, name, prefix }: Wish, attempt: number): string {
    const room = this.#rules.maxLength - prefix.text.length;
    const rest = hashedForm(mapUnsafe(name, room), '_', `${upstream}\0${name}`, attempt, room);
    if (!inLonger(prefix, prefix.text + rest)) return prefix.text + rest;
    const last = this.#rules.separator.at(-1)!;
    return prefix.text + rest.replaceAll(last, last === '_' ? '-' : '_');
  }
}

function inLonger(prefix: Prefix, exposed: string): boolean {
  return prefix.longer.some((longer) => exposed.startsWith(longer));
}
