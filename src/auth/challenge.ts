/** What a client is told with a refusal so that it can sign in, or ask for more (RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1). */
import type { ErrorName, Fault } from '../errors.ts';
import { DPOP_ALGORITHMS } from './dpop.ts';

export interface ChallengeFacts {
  /** Where the metadata of the endpoint is, under the name that the client used; `undefined` where there is none. */
  readonly metadata: string | undefined;
  /** What every token must have. */
  readonly scopes: readonly string[];
}

/** The error code that goes with each refusal; none where the client has not tried to sign in. */
const CODES: Partial<Record<ErrorName, string | undefined>> = {
  unauthenticated: undefined,
  invalidToken: 'invalid_token',
  insufficientScope: 'insufficient_scope',
  badCredentials: 'invalid_request',
};

/** Whether a refusal is one of credentials. */
export const isChallenged = (fault: Fault): boolean => Object.hasOwn(CODES, fault.fault);

/** The value of `WWW-Authenticate`; `undefined` for refusals that credentials have nothing to do with. */
export function challengeOf(fault: Fault, { metadata, scopes }: ChallengeFacts): string | undefined {
  if (!isChallenged(fault)) return undefined;
  const { scheme = 'Bearer', error = CODES[fault.fault], scope = scopes.join(' ') } = fault.details;
  const params: [string, string | number][] = [];
  if (error !== undefined) params.push(['error', error], ['error_description', fault.message]);
  if (scheme === 'DPoP') params.push(['algs', DPOP_ALGORITHMS.join(' ')]);
  if (metadata !== undefined) params.push(['resource_metadata', metadata]);
  if (scope !== '') params.push(['scope', scope]);
  return [scheme, params.map(([name, value]) => `${name}="${quotable(value)}"`).join(', ')].join(' ').trim();
}

/** RFC 6750 §3: neither quotes nor backslashes, and ASCII alone. */
const quotable = (value: string | number): string => String(value).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
