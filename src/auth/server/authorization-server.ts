/** The embedded authorization server, put together: what it keeps, who can sign in, and what checks its tokens. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../../config/schema.ts';
import type { Database } from '../../storage/database.ts';
import type { Vault } from '../../storage/vault.ts';
import type { Audit } from '../../telemetry/audit.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Addresses } from '../addresses.ts';
import type { Profiles } from '../profiles.ts';
import type { SafeFetch } from '../safe-fetch.ts';
import type { Users } from '../users.ts';
import type { TokenVerifier } from '../verifier.ts';
import { Accounts } from './accounts.ts';
import { Federation } from './federation.ts';
import { Interactions } from './interactions.ts';
import { noteUsers } from './known-users.ts';
import { OwnTokens } from './own-tokens.ts';
import { createProvider } from './provider.ts';
import { Records } from './records.ts';
import { nameToken } from './revoking.ts';
import { type SigningKey, SigningKeys } from './signing-keys.ts';
import { leaveTrail } from './trail.ts';

export interface AuthorizationServerOptions {
  readonly addresses: Addresses;
  /** What tokens are for; the default one where a client does not say. */
  readonly profiles: Profiles;
  /** Scopes that tokens may have, beside those of the settings. */
  scopes(): readonly string[];
  readonly settings: Config['auth'];
  readonly database: Database;
  readonly vault: Vault;
  /** Those with passwords. */
  readonly users: Users | undefined;
  readonly safeFetch: SafeFetch;
  readonly audit: Audit;
  readonly log: Logger;
  /** These have no good token any more, by their keys. */
  onRevoked(principals: ReadonlySet<string>): void;
}

/** How often is looked whether another process has ended grants, milliseconds. */
const LOOK = 5_000;
/** How often is looked whether another process has rotated the keys, milliseconds. */
const KEYS_CHECKED = 5_000;

/** What the admin was told already. */
const NOTICE = 'Notice';
const OTHER_KEY =
  'what is kept of sign-ins was encrypted with another key: it is left as it is, and everyone signs in anew; ' +
  'if that was not meant, stop Patchbay and start it with the storage.key or the file secret.key of then; ' +
  'if it was, there is nothing to do, and this is not said again';

export class AuthorizationServer {
  readonly #tokens: OwnTokens;
  readonly federation: Federation | undefined;
  #options: AuthorizationServerOptions;
  readonly #records: Records;
  readonly #accounts: Accounts;
  readonly #keys: SigningKeys;
  readonly #timer: NodeJS.Timeout;
  #known: { readonly version: string; readonly keys: readonly SigningKey[]; checked: number } | undefined;
  #running: Running | undefined;

  constructor(options: AuthorizationServerOptions) {
    const { addresses, settings, database, vault, users, safeFetch, onRevoked } = options;
    const { federation, passwords } = settings.embedded;
    this.#options = options;
    this.#records = new Records(database, vault);
    this.#accounts = new Accounts(
      passwords ? users : undefined,
      this.#records,
      federation?.issuer,
      federation?.domains,
    );
    this.#keys = new SigningKeys(database, vault);
    this.#tellOfOtherKey();
    this.federation =
      federation &&
      new Federation({ settings: federation, addresses, records: this.#records, accounts: this.#accounts, safeFetch });
    this.#tokens = new OwnTokens({
      addresses,
      records: this.#records,
      accounts: this.#accounts,
      keys: () => this.#signing().keys,
    });
    if (users) {
      for (const user of noteUsers(this.#records, users)) {
        this.#end([user]);
        options.audit('token revoked', { user, reason: 'the user was changed or removed while Patchbay did not run' });
      }
      users.onChange((names) => {
        noteUsers(this.#records, users);
        this.#end(names);
        if (names.length > 0) onRevoked(this.#tokens.principalsOf(names));
      });
    }
    this.#timer = setInterval(() => {
      const principals = this.#tokens.look();
      if (principals.size > 0) onRevoked(principals);
    }, LOOK).unref();
  }

  /** Takes over other scopes, lifetimes and rules of registration; who signs in, and how, stays as it was at the start. */
  configure(settings: Config['auth']): void {
    this.#options = { ...this.#options, settings };
  }

  /** Ends looking for what other processes did. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** What checks its access tokens. */
  get verifier(): TokenVerifier {
    return this.#tokens;
  }

  get base(): string {
    return this.#options.addresses.base;
  }

  /** By which URL somebody came. @param host the Host header of the request, which counts on this machine alone */
  baseFor(host: string | undefined): string {
    return this.#options.addresses.baseFor(host);
  }

  /** The path part of the public URL. */
  get path(): string {
    return this.#options.addresses.path;
  }

  get interactions(): Interactions {
    return this.#server().interactions;
  }

  /** Serves a request to one of its endpoints. */
  async callback(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#server().callback(request, response);
  }

  /** The body of a request to revoke a token, in which signed ones have a name that the endpoint knows. */
  revocation(body: Buffer): Promise<Buffer> {
    return nameToken(body, this.#tokens, this.#records);
  }

  /** Ends all that these users are signed in to. */
  #end(accounts: readonly string[]): void {
    for (const account of accounts) this.#records.removeOfAccount(account);
  }

  /** A step of a sign-in was not taken. @param reason for the audit trail */
  refused(reason: string, address: string): void {
    this.#options.audit('refused', { fault: 'step', status: 400, address, reason });
  }

  /** Said once of each key that things are left of: a start later nothing has changed. */
  #tellOfOtherKey(): void {
    const { database, log } = this.#options;
    const { unreadable } = this.#keys;
    const told = this.#records.get(NOTICE, OTHER_KEY)?.keys;
    if (unreadable.every((id) => Array.isArray(told) && told.includes(id))) return;
    log.warn({ path: database.path }, OTHER_KEY);
    this.#records.note(NOTICE, OTHER_KEY, { keys: unreadable });
  }

  #ended(grant: string): void {
    const principal = this.#tokens.principalOf(grant);
    if (principal !== undefined) this.#options.onRevoked(new Set([principal]));
  }

  /** The keys there are now; looked for anew once in a while. */
  #signing(): { readonly version: string; readonly keys: readonly SigningKey[] } {
    const now = Date.now();
    if (this.#known && now - this.#known.checked < KEYS_CHECKED) return this.#known;
    const { version } = this.#keys;
    if (this.#known?.version === version) this.#known.checked = now;
    else {
      const keys = this.#keys.all();
      this.#known = { version: this.#keys.version, keys, checked: now };
    }
    return this.#known!;
  }

  /** It begins when it is first asked for, since only then is known where it is reached; other keys or settings begin it anew. */
  #server(): Running {
    const { version, keys } = this.#signing();
    const also = this.#options.scopes();
    const { scopes, embedded } = this.#options.settings;
    const of = JSON.stringify([version, this.base, also, scopes, embedded]);
    if (this.#running?.of === of) return this.#running;
    const { addresses, profiles, settings, vault, users, safeFetch, audit, log } = this.#options;
    const { maxClients } = settings.embedded.registration;
    const provider = createProvider({
      addresses,
      profiles,
      scopes: also,
      settings,
      keys,
      vault,
      accounts: this.#accounts,
      safeFetch,
      log,
      adapters: { records: this.#records, maxClients, ended: (grant) => this.#ended(grant) },
    });
    leaveTrail(provider, audit);
    const interactions = new Interactions({
      provider,
      path: addresses.path,
      vault,
      accounts: this.#accounts,
      users: settings.embedded.passwords ? users : undefined,
      federation: this.federation,
      audit,
    });
    this.#running = { of, interactions, callback: provider.callback() as Callback };
    return this.#running;
  }
}

interface Running {
  /** Equal for as long as it need not begin anew. */
  readonly of: string;
  readonly interactions: Interactions;
  readonly callback: Callback;
}

type Callback = (request: IncomingMessage, response: ServerResponse) => Promise<void>;
