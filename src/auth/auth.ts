/** Everything about who may connect, put together from the config: what the gateway asks before it serves a request. */
import type { Config } from '../config/schema.ts';
import type { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Addresses } from './addresses.ts';
import { type Authenticate, authenticateByToken, authenticateNobody } from './authenticate.ts';
import { challengeOf } from './challenge.ts';
import { createProver, type Prove } from './dpop.ts';
import { IntrospectionVerifier } from './introspection.ts';
import { IssuerVerifiers } from './issuer-verifiers.ts';
import type { Endpoint } from './profiles.ts';
import { metadataUrl, type ResourceMetadata, resourceMetadata } from './resource-metadata.ts';
import { createSafeFetch, type SafeFetch } from './safe-fetch.ts';
import { TokenCache } from './token-cache.ts';
import type { TokenVerifier } from './verifier.ts';

export interface AuthDeps {
  /** Of this gateway. */
  readonly addresses: Addresses;
  readonly log: Logger;
  /** What checks the tokens that are made here: API keys, those of the embedded server. Asked before the others. */
  readonly verifiers?: readonly TokenVerifier[];
  readonly safeFetch?: SafeFetch;
  /** What checked the tokens of other issuers so far. */
  readonly issuers?: IssuerVerifiers;
  /** What checks proofs, and knows those that were used. */
  readonly prove?: Prove;
  /** Where good tokens are remembered, for who takes some back. */
  readonly cache?: TokenCache;
  /** Asked before a token is checked that is not known. @throws Fault `rateLimited` */
  readonly admit?: (address: string) => void;
}

export interface Auth {
  readonly addresses: Addresses;
  readonly authenticate: Authenticate;
  readonly cache: TokenCache;
  /**
   * What is said about an endpoint to those who have no token yet; `undefined` where nobody needs one, or none is given out.
   * @param host the Host header of the request
   */
  metadata(host: string | undefined, endpoint: Endpoint): ResourceMetadata | undefined;
  /** The value of `WWW-Authenticate` that goes with a refusal, if one does. */
  challenge(fault: Fault, host: string | undefined, endpoint: Endpoint): string | undefined;
  /** Fetches what the first tokens will need. Problems are logged. */
  warm(): void;
}

/** @param settings the section `auth` of the config */
export function createAuth(settings: Config['auth'], deps: AuthDeps): Auth {
  const { addresses, log, verifiers = [], cache = new TokenCache() } = deps;
  if (settings.mode.includes('none')) {
    return {
      addresses,
      authenticate: authenticateNobody,
      cache,
      metadata: () => undefined,
      challenge: () => undefined,
      warm: () => undefined,
    };
  }
  const safeFetch = deps.safeFetch ?? createSafeFetch({ allow: settings.allowAddresses });
  const { issuers = new IssuerVerifiers(), prove = createProver(addresses) } = deps;
  const { jwt, asked } = issuers.of(settings, safeFetch, log);
  return {
    addresses,
    authenticate: authenticateByToken({
      addresses,
      verifiers: [...verifiers, ...jwt, new IntrospectionVerifier(asked)],
      cache,
      prove,
      admit: deps.admit,
    }),
    cache,
    metadata: (host, endpoint) => resourceMetadata(settings, endpoint, addresses, host),
    challenge: (fault, host, endpoint) => {
      const document = resourceMetadata(settings, endpoint, addresses, host);
      const metadata = document && metadataUrl(addresses.baseFor(host), endpoint.path);
      return challengeOf(fault, { metadata, scopes: document?.scopes_supported ?? endpoint.scopes.required });
    },
    warm: () => {
      for (const verifier of jwt) verifier.warm();
    },
  };
}
