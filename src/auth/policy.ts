/** The policy: who may use what (`policy` in the config). What denies wins, and what no rule allows is refused. */
import type { RULE_KINDS } from '../config/access.ts';
import type { Config } from '../config/schema.ts';
import type { Principal } from '../protocol/call.ts';
import { anyOf } from './globs.ts';
import { type Hints, itemPattern } from './items.ts';
import type { Rule } from './rules.ts';

export type PolicySettings = Config['policy'];
type RuleSettings = NonNullable<PolicySettings>[number];
type WhoSettings = NonNullable<RuleSettings['unless']>;

/** Somebody who asks for something somewhere. */
export interface Asker {
  readonly principal: Principal;
  /** What its token has, what that stands for included. */
  readonly scopes: ReadonlySet<string>;
  /** The profile that it has connected to. */
  readonly profile: string;
}

type Who = (asker: Asker) => boolean;

/** The rules as they stand in the config. */
export class Policy {
  readonly #rules: readonly { readonly rule: Rule; readonly who: Who }[];

  /** The scopes that rules name in full. */
  readonly scopes: readonly string[];

  constructor(settings: NonNullable<PolicySettings>) {
    const named = settings.flatMap(({ scopes = [], unless }) => [...scopes, ...(unless?.scopes ?? [])]);
    this.scopes = named.filter((scope) => !scope.includes('*'));
    this.#rules = settings.map((one, i) => ({ rule: ruleOf(one, i), who: whoOf(one) }));
  }

  /** The numbers of the rules that are about somebody; equal for those who may use the same. */
  about(asker: Asker): readonly number[] {
    return this.#rules.flatMap(({ who }, i) => (who(asker) ? [i] : []));
  }

  /** A rule by its number. */
  rule(number: number): Rule {
    return this.#rules[number]!.rule;
  }
}

/** What the kinds of the config are in catalogs. */
const KINDS: Readonly<Record<(typeof RULE_KINDS)[number], readonly string[]>> = {
  tools: ['tools'],
  prompts: ['prompts'],
  resources: ['resources', 'resourceTemplates'],
};

function ruleOf(settings: RuleSettings, i: number): Rule {
  const { name, allow, deny, kinds } = settings;
  const hints: Partial<Record<keyof Hints, boolean>> = {};
  for (const hint of ['readOnly', 'destructive', 'idempotent', 'openWorld'] as const)
    if (settings[hint] !== undefined) hints[hint] = settings[hint];
  return {
    effect: deny ? 'deny' : 'allow',
    label: name === undefined ? `policy[${i}]` : `policy[${i}] ${JSON.stringify(name)}`,
    items: (deny ?? allow ?? []).map(itemPattern),
    kinds: kinds && new Set(kinds.flatMap((kind) => KINDS[kind])),
    hints: Object.keys(hints).length > 0 ? hints : undefined,
  };
}

/** Everything that is named must fit, each by one of its values. */
function whoOf({ unless, ...who }: WhoSettings & { readonly unless?: WhoSettings | undefined }): Who {
  const [is, isNot] = [allOf(who), unless && allOf(unless)];
  return (asker) => is(asker) && !isNot?.(asker);
}

function allOf({ users, groups, clients, issuers, scopes, claims, profiles }: WhoSettings): Who {
  const tests: Who[] = [];
  const test = (
    globs: readonly string[] | undefined,
    valuesOf: (asker: Asker) => Iterable<string | undefined>,
  ): void => {
    if (!globs) return;
    const fits = anyOf(globs);
    tests.push((asker) => {
      for (const value of valuesOf(asker)) if (value !== undefined && fits(value)) return true;
      return false;
    });
  };
  test(profiles, ({ profile }) => [profile]);
  test(users, ({ principal }) => [principal.subject]);
  test(groups, ({ principal }) => principal.groups ?? []);
  test(clients, ({ principal }) => [principal.clientId]);
  test(issuers, ({ principal }) => [principal.issuer]);
  test(scopes, (asker) => asker.scopes);
  for (const [claim, globs] of Object.entries(claims ?? {}))
    test(globs, ({ principal }) => principal.claims?.get(claim) ?? []);
  return (asker) => tests.every((one) => one(asker));
}
