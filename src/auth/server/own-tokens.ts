/** Checks the access tokens of the embedded server: by its own keys, and against the grant behind each. */
import { createLocalJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { Fault } from '../../errors.ts';
import type { Principal } from '../../protocol/call.ts';
import type { Addresses } from '../addresses.ts';
import { audiencesOf, bindingOf, factsOf, principalOf } from '../principal.ts';
import type { TokenVerifier, Verified } from '../verifier.ts';
import type { Accounts } from './accounts.ts';
import { GRANT_CLAIM } from './provider.ts';
import type { Records } from './records.ts';
import type { SigningKey } from './signing-keys.ts';

export interface OwnTokensOptions {
  readonly addresses: Addresses;
  readonly records: Records;
  readonly accounts: Accounts;
  keys(): readonly SigningKey[];
}

/** How long is believed what was found out, so that what another process takes back ends as well, milliseconds. */
const BELIEVED = 10_000;
const CLAIMS = { subject: 'sub', groups: 'groups' };

/** Grants whose principals are remembered; the oldest make room. */
const REMEMBERED = 10_000;

export class OwnTokens implements TokenVerifier {
  readonly #options: OwnTokensOptions;
  /** grant → who has used it here */
  readonly #principals = new Map<string, Pick<Principal, 'key' | 'subject'>>();
  /** What was there when grants were looked for. */
  #version: number | undefined;

  constructor(options: OwnTokensOptions) {
    this.#options = options;
  }

  takes(token: string): boolean {
    if (token.split('.').length !== 3) return false;
    try {
      return decodeJwt(token).iss === this.#options.addresses.base;
    } catch {
      return false;
    }
  }

  async verify(token: string, isAudience: (audience: string) => boolean): Promise<Verified> {
    const claims = await this.#signed(token);
    if (!audiencesOf(claims).some(isAudience)) throw bad('it is for another resource');
    const facts = factsOf(this.#options.addresses.base, claims, CLAIMS);
    const grant = claims[GRANT_CLAIM];
    const { jkt, other } = bindingOf(claims);
    if (!facts?.subject || typeof grant !== 'string' || other) throw bad('it does not say what it must');
    // nobody was told that it would be good for everything, as a token without scopes is where there are no rules
    if (facts.scopes.length === 0) throw bad('it has no scope');
    if (!this.#options.records.has('Grant', grant)) throw bad('it was revoked');
    const person = this.#options.accounts.find(facts.subject);
    if (!person) throw bad('its user is not there any more');
    const { groups } = person;
    const principal = principalOf({ ...facts, groups, expiresAt: claims.exp! * 1_000 });
    this.#remember(grant, principal);
    return {
      principal,
      until: Math.min(claims.exp! * 1_000, Date.now() + BELIEVED),
      jkt,
    };
  }

  /** What an access token stands for, if it was made here and has not ended: as the server would keep it. */
  async madeHere(token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const claims = await this.#signed(token).catch(() => undefined);
    if (!claims) return undefined;
    const { exp, iat, sub: accountId, client_id: clientId, [GRANT_CLAIM]: grantId } = claims;
    return { exp, iat, accountId, clientId, grantId };
  }

  /** Whom the end of a grant concerns, by the key of the principal; `undefined` when it was not used here. */
  principalOf(grant: string): string | undefined {
    return this.#principals.get(grant)?.key;
  }

  /** The keys of all principals of these accounts. */
  principalsOf(accounts: readonly string[]): ReadonlySet<string> {
    const concerned = [...this.#principals.values()].filter(({ subject }) => accounts.includes(subject));
    return new Set(concerned.map(({ key }) => key));
  }

  /**
   * Looks for grants that another process has ended.
   * @returns whom that concerns, by the keys of the principals
   */
  look(): ReadonlySet<string> {
    const { records } = this.#options;
    const { version } = records;
    if (version === undefined || version === this.#version) return new Set();
    const ended = records.gone('Grant', this.#principals.keys());
    this.#version = version;
    const keys = ended.map((grant) => this.#principals.get(grant)!.key);
    for (const grant of ended) this.#principals.delete(grant);
    return new Set(keys);
  }

  #remember(grant: string, { key, subject }: Principal): void {
    this.#principals.delete(grant);
    this.#principals.set(grant, { key, subject });
    if (this.#principals.size <= REMEMBERED) return;
    for (const oldest of this.#principals.keys()) {
      this.#principals.delete(oldest);
      return;
    }
  }

  async #signed(token: string): Promise<JWTPayload & { readonly exp?: number }> {
    const keys = this.#options.keys().filter(({ algorithm }) => algorithm === 'ES256');
    const set = createLocalJWKSet({ keys: keys.map(({ jwk }) => publicPart(jwk)) });
    try {
      const { payload } = await jwtVerify(token, set, {
        issuer: this.#options.addresses.base,
        algorithms: ['ES256'],
        typ: 'at+jwt',
        requiredClaims: ['exp', 'sub', 'client_id'],
      });
      return payload;
    } catch (error) {
      const { code } = error as { code?: string };
      throw bad(code === 'ERR_JWT_EXPIRED' ? 'it has expired' : 'it was not made here, or was changed');
    }
  }
}

const bad = (detail: string): Fault => new Fault('invalidToken', { detail });

const publicPart = ({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk }: SigningKey['jwk']): SigningKey['jwk'] =>
  jwk as SigningKey['jwk'];
