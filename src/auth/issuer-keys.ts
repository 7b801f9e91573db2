/** The public keys of an issuer, fetched when they are needed and kept while the issuer is away (RFC 7517). */
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type LocalJWKSet,
} from 'jose';
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import { asObject, fetchMetadata, isLocal } from './issuer-metadata.ts';
import { FetchRefused, type SafeFetch } from './safe-fetch.ts';

/** Older keys are fetched again beside the work, milliseconds. */
const FRESH = 10 * 60_000;
/** Older keys are not believed any more, however long the issuer is away: it may have taken one back, milliseconds. */
const OLDEST = 24 * 60 * 60_000;
/** The least time between two fetches that tokens cause, milliseconds. */
const PAUSE = 10_000;
/** The same while there are none, milliseconds. */
const PAUSE_WITHOUT = 1_000;
/** How long it is believed where the keys are, milliseconds. */
const SETTLED = 60 * 60_000;
const REDIRECTS = 3;

interface Known {
  readonly keys: LocalJWKSet;
  readonly at: number;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Where they are; without it the metadata of the issuer says so. */
  readonly jwksUri: string | undefined;
  readonly safeFetch: SafeFetch;
  readonly log: Logger;
  /** The clock, milliseconds since 1970. */
  readonly now?: () => number;
}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #now: () => number;
  #known: Known | undefined;
  #place: { readonly url: string; readonly at: number } | undefined;
  #fetching: Promise<boolean> | undefined;
  /** When the last fetch began. */
  #tried = Number.NEGATIVE_INFINITY;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Fetches them before they are needed; that they are not to be had is no error yet. */
  warm(): void {
    void this.#fetch();
  }

  /**
   * The keys that a signature may be of: one, as a rule; all that fit where the token names none.
   * @throws Fault `authUnavailable` when there are none to be had, `invalidToken` when none fits
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<readonly CryptoKey[]> {
    let known = this.#current();
    if (!known) {
      await this.#fetch();
      known = this.#current();
      if (!known) throw new Fault('authUnavailable', { detail: 'the keys of its issuer are not to be had' });
    } else if (this.#now() - known.at >= FRESH) void this.#fetch();
    const found = await matching(known.keys, header, token);
    if (found.length > 0) return found;
    // the issuer may have a new key
    await this.#fetch();
    const again = this.#current() ?? known;
    const later = again === known ? [] : await matching(again.keys, header, token);
    if (later.length === 0)
      throw new Fault('invalidToken', { detail: 'it is signed with a key that its issuer does not have' });
    return later;
  }

  #current(): Known | undefined {
    return this.#known && this.#now() - this.#known.at < OLDEST ? this.#known : undefined;
  }

  /** Fetches the keys, once at a time and not too often. */
  async #fetch(): Promise<void> {
    if (this.#fetching) return void (await this.#fetching);
    if (this.#now() - this.#tried < (this.#current() ? PAUSE : PAUSE_WITHOUT)) return;
    this.#tried = this.#now();
    this.#fetching = this.#refresh().finally(() => {
      this.#fetching = undefined;
    });
    await this.#fetching;
  }

  async #refresh(): Promise<boolean> {
    const { issuer, log } = this.#options;
    try {
      const keys = createLocalJWKSet(await this.#download());
      this.#known = { keys, at: this.#now() };
      log.debug({ issuer, keys: keys.jwks().keys.length }, 'the keys of an issuer were fetched');
      return true;
    } catch (error) {
      // it may have moved them
      this.#place = undefined;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ issuer, reason, kept: this.#current() !== undefined }, 'the keys of an issuer cannot be fetched');
      return false;
    }
  }

  async #download(): Promise<JSONWebKeySet> {
    const { issuer, jwksUri, safeFetch } = this.#options;
    const url = jwksUri ?? (await this.#discover());
    const response = await safeFetch(url, { redirects: REDIRECTS, loopback: isLocal(jwksUri ?? issuer) });
    if (!response.ok) throw new FetchRefused('unreachable', `its keys are answered with HTTP ${response.status}`);
    const set = asObject(await response.json().catch(() => undefined));
    if (!set || !Array.isArray(set.keys))
      throw new FetchRefused('refused', 'what stands in place of its keys is no key set');
    return set as unknown as JSONWebKeySet;
  }

  async #discover(): Promise<string> {
    if (this.#place && this.#now() - this.#place.at < SETTLED) return this.#place.url;
    const { jwks_uri } = await fetchMetadata(this.#options.safeFetch, this.#options.issuer, 'jwks_uri');
    this.#place = { url: jwks_uri as string, at: this.#now() };
    return this.#place.url;
  }
}

/** Most keys tried for a token that names none. */
const MOST_TRIED = 8;

async function matching(
  keys: LocalJWKSet,
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
): Promise<readonly CryptoKey[]> {
  try {
    return [await keys(header, token)];
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return [];
    const all: CryptoKey[] = [];
    for await (const key of error) if (all.push(key) >= MOST_TRIED) break;
    return all;
  }
}
