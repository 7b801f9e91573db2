/** From an HTTP request to a principal. With `auth.mode: none` everyone is the same anonymous one. */
import { Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import type { Addresses } from './addresses.ts';
import { credentialsOf, type Presented } from './credentials.ts';
import { hashOf, type TokenCache } from './token-cache.ts';
import type { TokenVerifier, Verified } from './verifier.ts';

export const ANONYMOUS: Principal = { key: 'anonymous', subject: 'anonymous', scopes: [] };

/** The part of a request that says who calls. */
export interface AuthRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where it comes from. */
  readonly ip?: string | undefined;
  /** The message below it, by whose connection it came. */
  readonly raw?: { readonly socket?: object | null | undefined } | undefined;
}

/** What the last request of a connection was let in with. */
interface Before {
  readonly authorization: string;
  readonly endpoint: string;
  readonly generation: number;
  readonly verified: Verified;
}

/**
 * Gives the principal at once where the token is known, else when it was checked.
 * @throws Fault `unauthenticated`, `invalidToken`, `badCredentials`; or rejects with one
 */
export type Authenticate = (request: AuthRequest, endpoint: string) => Principal | Promise<Principal>;

/** Everyone is let in. */
export const authenticateNobody: Authenticate = () => ANONYMOUS;

export interface AuthenticateOptions {
  readonly addresses: Addresses;
  /** Asked in this order; the first that takes a token judges it. */
  readonly verifiers: readonly TokenVerifier[];
  readonly cache: TokenCache;
  /** Asked before a token is checked that is not known. @throws Fault `rateLimited` */
  readonly admit?: ((address: string) => void) | undefined;
  /** Checks that the sender has the key that a token is bound to. @throws Fault `invalidToken` */
  prove(request: AuthRequest, token: string, jkt: string): Promise<void>;
}

/** Lets in who has a good token. */
export function authenticateByToken({ addresses, verifiers, cache, prove, admit }: AuthenticateOptions): Authenticate {
  /** Checks that go on, so that many requests with a new token are one check. */
  const checks = new Map<string, Promise<Verified>>();
  const verify = async (token: string, endpoint: string): Promise<Verified> => {
    const verifier = verifiers.find((one) => one.takes(token));
    if (!verifier) throw new Fault('invalidToken', { detail: 'it is of no kind that is known here' });
    const verified = await verifier.verify(token, (audience) => addresses.isEndpoint(audience, endpoint));
    if (verified.until <= Date.now()) throw new Fault('invalidToken', { detail: 'it has expired' });
    return verified;
  };
  const once = (token: string, endpoint: string, key: string): Promise<Verified> => {
    const going = checks.get(key);
    if (going) return going;
    const { generation } = cache;
    const check = verify(token, endpoint)
      .then((verified) => {
        if (cache.generation === generation) cache.set(key, verified);
        return verified;
      })
      .finally(() => checks.delete(key));
    checks.set(key, check);
    return check;
  };
  const bound = async (request: AuthRequest, { scheme, token }: Presented, { principal, jkt }: Verified) => {
    // with a proof beside a bearer token, whoever leaves the proof out would be let in all the same (RFC 9449 §7.2)
    if (jkt !== undefined && scheme !== 'dpop')
      throw new Fault('invalidToken', { detail: 'it is bound to a key; send it as DPoP with a proof', scheme: 'DPoP' });
    if (jkt !== undefined) await prove(request, token, jkt);
    else if (scheme === 'dpop') throw new Fault('invalidToken', { detail: 'it is not bound to a key' });
    return principal;
  };
  /** By connection: most requests have the same header as the one before, which says all without being looked at. */
  const before = new WeakMap<object, Before>();
  const same = ({ headers, url }: AuthRequest, endpoint: string, one: Before): boolean =>
    headers.authorization === one.authorization &&
    headers['x-api-key'] === undefined &&
    !url.includes('?') &&
    endpoint === one.endpoint &&
    cache.generation === one.generation &&
    one.verified.until > Date.now();
  return (request, endpoint) => {
    const connection = request.raw?.socket;
    const last = connection && before.get(connection);
    if (last && same(request, endpoint, last)) return last.verified.principal;
    const presented = credentialsOf(request.headers, request.url);
    if (!presented) throw new Fault('unauthenticated');
    const key = `${endpoint} ${hashOf(presented.token)}`;
    const known = cache.get(key);
    if (!known) {
      if (request.ip !== undefined) admit?.(request.ip);
      return once(presented.token, endpoint, key).then((verified) => bound(request, presented, verified));
    }
    if (known.jkt === undefined && presented.scheme === 'bearer') {
      const { authorization } = request.headers;
      const { generation } = cache;
      if (connection && typeof authorization === 'string')
        before.set(connection, { authorization, endpoint, generation, verified: known });
      return known.principal;
    }
    return bound(request, presented, known);
  };
}
