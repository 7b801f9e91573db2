/** Access tokens that their issuer is asked about (RFC 7662). */
import type { Config } from '../config/schema.ts';
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import { asObject, fetchMetadata, isLocal, type Metadata } from './issuer-metadata.ts';
import { claimedIssuer } from './jwt-verifier.ts';
import { audiencesOf, bindingOf, factsOf, principalOf } from './principal.ts';
import { FetchRefused, type SafeFetch } from './safe-fetch.ts';
import { hashOf } from './token-cache.ts';
import type { TokenVerifier, Verified } from './verifier.ts';

export type IntrospectionSettings = Config['auth']['introspection'][number];

/** How long it is believed where tokens are asked for, and how long after a failure it is not looked up again, milliseconds. */
const SETTLED = 60 * 60_000;
const PAUSE = 1_000;
/** How long a token that is no good is not asked for again, at most, milliseconds. */
const BAD = 5_000;
const MOST_BAD = 1_000;
/** How long the same problem is not told again, milliseconds. */
const SILENCE = 10_000;
/** Questions to one issuer at once; more would help nobody. */
const MOST_OPEN = 64;

const invalid = (detail: string): Fault => new Fault('invalidToken', { detail });

/** The tokens of one issuer. */
export class Introspector {
  readonly issuer: string;
  readonly #settings: IntrospectionSettings;
  readonly #safeFetch: SafeFetch;
  readonly #log: Logger;
  readonly #authorization: string;
  #place: { readonly url: string; readonly at: number } | undefined;
  #failed = Number.NEGATIVE_INFINITY;
  #open = 0;
  /** What the log was told last. */
  #told: { readonly reason: string; readonly at: number } | undefined;

  constructor(settings: IntrospectionSettings, safeFetch: SafeFetch, log: Logger) {
    const { issuer, clientId, clientSecret } = settings;
    this.issuer = issuer;
    this.#settings = settings;
    this.#safeFetch = safeFetch;
    this.#log = log;
    const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
    this.#authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }

  /**
   * @returns `undefined` when the issuer does not know the token, or not any more
   * @throws Fault `invalidToken` for one of its tokens that is not for here, `authUnavailable`
   */
  async verify(token: string, isAudience: (audience: string) => boolean): Promise<Verified | undefined> {
    const { audience, claims: names, cache } = this.#settings;
    const answer = await this.#ask(token);
    if (answer.active !== true) return undefined;
    const { iss, exp, nbf, token_type: type } = answer;
    if (iss !== undefined && iss !== this.issuer) throw invalid('it is from another issuer');
    if (typeof type === 'string' && !/^(bearer|dpop|access_token)$/i.test(type))
      throw invalid('it is a token of another type');
    const now = Date.now();
    const end = exp === undefined ? undefined : Number(exp) * 1_000;
    if (end !== undefined && !(end > now)) throw invalid('it has expired');
    if (nbf !== undefined && !(Number(nbf) * 1_000 <= now)) throw invalid('it is not valid yet');
    // without an audience it could have been made for any service of that issuer, and been taken there (RFC 8707 §2)
    const audiences = audiencesOf(answer);
    if (audiences.length === 0) throw invalid('it is meant for no audience; its issuer must say which');
    if (!audiences.some((one) => (audience ? audience.includes(one) : isAudience(one))))
      throw invalid('it is meant for another audience');
    const { jkt, other } = bindingOf(answer);
    if (other) throw invalid('it is bound in a way that cannot be checked here');
    const facts = factsOf(this.issuer, answer, names);
    if (!facts) throw invalid('it does not say whose it is');
    // for this one request it is good in any case
    const believed = now + Math.max(cache, 1);
    return { principal: principalOf({ ...facts, expiresAt: end }), until: Math.min(end ?? believed, believed), jkt };
  }

  async #ask(token: string): Promise<Metadata> {
    if (this.#open >= MOST_OPEN) throw this.#unavailable('too many tokens are asked for at once');
    this.#open++;
    try {
      const url = await this.#endpoint();
      const response = await this.#safeFetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: this.#authorization },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
        loopback: isLocal(this.#settings.endpoint ?? this.issuer),
      });
      if (response.status === 401 || response.status === 403)
        throw this.#unavailable(`it refuses clientId and clientSecret (HTTP ${response.status})`);
      if (response.status === 400) {
        // some say so of what is no token of a kind that they can be asked about
        this.#log.debug({ issuer: this.issuer }, 'an issuer cannot read a token (HTTP 400)');
        return { active: false };
      }
      const answer = response.ok ? asObject(await response.json().catch(() => undefined)) : undefined;
      if (!answer)
        throw this.#unavailable(`it answers with ${response.ok ? 'no JSON object' : `HTTP ${response.status}`}`);
      return answer;
    } catch (error) {
      if (error instanceof FetchRefused) throw this.#unavailable(error.message);
      throw error;
    } finally {
      this.#open--;
    }
  }

  async #endpoint(): Promise<string> {
    const { endpoint } = this.#settings;
    if (endpoint !== undefined) return endpoint;
    if (this.#place && Date.now() - this.#place.at < SETTLED) return this.#place.url;
    if (Date.now() - this.#failed < PAUSE) throw this.#unavailable('its metadata could not be fetched a moment ago');
    try {
      const { introspection_endpoint } = await fetchMetadata(this.#safeFetch, this.issuer, 'introspection_endpoint');
      this.#place = { url: introspection_endpoint as string, at: Date.now() };
      return this.#place.url;
    } catch (error) {
      this.#failed = Date.now();
      throw error;
    }
  }

  /** The log is told what is wrong, the client only that it is not the token. */
  #unavailable(reason: string): Fault {
    const again = this.#told?.reason === reason && Date.now() - this.#told.at < SILENCE;
    if (!again) this.#told = { reason, at: Date.now() };
    this.#log[again ? 'debug' : 'warn']({ issuer: this.issuer, reason }, 'an issuer cannot be asked about tokens');
    return new Fault('authUnavailable', { detail: 'its issuer cannot be asked' });
  }
}

/** Asks each issuer in turn: an opaque token does not say whose it is. */
export class IntrospectionVerifier implements TokenVerifier {
  readonly #issuers: readonly Introspector[];
  /** Tokens that no issuer knew, and until when they are not asked for again. */
  readonly #bad = new Map<string, number>();

  constructor(issuers: readonly Introspector[]) {
    this.#issuers = issuers;
  }

  /** Whatever is no JWT, and JWTs of its issuers. */
  takes(token: string): boolean {
    return this.#asked(token).length > 0;
  }

  async verify(token: string, isAudience: (audience: string) => boolean): Promise<Verified> {
    const key = hashOf(token);
    if ((this.#bad.get(key) ?? 0) > Date.now()) throw invalid('its issuer does not know it, or not any more');
    let unavailable: unknown;
    for (const issuer of this.#asked(token)) {
      try {
        const verified = await issuer.verify(token, isAudience);
        if (verified) return verified;
      } catch (error) {
        if (!(error instanceof Fault) || error.fault !== 'authUnavailable') throw error;
        unavailable = error;
      }
    }
    // it may be a token of the one that could not be asked
    if (unavailable) throw unavailable;
    this.#bad.set(key, Date.now() + BAD);
    if (this.#bad.size > MOST_BAD) this.#bad.delete(this.#bad.keys().next().value!);
    throw invalid('its issuer does not know it, or not any more');
  }

  #asked(token: string): readonly Introspector[] {
    const claimed = claimedIssuer(token);
    return claimed === undefined ? this.#issuers : this.#issuers.filter(({ issuer }) => issuer === claimed);
  }
}

/** RFC 6749 §2.3.1: form-encoded before it is put together. */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
