/** Credentials that were taken back: what was begun with them ends. */
import type { Gateway } from './gateway.ts';

/** @param principals those who have no credentials any more, by their keys */
export function takeBack({ auth, context }: Gateway, principals: ReadonlySet<string>): void {
  auth.cache.forget(({ principal }) => principals.has(principal.key));
  for (const session of [...context.sessions.all()])
    if (principals.has(session.principal.key)) context.sessions.end(session, 'credentials taken back');
  for (const listener of [...context.listeners.values()]) if (principals.has(listener.principal.key)) listener.end();
}
