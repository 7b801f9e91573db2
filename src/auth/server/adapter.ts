/** How oidc-provider reaches what is kept. */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { errors } from './oidc-provider.ts';
import { OF_GRANT, type Payload, type Records } from './records.ts';

export interface AdapterOptions {
  readonly records: Records;
  /** Most clients that registered themselves; the one unused for longest makes room. */
  readonly maxClients: number;
  /** A grant is over. */
  ended(grant: string): void;
}

/** Gives the adapter of each kind of record. */
export function createAdapters({ records, maxClients, ended }: AdapterOptions): AdapterFactory {
  return (kind: string): Adapter => ({
    async upsert(id, payload, expiresIn) {
      if (kind === 'Client') records.trim(kind, maxClients - 1);
      // clients are for good, and so is what has no end
      records.put(kind, id, payload as Payload, kind === 'Client' || !expiresIn ? undefined : expiresIn);
      // a client that somebody let in stays as long as it may come back, whatever strangers register meanwhile
      if (kind === 'RefreshToken' && payload.clientId !== undefined)
        records.touch('Client', payload.clientId, Date.now() + (expiresIn ?? 0) * 1_000);
    },
    async find(id) {
      const found = records.get(kind, id) as AdapterPayload | undefined;
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
      if (typeof grantId === 'string') {
        for (const each of OF_GRANT) records.removeOfGrant(each, grantId);
        records.remove('Grant', grantId);
        ended(grantId);
      }
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
