/** What each principal may use at each profile: found by looking it up, equal for those about whom the same rules are. */
import type { Principal } from '../protocol/call.ts';
import { type Asker, Policy, type PolicySettings } from './policy.ts';
import type { Profile, Profiles } from './profiles.ts';
import { inOrder, type Rules } from './rules.ts';

/** All that must let an item through: what the profile selects, and what the policy allows. */
export interface Grant {
  /** Of the profile; `undefined` where it selects everything. */
  readonly selection: Rules | undefined;
  /** Of the policy, those about its principals; `undefined` where there is no policy. */
  readonly policy: Rules | undefined;
}

/** At a profile that is not there any more. */
const NOTHING: Grant = { selection: [], policy: undefined };

/** Grants kept for principals that come again; the oldest make room. */
const MOST = 1_000;

export class Grants {
  readonly #profiles: Profiles;
  #policy: Policy | undefined;
  /** Where nothing is restricted, nothing is looked up. */
  #open = false;
  #known = new WeakMap<Principal, Map<string, Grant | undefined>>();
  #grants = new Map<string, Grant>();

  constructor(profiles: Profiles, policy: PolicySettings) {
    this.#profiles = profiles;
    this.configure(policy);
  }

  /** The scopes that profiles and policy know of, beside those of the section auth. */
  get scopes(): readonly string[] {
    const profiles = [...this.#profiles.all()].flatMap(({ scopes }) => scopes.required);
    return [...new Set([...profiles, ...(this.#policy?.scopes ?? [])])];
  }

  /** Whether different principals may see different things. */
  get personal(): boolean {
    return this.#policy !== undefined;
  }

  /** Takes over another policy, and what the profiles are now. */
  configure(policy: PolicySettings): void {
    this.#policy = policy && new Policy(policy);
    this.#open = !this.#policy && [...this.#profiles.all()].every(({ selection }) => !selection);
    this.#known = new WeakMap();
    this.#grants = new Map();
  }

  /**
   * @param profile its name
   * @returns `undefined` for a principal that may use everything
   */
  of(principal: Principal, profile: string): Grant | undefined {
    if (this.#open) return undefined;
    const known = this.#known.get(principal);
    if (known?.has(profile)) return known.get(profile);
    const at = this.#profiles.get(profile);
    const grant = at ? this.#find(principal, at) : NOTHING;
    if (known) known.set(profile, grant);
    else this.#known.set(principal, new Map([[profile, grant]]));
    return grant;
  }

  #find(principal: Principal, { name, selection, scopes }: Profile): Grant | undefined {
    const policy = this.#policy;
    if (!policy && !selection) return undefined;
    const asker: Asker = { principal, scopes: scopes.heldBy(principal), profile: name };
    const numbers = policy?.about(asker);
    const key = JSON.stringify([selection ? name : '', numbers ?? null]);
    const known = this.#grants.get(key);
    if (known) return known;
    const grant = { selection, policy: numbers && inOrder(numbers.map((number) => policy!.rule(number))) };
    this.#grants.set(key, grant);
    if (this.#grants.size > MOST) this.#grants.delete(this.#grants.keys().next().value!);
    return grant;
  }
}
