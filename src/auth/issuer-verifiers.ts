/** What checks the tokens of other issuers, kept for as long as their entries in the config stay as they are. */
import type { Config } from '../config/schema.ts';
import type { Logger } from '../telemetry/log.ts';
import { Introspector } from './introspection.ts';
import { JwtVerifier } from './jwt-verifier.ts';
import type { SafeFetch } from './safe-fetch.ts';

export class IssuerVerifiers {
  readonly #jwt = new Map<string, JwtVerifier>();
  readonly #asked = new Map<string, Introspector>();

  /**
   * Those of a section `auth`. One whose entry is as it was is the one of then, with its keys and what it has counted; the
   * others are new, and so are all when other addresses may be fetched from.
   */
  of(
    { mode, jwt, introspection, allowAddresses }: Config['auth'],
    safeFetch: SafeFetch,
    log: Logger,
  ): { readonly jwt: readonly JwtVerifier[]; readonly asked: readonly Introspector[] } {
    const keyOf = (entry: object): string => JSON.stringify([entry, allowAddresses]);
    const entries = {
      jwt: mode.includes('jwt') ? jwt : [],
      asked: mode.includes('introspection') ? introspection : [],
    };
    return {
      jwt: keep(this.#jwt, entries.jwt, keyOf, (one) => new JwtVerifier(one, safeFetch, log)),
      asked: keep(this.#asked, entries.asked, keyOf, (one) => new Introspector(one, safeFetch, log)),
    };
  }
}

/** One for each entry, in their order; those that no entry has any more are let go. */
function keep<Entry, Kept>(
  shelf: Map<string, Kept>,
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
  make: (entry: Entry) => Kept,
): readonly Kept[] {
  const next = entries.map((entry) => [keyOf(entry), shelf.get(keyOf(entry)) ?? make(entry)] as const);
  shelf.clear();
  for (const [key, one] of next) shelf.set(key, one);
  return next.map(([, one]) => one);
}
