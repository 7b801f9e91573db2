import { type Budget, bySpecificity, canonical, type UriTemplate } from './uri-templates.ts';

/** A template with its owner. */
export interface OwnedTemplate {
  readonly upstream: string;
  readonly template: UriTemplate;
  /** Whether another upstream may own some of its expansions, so that it is exposed in qualified form. */
  contested: boolean;
}

/** A listed URI with its owner; null where several upstreams list it. */
export type ListedUri = readonly [uri: string, upstream: string | null];

/**
 * Spent on the comparisons of one table: some tens of milliseconds. Templates that share a long way but never match are
 * taken as contested after that, which is safe.
 */
const TABLE_BUDGET = 1_000_000;

/** Finds the templates that match a URI without asking each one. */
export class TemplateIndex {
  readonly #buckets = new Map<string, OwnedTemplate[]>();
  readonly #lengths: readonly number[];

  constructor(entries: readonly OwnedTemplate[]) {
    for (const entry of entries) {
      const bucket = this.#buckets.get(entry.template.literalPrefix) ?? [];
      this.#buckets.set(entry.template.literalPrefix, bucket);
      bucket.push(entry);
    }
    for (const bucket of this.#buckets.values()) bucket.sort((a, b) => bySpecificity(a.template, b.template));
    const lengths = new Set(entries.map((entry) => entry.template.literalPrefix.length));
    this.#lengths = [...lengths].sort((a, b) => b - a);
  }

  /** The templates that match `uri`, the most specific first. */
  *matching(uri: string): Generator<OwnedTemplate, undefined> {
    const text = canonical(uri);
    for (const length of this.#lengths) {
      if (length > text.length) continue;
      for (const entry of this.#buckets.get(text.slice(0, length)) ?? []) {
        if (entry.template.matches(uri)) yield entry;
      }
    }
  }
}

/**
 * Marks each template that overlaps one of another upstream, or matches a URI that another upstream lists. The order of
 * `entries` and `listed` does not matter.
 */
export function markContested(entries: readonly OwnedTemplate[], listed: Iterable<ListedUri>): void {
  if (entries.length === 0) return;
  const budget = { steps: TABLE_BUDGET };
  const sorted = [...entries].sort(
    ({ template: a }, { template: b }) => compare(a.literalPrefix, b.literalPrefix) || compare(a.raw, b.raw),
  );
  markAmongTemplates(sorted, budget);
  const free = sorted.filter((entry) => !entry.contested);
  if (free.length > 0) markAgainstUris(free, listed, budget);
}

function markAmongTemplates(sorted: readonly OwnedTemplate[], budget: Budget): void {
  // Two templates overlap only where one literal prefix begins with the other; in this order such ones stand together.
  sorted.forEach((entry, at) => {
    for (let i = at + 1; i < sorted.length; i++) {
      const other = sorted[i]!;
      if (!other.template.literalPrefix.startsWith(entry.template.literalPrefix)) break;
      if (other.upstream === entry.upstream || (other.contested && entry.contested)) continue;
      if (!entry.template.overlaps(other.template, budget)) continue;
      entry.contested = true;
      other.contested = true;
    }
  });
}

function markAgainstUris(entries: readonly OwnedTemplate[], listed: Iterable<ListedUri>, budget: Budget): void {
  const sorted = [...listed]
    .map(([uri, upstream]) => ({ uri, upstream, text: canonical(uri) }))
    .sort((a, b) => compare(a.text, b.text));
  for (const entry of entries) {
    const prefix = entry.template.literalPrefix;
    for (let i = lowerBound(sorted, prefix); sorted[i]?.text.startsWith(prefix); i++) {
      const { uri, upstream } = sorted[i]!;
      if (upstream === entry.upstream || !entry.template.matches(uri, budget)) continue;
      entry.contested = true;
      break;
    }
  }
}

/** The first place in `sorted` whose text is not before `text`. */
function lowerBound(sorted: readonly { readonly text: string }[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.text < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
