/** Sign-in at a provider of the company (OpenID Connect Core), by one client id that belongs to Patchbay. */
import * as openid from 'openid-client';
import type { Config } from '../../config/schema.ts';
import type { Addresses } from '../addresses.ts';
import { FetchRefused, type SafeFetch } from '../safe-fetch.ts';
import type { Accounts, Person } from './accounts.ts';
import type { Records } from './records.ts';

export const CALLBACK = '/oauth/federation';

type Settings = NonNullable<Config['auth']['embedded']['federation']>;

export interface FederationOptions {
  readonly settings: Settings;
  readonly addresses: Addresses;
  readonly records: Records;
  readonly accounts: Accounts;
  readonly safeFetch: SafeFetch;
}

/** Why somebody was not signed in; the text is for the person. */
export class FederationRefused extends Error {
  /** Of the page: 403, or 503 where the provider is away, which may be better next time. */
  readonly status: 403 | 503;

  constructor(message: string, { cause, status = 403 }: { cause?: unknown; status?: 403 | 503 } = {}) {
    super(message, { cause });
    this.status = status;
  }
}

const KIND = 'Federation';
/** Milliseconds. */
const SECOND = 1_000;
/** How long a person may take at the provider, seconds. */
const TTL = 600;

type Claims = Pick<openid.IDToken, 'sub'> & Readonly<Record<string, unknown>>;

interface Pending extends Record<string, unknown> {
  readonly step: string;
  readonly nonce: string;
  readonly verifier: string;
}

export class Federation {
  /** What the sign-in page calls it. */
  readonly name: string;
  /** Where the form leads. */
  readonly origin: string;
  readonly #options: FederationOptions;
  #configuration: Promise<openid.Configuration> | undefined;

  constructor(options: FederationOptions) {
    const { name, issuer } = options.settings;
    this.#options = options;
    this.name = name ?? new URL(issuer).hostname;
    this.origin = new URL(issuer).origin;
  }

  /** Where the provider asks the person. What is needed to go on afterwards is kept, sealed, for one use. @throws FederationRefused */
  async begin(step: string): Promise<URL> {
    const { settings, records } = this.#options;
    const configuration = await this.#ready();
    const [state, nonce, verifier] = [openid.randomState(), openid.randomNonce(), openid.randomPKCECodeVerifier()];
    records.put(KIND, state, { step, nonce, verifier }, TTL);
    return openid.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri,
      scope: settings.scopes.join(' '),
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
  }

  /** The step that an answer of the provider belongs to; `undefined` when there is none. */
  stepOf(state: string): string | undefined {
    return (this.#options.records.get(KIND, state) as Pending | undefined)?.step;
  }

  /**
   * Takes the answer of the provider. What it gives beside an identity is dropped.
   * @param query of the redirect
   * @param step that the browser has the cookie of
   * @throws FederationRefused
   */
  async finish(query: URLSearchParams, step: string): Promise<Person> {
    const { settings, records, accounts } = this.#options;
    const configuration = await this.#ready();
    const state = query.get('state') ?? '';
    const pending = records.get(KIND, state) as Pending | undefined;
    if (pending?.step !== step || !records.consume(KIND, state) || pending.consumed !== undefined)
      throw new FederationRefused('This answer was used before, or came too late.');
    records.remove(KIND, state);
    const url = new URL(this.#redirectUri);
    for (const [name, value] of query) url.searchParams.append(name, value);
    let claims: Claims | undefined;
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: pending.verifier,
        expectedState: state,
        expectedNonce: pending.nonce,
        idTokenExpected: true,
      });
      claims = await this.#allClaims(configuration, tokens);
    } catch (error) {
      if (isAway(error)) throw this.#away(error);
      const denied = error instanceof openid.AuthorizationResponseError && error.error === 'access_denied';
      const text = denied ? `${this.name} did not let you in.` : `${this.name} gave no answer that can be trusted.`;
      throw new FederationRefused(text, { cause: error });
    }
    if (!claims) throw new FederationRefused(`${this.name} did not say who you are.`);
    const email = typeof claims.email === 'string' ? claims.email : undefined;
    const verified = settings.trustEmail || isTrue(claims[settings.verifiedClaim]);
    if (!accounts.admits({ email, verified }))
      throw new FederationRefused('Your account is not one of those that are let in here.');
    const groups = claims[settings.groups];
    const told = {
      label: email ?? String(claims.preferred_username ?? claims.name ?? claims.sub),
      name: typeof claims.name === 'string' ? claims.name : undefined,
      email,
      verified,
      groups: Array.isArray(groups) ? groups.filter((one): one is string => typeof one === 'string') : [],
    };
    return accounts.federated(claims.sub, told, settings.maxAge / SECOND);
  }

  /** What ID tokens leave out, many providers say to those who ask (OpenID Connect Core §5.4). */
  async #allClaims(
    configuration: openid.Configuration,
    tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
  ): Promise<Claims | undefined> {
    const { verifiedClaim, groups } = this.#options.settings;
    const told = tokens.claims();
    const lacks = told && ['email', verifiedClaim, groups].some((name) => told[name] === undefined);
    if (!lacks || configuration.serverMetadata().userinfo_endpoint === undefined) return told;
    return { ...(await openid.fetchUserInfo(configuration, tokens.access_token, told.sub)), ...told };
  }

  #away(cause: unknown): FederationRefused {
    return new FederationRefused(`${this.name} cannot be reached now.`, { cause, status: 503 });
  }

  get #redirectUri(): string {
    return `${this.#options.addresses.base}${CALLBACK}`;
  }

  /** What the provider says of itself, asked for once it is needed, and again after a failure. */
  #ready(): Promise<openid.Configuration> {
    const { settings, safeFetch } = this.#options;
    const issuer = new URL(settings.issuer);
    const fetching: openid.CustomFetch = (url, init) => {
      const method = init.method === 'POST' ? 'POST' : 'GET';
      const body = init.body === undefined || init.body === null ? {} : { body: String(init.body) };
      // the admin has named this provider
      return safeFetch(url, { method, headers: init.headers, ...body, loopback: true });
    };
    this.#configuration ??= openid
      .discovery(issuer, settings.clientId, undefined, authenticateBy(settings.clientSecret), {
        [openid.customFetch]: fetching,
        execute: [
          // its ID tokens are checked by its keys as well, not by the connection alone
          openid.enableNonRepudiationChecks,
          ...(issuer.protocol === 'http:' ? [openid.allowInsecureRequests] : []),
        ],
      })
      .catch((error: unknown) => {
        this.#configuration = undefined;
        throw this.#away(error);
      });
    return this.#configuration;
  }
}

/** As providers write it: Entra has 1 and "1" in `xms_edov`, some have texts in `email_verified`. */
const isTrue = (claim: unknown): boolean => claim === true || claim === 1 || claim === 'true' || claim === '1';

/** Whether the provider did not answer, or has trouble of its own. */
function isAway(error: unknown): boolean {
  if (error instanceof Response) return error.status >= 500;
  if (error instanceof FetchRefused) return true;
  return error instanceof Error && error.cause !== undefined && isAway(error.cause);
}

/** By the header where the provider takes that, which all must who say nothing of it (OpenID Connect Discovery §3). */
function authenticateBy(secret: string | undefined): openid.ClientAuth {
  if (secret === undefined) return openid.None();
  const [basic, post] = [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server;
    const by = methods.includes('client_secret_basic') || !methods.includes('client_secret_post') ? basic : post;
    return by(server, ...rest);
  };
}
