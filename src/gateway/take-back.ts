/** Credentials that were taken back: what was begun with them ends. */
import type { Gateway } from './gateway.ts';

/**
 * Ends sessions, listens and calls, what waits for its client, and tasks; upstreams are told to stop.
 * @param principals those who have no credentials any more, by their keys
 */
export function takeBack({ auth, context, modernCalls }: Gateway, principals: ReadonlySet<string>): void {
  auth.cache.forget(({ principal }) => principals.has(principal.key));
  for (const session of [...context.sessions.all()])
    if (principals.has(session.principal.key)) context.sessions.end(session, 'credentials taken back');
  for (const listener of [...context.listeners.values()]) if (principals.has(listener.principal.key)) listener.end();
  for (const call of [...modernCalls]) if (principals.has(call.principal.key)) call.takeBack();
  // those that are over wait for clients that may have missed their end
  context.parks.drop(principals);
  context.tasks.drop(principals);
}
