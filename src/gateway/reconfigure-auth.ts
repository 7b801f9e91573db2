/** Another section `auth` for a running gateway: what of it can be taken over, and whose streams end by it. */
import { KEYS_ISSUER } from '../auth/api-keys.ts';
import type { AuthMode } from '../config/auth.ts';
import type { Config } from '../config/schema.ts';
import { Fault } from '../errors.ts';
import type { ClientFacts, Principal } from '../protocol/call.ts';
import type { Gateway } from './gateway.ts';
import { takeBack } from './take-back.ts';

type Settings = Config['auth'];

/** Ways to sign in that have parts of their own, which are put together when the gateway starts. */
const FIXED: readonly AuthMode[] = ['none', 'embedded', 'apiKeys'];

/** Whether the changes between two sections take effect while the gateway runs; the others do at its next start, all together. */
export function isAtOnce(before: Settings, after: Settings): boolean {
  const fixed = ({ mode, embedded, limits: { signIn, registrations }, allowAddresses }: Settings) => ({
    modes: FIXED.filter((one) => mode.includes(one)),
    sign: mode.includes('embedded') ? { embedded, signIn, registrations, allowAddresses } : {},
  });
  return same(fixed(before), fixed(after));
}

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
