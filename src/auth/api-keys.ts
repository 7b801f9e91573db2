/**
 * API keys of machines. They are in memory, and read again when another process has written to the database, which is
 * looked at once a second, and when a key comes that is not known: `patchbay key revoke` takes effect within about that
 * time, `patchbay key create` at once, and no call with a good key waits for the database.
 */
import { Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import type { Database } from '../storage/database.ts';
import type { Audit } from '../telemetry/audit.ts';
import { type ApiKey, allKeys, noteUse, versionOf } from './api-key-store.ts';
import { checkSecret, KEY_PREFIX, readKey } from './api-key-text.ts';
import { principalOf } from './principal.ts';
import type { TokenCache } from './token-cache.ts';
import type { TokenVerifier, Verified } from './verifier.ts';

/** Who issued them, as principals have it. */
export const KEYS_ISSUER = 'patchbay:keys';

/** How often it is looked whether keys have changed, milliseconds. */
const LOOK = 1_000;
/** How often it is written down which keys were used. */
const NOTE = 60_000;
/** A key that is in use from one address has a line in the audit trail so often. */
const TELL = 3_600_000;
/** Addresses remembered for each key. */
const MOST_ADDRESSES = 1_000;

export interface ApiKeysOptions {
  readonly database: Database;
  readonly audit: Audit;
  /** Where good keys are remembered: those that are taken back are forgotten there. */
  readonly cache: TokenCache;
  /** Callers have no key any more, by the keys of their principals: what they have begun should end. */
  readonly onRevoked?: (principals: ReadonlySet<string>) => void;
  readonly now?: () => number;
}

export class ApiKeys implements TokenVerifier {
  readonly #options: ApiKeysOptions;
  readonly #now: () => number;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #uses = new Map<string, number>();
  readonly #keyOf = new WeakMap<Principal, ApiKey>();
  /** key id → address → when that was told */
  readonly #told = new Map<string, Map<string, number>>();
  #keys: ReadonlyMap<string, ApiKey> = new Map();
  #version = -1;

  /** Reads the keys, and begins to look for changes; the process is not kept alive by that. */
  constructor(options: ApiKeysOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#read();
    this.#timers = [setInterval(() => this.look(), LOOK).unref(), setInterval(() => this.note(), NOTE).unref()];
  }

  /** How many there are, those that have ended included. */
  get size(): number {
    return this.#keys.size;
  }

  takes(token: string): boolean {
    return token.startsWith(KEY_PREFIX);
  }

  /** @throws Fault `invalidToken`, the same for keys that never were and for those whose secret is wrong */
  async verify(token: string): Promise<Verified> {
    const parts = readKey(token);
    if (!parts) throw new Fault('invalidToken', { detail: 'it is not spelled like an API key of Patchbay' });
    // one that was made this very moment is good already
    if (!this.#keys.has(parts.id)) this.look();
    const key = this.#keys.get(parts.id);
    if (!checkSecret(parts.secret, key?.hash) || !key)
      throw new Fault('invalidToken', { detail: 'there is no such API key, or it was revoked' });
    const now = this.#now();
    if (key.until !== undefined && key.until <= now)
      throw new Fault('invalidToken', { detail: 'the API key has expired; make a new one' });
    const principal = keyPrincipal(key);
    this.#keyOf.set(principal, key);
    return { principal, until: key.until ?? Number.POSITIVE_INFINITY };
  }

  /**
   * A request came with a key: that is noted, and told in the audit trail once an hour for each address.
   * @param principal as {@link verify} gave it; those of others are passed over
   */
  used(principal: Principal, address: string): void {
    if (principal.issuer !== KEYS_ISSUER) return;
    const key = this.#keyOf.get(principal);
    if (!key) return;
    const told = this.#told.get(key.id) ?? new Map<string, number>();
    const now = this.#now();
    this.#uses.set(key.id, now);
    if ((told.get(address) ?? Number.NEGATIVE_INFINITY) > now - TELL) return;
    if (told.size >= MOST_ADDRESSES) told.clear();
    this.#told.set(key.id, told.set(address, now));
    this.#options.audit('key used', { key: key.name, id: key.id, address });
  }

  /** Looks whether another process has written to the database, and if so reads the keys again. */
  look(): void {
    const version = this.#options.database.attempt(versionOf);
    if (version === undefined || version === this.#version) return;
    const before = this.#keys;
    if (!this.#read()) return;
    const made = [...this.#keys.values()].filter(({ id }) => !before.has(id));
    const gone = [...before.values()].filter(({ id }) => !this.#keys.has(id));
    for (const { id, name, scopes, until } of made)
      this.#options.audit('key created', { key: name, id, scopes, until: until && new Date(until).toISOString() });
    for (const { id, name } of gone) {
      this.#uses.delete(id);
      this.#told.delete(id);
      this.#options.audit('key revoked', { key: name, id });
    }
    const ids = new Set(gone.map(({ id }) => id));
    if (ids.size > 0) this.#options.cache.forget(({ principal }) => ids.has(this.#keyOf.get(principal)?.id ?? ''));
    const left = new Set([...this.#keys.values()].map(({ name }) => name));
    const without = gone.filter(({ name }) => !left.has(name)).map((key) => keyPrincipal(key).key);
    if (without.length > 0) this.#options.onRevoked?.(new Set(without));
  }

  /** Writes down which keys were used since the last time. */
  note(): void {
    if (this.#uses.size === 0) return;
    this.#options.database.attempt((db) => noteUse(db, this.#uses));
    this.#uses.clear();
  }

  /** Ends looking; what was used last is written down. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.note();
  }

  /** @returns whether it could be done; else the keys stay as they are */
  #read(): boolean {
    const found = this.#options.database.attempt((db) => {
      // first the version: what is written in between is read again
      const version = versionOf(db);
      return { version, keys: allKeys(db) };
    });
    if (!found) return false;
    this.#version = found.version;
    this.#keys = new Map(found.keys.map((key) => [key.id, key]));
    return true;
  }
}

const keyPrincipal = ({ name: subject, scopes, groups, until: expiresAt }: ApiKey): Principal =>
  principalOf({ issuer: KEYS_ISSUER, subject, scopes, groups, expiresAt });
