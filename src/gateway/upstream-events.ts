/** What upstreams say outside of any call, and to whom it goes. */

import { isSole, type MethodContext } from '../methods/context.ts';
import { audienceOfScope, sessionsOf } from '../methods/scope.ts';
import { applyLevel } from '../methods/set-level.ts';
import { dropSubscriptions } from '../methods/subscribe.ts';
import type { Call, Round } from '../protocol/call.ts';
import { compose, type Message, paramsOf } from '../protocol/message.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { logFor } from '../sessions/log-level.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import { ask } from '../upstreams/ask.ts';
import type { Link } from '../upstreams/link.ts';
import { type LinkName, type PoolListener, SHARED_SCOPE } from '../upstreams/pool.ts';

export type AskSession = (
  session: LegacySession,
  round: Round,
  from: LinkName,
  stream: SessionStream,
) => (reason: string) => void;

/** @param context as a function: the pool that reports here is part of it */
export function upstreamEvents(context: () => MethodContext, askSession: AskSession): PoolListener {
  return {
    listen: (from) => ({
      listChanged: () => void context().catalogs.refresh(from.upstream, from.audience),
      log: (message) => relayLog(context(), from, message),
      input: (round) => relayInput(context(), from, round, askSession),
      updated: (message) => relayUpdate(context(), from, message),
      elicited: (message) => relayElicited(context(), from, message),
    }),
    opened: (link, from) => prepare(context(), link, from),
    closed: () => undefined,
    pinned: (link, from) => isPinned(context(), link, from),
  };
}

/** A new link is brought to the state that its clients expect: log level and subscriptions. */
async function prepare(context: MethodContext, link: Link, from: LinkName): Promise<void> {
  await applyLevel(context, link, from.scope);
  for (const uri of context.subscriptions.of(from)) {
    await ask(link, 'resources/subscribe', { uri }).catch((error: Error) =>
      context.log.warn({ upstream: from.upstream, err: error.message }, 'a subscription could not be taken up again'),
    );
  }
}

/** Links that somebody listens to without calling stay open. */
function isPinned(context: MethodContext, link: Link, from: LinkName): boolean {
  if (context.subscriptions.of(from).length > 0) return true;
  const audience = from.scope === SHARED_SCOPE ? '' : audienceOfScope(from.scope);
  if (audience === undefined || !announcesChanges(link)) return false;
  for (const session of context.sessions.all())
    if (from.scope === SHARED_SCOPE || session.client.audience === audience) return true;
  return false;
}

const announcesChanges = ({ server: { capabilities } }: Link): boolean =>
  ['tools', 'prompts', 'resources'].some(
    (kind) => (capabilities[kind] as { listChanged?: unknown } | undefined)?.listChanged === true,
  );

function relayLog(context: MethodContext, { upstream, scope }: LinkName, message: Message): void {
  const label = isSole(context) ? undefined : upstream;
  const sessions = behind(context, { upstream, scope });
  for (const session of sessions) {
    // on a link of several sessions, one that asked for nothing is spared the debug messages of another
    const text = logFor(message, session.logLevel ?? (sessions.length === 1 ? undefined : 'info'), label);
    if (text) session.standalone.send(text);
  }
}

function callOver(session: LegacySession, { upstream, scope }: LinkName): Call | undefined {
  for (const call of session.inFlight.values())
    if (call.target?.upstream === upstream && call.scope === scope) return call;
  return undefined;
}

/** The sessions behind a link; only the one whose calls are in flight, where that is a single one. */
function behind(context: MethodContext, { upstream, scope }: Pick<LinkName, 'upstream' | 'scope'>): LegacySession[] {
  const sessions = sessionsOf(context, scope);
  const busy = scope === SHARED_SCOPE ? undefined : context.pool.peek(upstream, scope)?.soleSession;
  const sole = sessions.find((s) => s.id === busy);
  return sole ? [sole] : sessions;
}

function relayInput(context: MethodContext, from: LinkName, round: Round, askSession: AskSession): void {
  const sessions = behind(context, from);
  // one principal is behind all of them: whoever listens now can answer
  const session = sessions.find((s) => s.standalone.attached) ?? sessions.at(-1);
  if (!session) return round.abandon('no client is connected');
  // without a stream of its own to be asked on, the client is asked on that of a call to the same upstream
  const call = session.standalone.attached ? undefined : callOver(session, from);
  if (call) call.sink.input(round);
  else askSession(session, round, from, session.standalone);
}

function relayUpdate(context: MethodContext, from: LinkName, message: Message): void {
  const { uri } = paramsOf(message);
  if (typeof uri !== 'string') return;
  const listeners = context.subscriptions.listeners(from, uri);
  if (listeners.size === 0)
    context.log.debug({ upstream: from.upstream }, 'ignored an update that nobody subscribed to');
  for (const id of listeners) {
    const session = context.sessions.byId(id);
    if (!session) continue;
    const { uris } = context.view(session.client.audience);
    const exposed = uris.exposeUri(from.upstream, uri, context.learned(session.principal.key));
    session.standalone.send(compose('notifications/resources/updated', { ...paramsOf(message), uri: exposed }));
  }
}

function relayElicited(context: MethodContext, from: LinkName, message: Message): void {
  const { elicitationId } = paramsOf(message);
  const asked = typeof elicitationId === 'string' ? context.elicitations.find(from, elicitationId) : undefined;
  const session = asked && context.sessions.byId(asked.session);
  session?.standalone.send(compose('notifications/elicitation/complete', { elicitationId: asked!.exposed }));
}

/** What a session leaves behind when it ends. */
export function forgetSession(context: MethodContext, session: LegacySession): void {
  dropSubscriptions(context, session.id);
  context.elicitations.drop(session.id);
}
