import { firstFree, hashedForm } from './digest.ts';

/** How exposed tool and prompt names are made: the `names` section of the config. */
export interface NameRules {
  readonly prefix: 'always' | 'conflict' | 'never';
  /** Stands between the prefix and the name; characters of [A-Za-z0-9_-]. */
  readonly separator: string;
  /** The longest exposed name, in characters. */
  readonly maxLength: number;
}

/** What an upstream's exposed names begin with. */
export interface Prefix {
  readonly text: string;
  /** The prefixes of other upstreams that begin with this one; what follows `text` in them ends as the separator ends. */
  readonly longer: readonly string[];
}

/** The empty prefix: bare names. */
export const BARE: Prefix = { text: '', longer: [] };

const SAFE = /^[A-Za-z0-9_-]+$/;
/** What the upstream's part and the name's part of an exposed name have at least. */
const LEAST_PART = 4;

/** Tells whether every character may stand in an exposed name, and there is at least one. */
export function isSafe(text: string): boolean {
  return SAFE.test(text);
}

/** The first `limit` characters with `_` for each that may not stand in an exposed name. */
export function mapUnsafe(text: string, limit: number): string {
  return text.slice(0, limit).replace(/[^A-Za-z0-9_-]/gu, '_');
}

/**
 * Checks the rules by themselves.
 * @returns what is wrong and how to mend it, or undefined
 */
export function ruleProblem(rules: NameRules): string | undefined {
  const { separator, maxLength } = rules;
  if (!isSafe(separator)) {
    return `names.separator ${JSON.stringify(separator)} must be one or more of A-Z a-z 0-9 _ -, such as "__"`;
  }
  const least = separator.length + 2 * LEAST_PART;
  if (Number.isSafeInteger(maxLength) && maxLength >= least) return undefined;
  return `names.maxLength ${maxLength} must be a whole number of at least ${least} with this separator, such as 64`;
}

/**
 * The prefix of every upstream, `{slug}{separator}`, from the ids alone. A slug is the id where it is safe and not
 * longer than half of what the separator leaves, else its mapped head with a hash; no two ids share one.
 * @param ids distinct upstream ids in any order
 */
export function upstreamPrefixes(rules: NameRules, ids: readonly string[]): ReadonlyMap<string, Prefix> {
  const limit = Math.floor((rules.maxLength - rules.separator.length) / 2);
  const slugs = new Map<string, string>();
  for (const id of ids) if (isSafe(id) && id.length <= limit) slugs.set(id, id);
  const rest = ids.filter((id) => !slugs.has(id)).sort();
  const taken = new Set(slugs.values());
  for (const id of rest) {
    const head = mapUnsafe(id, limit);
    const slug = firstFree(taken, (attempt) => hashedForm(head, '_', id, attempt, limit));
    taken.add(slug);
    slugs.set(id, slug);
  }
  const sorted = [...slugs.values()].map((slug) => slug + rules.separator).sort();
  const place = new Map(sorted.map((text, i) => [text, i]));
  const prefixes = new Map<string, Prefix>();
  for (const [id, slug] of slugs) {
    const text = slug + rules.separator;
    const longer: string[] = [];
    // Whatever begins with `text` follows it directly in code unit order.
    for (let i = place.get(text)! + 1; sorted[i]?.startsWith(text); i++) longer.push(sorted[i]!);
    prefixes.set(id, { text, longer });
  }
  return prefixes;
}
