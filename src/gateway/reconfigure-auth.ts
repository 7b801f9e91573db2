/** Another section `auth` for a running gateway: whose streams end by it. */
import { KEYS_ISSUER } from '../auth/api-keys.ts';
import type { Config } from '../config/schema.ts';
import { Fault } from '../errors.ts';
import type { ClientFacts, Principal } from '../protocol/call.ts';
import type { Gateway } from './gateway.ts';
import { takeBack } from './take-back.ts';

type Settings = Config['auth'];

/**
 * Ends what was begun with credentials that are good no more: those of issuers that are gone or asked otherwise, and those
 * with less than the scopes that every token must have now.
 */
export function endUnwelcome(gateway: Gateway, before: Settings, after: Settings): void {
  const { sessions, listeners, profiles } = gateway.context;
  const open = [...sessions.all(), ...listeners.values(), ...gateway.modernCalls];
  const stay = new Set([KEYS_ISSUER, gateway.auth.addresses.base, ...unchanged(before, after)]);
  const gone = open.filter(({ principal: { issuer } }) => issuer !== undefined && !stay.has(issuer));
  takeBack(gateway, new Set(gone.map(({ principal }) => principal.key)));
  const lacks = ({ principal, client }: { readonly principal: Principal; readonly client: ClientFacts }): boolean => {
    try {
      profiles.get(client.profile)?.scopes.admit(principal);
      return false;
    } catch (error) {
      if (error instanceof Fault) return true;
      throw error;
    }
  };
  for (const session of [...sessions.all()]) if (lacks(session)) sessions.end(session, 'more scopes are needed now');
  for (const listener of [...listeners.values()]) if (lacks(listener)) listener.end();
}

/** Issuers whose tokens are judged as they were. */
function unchanged(before: Settings, after: Settings): readonly string[] {
  const stays = (mode: 'jwt' | 'introspection'): string[] => {
    if (!before.mode.includes(mode) || !after.mode.includes(mode)) return [];
    const was: readonly { readonly issuer: string }[] = before[mode];
    return after[mode].filter((one) => was.some((other) => same(one, other))).map(({ issuer }) => issuer);
  };
  return [...stays('jwt'), ...stays('introspection')];
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
