/** Access tokens that are checked here, by the signature of their issuer (RFC 9068, RFC 8725). */
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Config } from '../config/schema.ts';
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { audiencesOf, bindingOf, factsOf, principalOf } from './principal.ts';
import type { SafeFetch } from './safe-fetch.ts';
import type { TokenVerifier, Verified } from './verifier.ts';

export type JwtSettings = Config['auth']['jwt'][number];

const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Who a token says that it is from, unchecked; `undefined` when it is no JWT, `''` when it is one and does not say. */
export function claimedIssuer(token: string): string | undefined {
  if (!SHAPE.test(token)) return undefined;
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' ? iss : '';
  } catch {
    return undefined;
  }
}

const invalid = (detail: string): Fault => new Fault('invalidToken', { detail });

/** Claims that ID tokens alone have (OpenID Connect Core §3.1.3.6, §3.3.2.11): many say of their type no more than `JWT`. */
const OF_ID_TOKENS = ['nonce', 'at_hash', 'c_hash'];

/** The tokens of one issuer: only its own keys are ever tried on them. */
export class JwtVerifier implements TokenVerifier {
  readonly #settings: JwtSettings;
  readonly #keys: IssuerKeys;
  readonly #types: ReadonlySet<string>;

  constructor(settings: JwtSettings, safeFetch: SafeFetch, log: Logger) {
    const { issuer, jwksUri, types } = settings;
    this.#settings = settings;
    this.#keys = new IssuerKeys({ issuer, jwksUri, safeFetch, log });
    this.#types = new Set(types.map(typeName));
  }

  /** Gets ready for the first token. */
  warm(): void {
    this.#keys.warm();
  }

  takes(token: string): boolean {
    return claimedIssuer(token) === this.#settings.issuer;
  }

  async verify(token: string, isAudience: (audience: string) => boolean): Promise<Verified> {
    const { issuer, audience, claims: names, clockSkew } = this.#settings;
    const claims = await this.#check(token);
    if (OF_ID_TOKENS.some((name) => claims[name] !== undefined))
      throw invalid('it is an ID token, which is meant for the client');
    const meant = audiencesOf(claims).some((one) => (audience ? audience.includes(one) : isAudience(one)));
    if (!meant) throw invalid('it is meant for another audience');
    const { jkt, other } = bindingOf(claims);
    if (other) throw invalid('it is bound in a way that cannot be checked here');
    const facts = factsOf(issuer, claims, names);
    if (!facts) throw invalid('it does not say whose it is');
    const until = claims.exp! * 1_000 + clockSkew;
    return { principal: principalOf({ ...facts, expiresAt: until }), until, jkt };
  }

  async #check(token: string): Promise<JWTPayload> {
    const { issuer, algorithms, clockSkew } = this.#settings;
    const options = {
      algorithms: [...algorithms],
      issuer,
      clockTolerance: clockSkew / 1_000,
      requiredClaims: ['exp'],
    };
    let wrong: unknown;
    for (const key of await this.#candidates(token, options.algorithms)) {
      try {
        const { payload, protectedHeader } = await jwtVerify(token, key, options);
        if (!this.#types.has(typeName(protectedHeader.typ ?? 'JWT'))) throw invalid('it is a token of another type');
        return payload;
      } catch (error) {
        wrong = error;
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    throw wrong instanceof Fault ? wrong : invalid(reasonOf(wrong));
  }

  /** The header says which key; that it names an algorithm that is let in is looked at before a key is looked for. */
  async #candidates(token: string, algorithms: readonly string[]) {
    const [head = '', payload = '', signature = ''] = token.split('.');
    const header = headerOf(head);
    if (typeof header?.alg !== 'string' || !algorithms.includes(header.alg))
      throw invalid('it is signed in a way that is not let in');
    // of the header nothing else counts: where its keys are is not for a token to say
    const { alg, kid } = header;
    return this.#keys.find(typeof kid === 'string' ? { alg, kid } : { alg }, { payload, signature });
  }
}

function headerOf(text: string): Record<string, unknown> | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof header === 'object' && header !== null ? (header as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7515 §4.1.9: `application/` may be left out, and case does not matter. */
const typeName = (typ: string): string => typ.toLowerCase().replace(/^application\//, '');

/** What is wrong with a token, in words that tell nothing of its content. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'it is malformed';
  if (error.claim === 'nbf') return 'it is not valid yet';
  if (error.claim === 'iss') return 'it is from another issuer';
  if (error.claim === 'exp') return 'it does not say when it ends';
  return `its ${error.claim} is wrong`;
}
