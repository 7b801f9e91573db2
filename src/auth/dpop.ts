/** Proofs that the sender of a token has the key that the token is bound to (RFC 9449). */
import { hash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { Fault } from '../errors.ts';
import type { Addresses } from './addresses.ts';
import type { AuthRequest } from './authenticate.ts';

/** Signatures accepted in proofs; asymmetric ones alone. */
export const DPOP_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const;

/** How old a proof may be, and how far ahead of this clock, milliseconds. */
const OLDEST = 60_000;
const AHEAD = 10_000;
/** Most proofs of one key in that time, and most keys. */
const MOST_PROOFS = 20_000;
const MOST_KEYS = 10_000;
const LONGEST = 8_192;

const invalid = (detail: string): Fault =>
  new Fault('invalidToken', { detail: `its proof (DPoP) ${detail}`, scheme: 'DPoP', error: 'invalid_dpop_proof' });

/** Proofs that were seen, by key, each with the time when it can be forgotten. */
class Seen {
  readonly #keys = new Map<string, Map<string, number>>();

  /** @returns whether it is new */
  add(jkt: string, jti: string, until: number): boolean {
    const own = this.#keys.get(jkt) ?? new Map<string, number>();
    // the key used last is the last to go
    this.#keys.delete(jkt);
    this.#keys.set(jkt, own);
    const now = Date.now();
    for (const [id, over] of own) {
      if (over > now) break;
      own.delete(id);
    }
    const id = hash('sha256', jti, 'base64url');
    // to forget one that could come again would be to accept it
    if (own.has(id) || own.size >= MOST_PROOFS) return false;
    own.set(id, until);
    if (this.#keys.size > MOST_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    return true;
  }
}

/** Checks the proof that came with a request. @param jkt thumbprint of the key that the token is bound to @throws Fault `invalidToken` */
export type Prove = (request: AuthRequest, token: string, jkt: string) => Promise<void>;

/** Makes what checks a proof. @param addresses of this gateway, by one of which the sender must have called */
export function createProver(addresses: Addresses): Prove {
  const seen = new Seen();
  return async (request, token, jkt) => {
    const { dpop } = request.headers;
    if (dpop === undefined) throw invalid('is missing');
    if (typeof dpop !== 'string' || dpop.length > LONGEST) throw invalid('is malformed');
    const { claims, thumbprint } = await read(dpop);
    if (thumbprint !== jkt) throw invalid('is made with another key');
    const { jti, htm, htu, ath, iat } = claims;
    if (typeof jti !== 'string' || jti === '') throw invalid('has no jti');
    if (htm !== request.method) throw invalid('is for another method');
    if (!isHere(addresses, request, htu)) throw invalid('is for another URL');
    if (ath !== hash('sha256', token, 'base64url')) throw invalid('is for another token');
    const now = Date.now();
    const made = typeof iat === 'number' ? iat * 1_000 : Number.NaN;
    if (!(made >= now - OLDEST && made <= now + AHEAD)) throw invalid('is too old, or made in the future');
    if (!seen.add(jkt, jti, made + OLDEST + 1_000)) throw invalid('was used before');
  };
}

async function read(proof: string): Promise<{ claims: JWTPayload; thumbprint: string }> {
  try {
    const options = { typ: 'dpop+jwt', algorithms: [...DPOP_ALGORITHMS] };
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, options);
    return { claims: payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk as JWK) };
  } catch {
    throw invalid('is malformed, or its signature is wrong');
  }
}

/** RFC 9449 §4.3: the URL without query and fragment, compared after normalisation. */
function isHere(addresses: Addresses, { url, headers }: AuthRequest, htu: unknown): boolean {
  const named = typeof htu === 'string' ? URL.parse(htu) : null;
  if (!named) return false;
  const { host } = headers;
  const base = addresses.baseFor(typeof host === 'string' ? host : undefined);
  const here = URL.parse(`${base}${url.split('?', 1)[0]}`);
  return here !== null && named.origin === here.origin && named.pathname === here.pathname;
}
