/** How oidc-provider reaches what is kept. */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { Fault } from '../../errors.ts';
import { errors } from './oidc-provider.ts';
import { OF_GRANT, type Payload, type Records } from './records.ts';

export interface AdapterOptions {
  readonly records: Records;
  /** Most clients that registered themselves; the one unused for longest makes room. */
  readonly maxClients: number;
  /** A grant is over. */
  ended(grant: string): void;
}

/** A client that somebody has just let in stays for so long at least, milliseconds. */
const LET_IN = 86_400_000;

/**
 * Gives the adapter of each kind of record. While the database cannot be used, clients are told to come again: by any other
 * answer they would take what they have for lost.
 */
export function createAdapters(options: AdapterOptions): AdapterFactory {
  const make = adapters(options);
  return (kind) => {
    const adapter = make(kind);
    const methods = Object.entries(adapter).map(([name, method]) => [
      name,
      async (...args: unknown[]) => {
        try {
          return (await Reflect.apply(method, adapter, args)) as unknown;
        } catch (error) {
          throw error instanceof Fault ? away(error) : error;
        }
      },
    ]);
    return Object.fromEntries(methods) as Adapter;
  };
}

/** As an OAuth error, of a status that says that it will pass. */
function away({ message }: Fault): Error {
  const error = new errors.CustomOIDCProviderError('temporarily_unavailable', message);
  return Object.assign(error, { status: 503, statusCode: 503 });
}

/** Whether something failed since the database cannot be used: told by what is kept itself, or by the server above it. */
export const isAway = (error: unknown): boolean =>
  error instanceof Fault
    ? error.fault === 'authUnavailable'
    : error instanceof errors.CustomOIDCProviderError && error.error === 'temporarily_unavailable';

function adapters({ records, maxClients, ended }: AdapterOptions): AdapterFactory {
  /** All that was made of a grant ends with it. */
  const end = (grant: string): void => {
    for (const each of OF_GRANT) records.removeOfGrant(each, grant);
    records.remove('Grant', grant);
    ended(grant);
  };
  /** The client that was unused for longest goes, and what users have allowed it goes along. */
  const makeRoom = (): void => {
    for (const { client_id: client } of records.trim('Client', maxClients - 1))
      for (const { jti } of records.ofClient('Grant', String(client))) end(String(jti));
  };
  return (kind: string): Adapter => ({
    async upsert(id, payload, expiresIn) {
      if (kind === 'Client' && !records.has(kind, id)) makeRoom();
      // clients are for good, and so is what has no end
      records.put(kind, id, payload as Payload, kind === 'Client' || !expiresIn ? undefined : expiresIn);
      // a client that somebody let in stays as long as it may come back, whatever strangers register meanwhile
      if (payload.clientId !== undefined && (kind === 'RefreshToken' || kind === 'Grant')) {
        const stays = kind === 'RefreshToken' ? (expiresIn ?? 0) * 1_000 : LET_IN;
        records.touch('Client', payload.clientId, Date.now() + stays);
      }
    },
    async find(id) {
      const found = records.find(kind, id) as AdapterPayload | undefined;
      if (found && kind === 'Client') records.touch(kind, id);
      return found;
    },
    async findByUid(uid) {
      return records.byUid(kind, uid) as AdapterPayload | undefined;
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      if (records.consume(kind, id)) return;
      // another gateway on the same file was faster: it is used again, and what was made of it ends (RFC 9700 §4.14.2)
      const { grantId } = records.get(kind, id) ?? {};
      if (typeof grantId === 'string') end(grantId);
      throw new errors.InvalidGrant('already used');
    },
    async destroy(id) {
      records.remove(kind, id);
      if (kind === 'Grant') ended(id);
    },
    async revokeByGrantId(grant) {
      records.removeOfGrant(kind, grant);
      if (kind === 'AccessToken') ended(grant);
    },
  });
}
