/** Who owns the link that a call goes over, and who is behind a link. */
import { declaredTo } from '../bridge/declare.ts';
import { Fault } from '../errors.ts';
import type { Call, ClientFacts } from '../protocol/call.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { LogLevel } from '../sessions/log-level.ts';
import type { ClientIdentity } from '../upstreams/link.ts';
import { SHARED_SCOPE } from '../upstreams/pool.ts';
import type { Lessee } from '../upstreams/upstream-links.ts';
import type { MethodContext } from './context.ts';

const SESSION = 'session:';
const USER = 'user:';
const CATALOG = 'catalog:';

export const sessionScope = (session: string): string => SESSION + session;
/** Clients of the two eras do not share links: those of one have sessions, which tell apart who an upstream speaks to. */
const userScope = (principal: string, { audience, era }: ClientFacts): string =>
  USER + JSON.stringify(era === 'modern' ? [principal, audience, era] : [principal, audience]);

/** The owner of links that fetch lists for an audience; for the empty one they are the links that all share. */
const catalogScope = (audience: string): string => (audience === '' ? SHARED_SCOPE : CATALOG + audience);

/** The audience that a link for lists serves; `undefined` for links of clients. */
export const audienceOfScope = (scope: string): string | undefined =>
  scope.startsWith(CATALOG) ? scope.slice(CATALOG.length) : undefined;

/** Whose link a call to this upstream takes, and what the upstream is told when it has to be opened. */
export function leaseFor(
  context: MethodContext,
  call: Pick<Call, 'client' | 'principal' | 'session'>,
  upstream: string,
): Lessee {
  const spec = context.upstreams.get(upstream);
  // it may have been shown to the client before it was taken out of the configuration
  if (!spec) throw new Fault('upstreamUnavailable', { upstream, detail: 'it is not configured any more' });
  const { sharing } = spec;
  if (sharing === 'shared') return gatewayLessee(context, upstream, '');
  const { client, principal, session } = call;
  return {
    scope: sharing === 'session' && session !== undefined ? sessionScope(session) : userScope(principal.key, client),
    principal: principal.key,
    identity: () => {
      const identity = gatewayIdentity(context, upstream, client.audience);
      // a link that serves one client is told that client's name: servers adapt to it
      return { ...identity, info: client.info ?? identity.info };
    },
  };
}

/** The gateway itself, which fetches the lists for an audience. */
export const gatewayLessee = (context: MethodContext, upstream: string, audience: string): Lessee => ({
  scope: catalogScope(audience),
  principal: undefined,
  identity: () => ({ ...gatewayIdentity(context, upstream, audience), lists: true }),
});

/** What an upstream is told on a link of the gateway's own for an audience. */
function gatewayIdentity(context: MethodContext, upstream: string, audience: string): ClientIdentity {
  const declared = audience === '' ? {} : (JSON.parse(audience) as Record<string, unknown>);
  return {
    audience,
    capabilities: declaredTo(declared, context.catalogs.server(upstream)),
    info: { name: 'patchbay', title: 'Patchbay', version: context.version },
  };
}

/** The sessions that a link serves. */
export function sessionsOf(context: MethodContext, scope: string): LegacySession[] {
  if (scope.startsWith(SESSION)) {
    const session = context.sessions.byId(scope.slice(SESSION.length));
    return session ? [session] : [];
  }
  const all = [...context.sessions.all()];
  if (scope === SHARED_SCOPE) return all;
  return scope.startsWith(USER) ? all.filter((s) => userScope(s.principal.key, s.client) === scope) : [];
}

/** The level of clients that ask for none, where others may have asked for more on the same link. */
export const USUAL = 'info';

/** The least severe messages for a session that set no level; everything, where the link serves it alone. */
export const levelUnasked = (session: LegacySession, scope: string | undefined): LogLevel | undefined =>
  scope === sessionScope(session.id) ? undefined : USUAL;

/** The owners of links that a session may have. */
export const scopesOf = (session: LegacySession): string[] => [
  sessionScope(session.id),
  userScope(session.principal.key, session.client),
  SHARED_SCOPE,
];
