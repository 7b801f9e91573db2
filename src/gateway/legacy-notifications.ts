/** What a legacy client sends that asks for no answer: notifications, and answers to what it was asked. */
import { scopesOf } from '../methods/scope.ts';
import { type Message, paramIdKey, paramsOf, rawId, valueAt } from '../protocol/message.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { Gateway } from './gateway.ts';
import { LegacyCall } from './legacy-call.ts';

export function notified(gateway: Gateway, session: LegacySession, message: Message): void {
  const params = paramsOf(message);
  switch (message.method) {
    case 'notifications/initialized':
      return session.markInitialized();
    case 'notifications/cancelled':
      return cancelled(session, paramIdKey(message, 'requestId'), params.reason);
    case 'notifications/progress': {
      const { progressToken, ...others } = params;
      session.asks.progress(progressToken, others);
      return;
    }
    case 'notifications/roots/list_changed':
      return rootsChanged(gateway, session);
    default:
      gateway.log.debug({ method: message.method }, 'ignored a notification of an unknown kind');
  }
}

/** An answer to a request that the client was sent; late, second and unasked ones do no harm. */
export function responded(gateway: Gateway, session: LegacySession, message: Message): void {
  const { bytes, id, result, error } = message;
  const json = result ?? error;
  if (!id || !json) return;
  const kind = result ? 'result' : 'error';
  const known = session.asks.answer(valueAt(bytes, id), kind, bytes.subarray(json.start, json.end));
  if (!known) gateway.log.debug({ id: rawId(message) }, 'ignored an answer that nobody waits for');
}

function cancelled(session: LegacySession, key: string | undefined, reason: unknown): void {
  const target = key === undefined ? undefined : session.inFlight.get(key);
  if (target instanceof LegacyCall) target.cancel(typeof reason === 'string' ? reason : undefined);
}

/** Goes to the upstreams that were told that the client's roots may change. */
function rootsChanged({ context }: Gateway, session: LegacySession): void {
  for (const link of scopesOf(session).flatMap((scope) => context.pool.linksOf(scope))) {
    const { roots } = link.declared as { roots?: { listChanged?: unknown } };
    if (roots?.listChanged === true) link.notify('notifications/roots/list_changed');
  }
}
