/** Profiles and policies at random, about the upstreams `docs`, `files` and `a/b`. */
import fc from 'fast-check';

/** A rule as it stands in a config. */
export interface RuleText {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly kinds?: readonly string[];
  readonly readOnly?: boolean;
  readonly destructive?: boolean;
  readonly groups?: readonly string[];
}

const pattern = fc.constantFrom(
  ...[
    '*',
    'docs',
    'docs/*',
    'files/*',
    'a/b/*',
    '*/read',
    '*/*e*',
    'docs/delete',
    'files/wr*',
    'a/b',
    'a/b/show',
    '*/greet',
  ],
  ...[
    'docs/docs:///*',
    'files/files:///open',
    '*/*:///shut/*',
    'docs/docs:///page/{id}',
    'files/ui://*',
    '*/*:///page/*',
  ],
);
const patterns = fc.array(pattern, { minLength: 1, maxLength: 4 });
const conditions = fc.record(
  {
    kinds: fc.subarray(['tools', 'prompts', 'resources'] as const, { minLength: 1 }),
    readOnly: fc.boolean(),
    destructive: fc.boolean(),
    groups: fc.subarray(['eng', 'ops'] as const, { minLength: 1 }),
  },
  { requiredKeys: [] },
);
const rule: fc.Arbitrary<RuleText> = fc.oneof(
  fc.tuple(patterns, conditions).map(([allow, more]) => ({ allow, ...more })),
  fc.tuple(patterns, conditions).map(([deny, more]) => ({ deny, ...more })),
);
/** Policies, and none. */
export const policy = fc.option(fc.array(rule, { minLength: 1, maxLength: 5 }), { nil: undefined });
/** What a profile selects. */
export const profile = fc.record({ include: patterns, exclude: patterns }, { requiredKeys: [] });
/** Groups that somebody is in. */
export const groups = fc.subarray(['eng', 'ops'] as const);
