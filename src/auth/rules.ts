/** Rules about items: what they fit, and which one decides. */
import type { Hints, Item, ItemPattern } from './items.ts';

/** One rule, for those whom it is about. */
export interface Rule {
  readonly effect: 'allow' | 'deny';
  /** Where it stands in the config, and what it is called there: `policy[2] "no deletions"`. */
  readonly label: string;
  readonly items: readonly ItemPattern[];
  /** Kinds that it is about; `undefined` for all. */
  readonly kinds: ReadonlySet<string> | undefined;
  /** What a tool must say of itself; `undefined` where that does not matter, else it is about tools alone. */
  readonly hints: Partial<Hints> | undefined;
}

/** Rules of which one that denies wins, and what none allows is refused. Those that deny are first. */
export type Rules = readonly Rule[];

/** Puts those that deny first; the order within is kept. */
export const inOrder = (rules: readonly Rule[]): Rules => [
  ...rules.filter(({ effect }) => effect === 'deny'),
  ...rules.filter(({ effect }) => effect === 'allow'),
];

/** The rule that decides about an item, the first that denies before the first that allows; none allows it without one. */
export const deciding = (rules: Rules, item: Item): Rule | undefined => rules.find((rule) => isAbout(rule, item));

/** Whether a rule is about an item. */
export function isAbout({ items, kinds, hints }: Rule, { upstream, kind, name, hints: own }: Item): boolean {
  if (kinds && !kinds.has(kind)) return false;
  if (hints && !(own && says(own, hints))) return false;
  return items.some((pattern) => pattern.fits(upstream, name));
}

/** Whether rules let through anything of an upstream that may be there. */
export function mayAllow(rules: Rules, upstream: string): boolean {
  for (const { effect, items, kinds, hints } of rules) {
    if (effect === 'deny') {
      if (!kinds && !hints && items.some((pattern) => pattern.fitsAllOf(upstream))) return false;
    } else if (items.some((pattern) => pattern.fitsUpstream(upstream))) return true;
  }
  return false;
}

/** Whether rules may let through resources of an upstream that it does not list. */
export const mayAllowUris = (rules: Rules, upstream: string): boolean =>
  rules.some(
    ({ effect, items, kinds, hints }) =>
      effect === 'allow' &&
      !hints &&
      (!kinds || kinds.has('resources')) &&
      items.some((pattern) => pattern.fitsUrisOf(upstream)),
  );

const says = (own: Hints, wanted: Partial<Hints>): boolean =>
  Object.entries(wanted).every(([name, value]) => own[name as keyof Hints] === value);
