/** What upstreams say outside of any call, and to whom it goes. */

import { isSole, type MethodContext } from '../methods/context.ts';
import { audienceOfScope, levelUnasked, scopesOf, sessionsOf } from '../methods/scope.ts';
import { applyLevel } from '../methods/set-level.ts';
import { dropSubscriptions } from '../methods/subscribe.ts';
import type { Call, Round } from '../protocol/call.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import { compose, type Message, paramsOf } from '../protocol/message.ts';
import { SUBSCRIPTION_KEY } from '../protocol/meta.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { logFor } from '../sessions/log-level.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import { ask } from '../upstreams/ask.ts';
import type { Link } from '../upstreams/link.ts';
import { SHARED_SCOPE } from '../upstreams/pool.ts';
import type { LinkName, PoolListener } from '../upstreams/upstream-links.ts';
import { relayTask } from './task-events.ts';

/** For what an upstream that is on its way out is asked, milliseconds. */
const SOON = 1_000;

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
      missed: () => missed(context(), from),
      listChanged: () => void context().catalogs.refresh(from.upstream, from.audience),
      log: (message) => relayLog(context(), from, message),
      input: (round) => relayInput(context(), from, round, askSession),
      updated: (message) => relayUpdate(context(), from, message),
      tasked: (message) => relayTask(context(), from, message),
      elicited: (message) => relayElicited(context(), from, message),
    }),
    opened: (link, from, again) => prepare(context(), link, from, again),
    wanted: (server, from) => isWanted(context(), server, from),
  };
}

/** A new link is brought to the state that its clients expect: log level, and the subscriptions of the one before. */
async function prepare(context: MethodContext, link: Link, from: LinkName, again: boolean): Promise<void> {
  context.catalogs.reconnected(from.upstream);
  await applyLevel(context, link, from.scope);
  if (!again) return;
  const audience = audienceOf(from.scope);
  if (audience !== undefined) void context.catalogs.refresh(from.upstream, audience);
  const open = context.upstreams.get(from.upstream)?.timeouts.open ?? SOON;
  const subscribe = async (uri: string): Promise<void> => {
    try {
      await ask(link, 'resources/subscribe', { uri }, { idle: open, total: open, knob: 'timeouts.open' });
      // it may have changed while nobody was there to be told
      sendUpdate(context, from, uri, { uri });
    } catch (error) {
      const { message } = error as Error;
      context.log.warn({ upstream: from.upstream, err: message }, 'a subscription could not be taken up again');
    }
  };
  await Promise.all(context.subscriptions.of(from).map(subscribe));
}

/** Something may have changed while the upstream could not say so. */
function missed(context: MethodContext, from: LinkName): void {
  void context.catalogs.refresh(from.upstream, from.audience);
  for (const uri of context.subscriptions.of(from)) sendUpdate(context, from, uri, { uri });
}

/** Links that somebody listens to without calling stay open. */
function isWanted(context: MethodContext, server: ServerFacts, from: LinkName): boolean {
  if (context.subscriptions.of(from).length > 0) return true;
  const audience = audienceOf(from.scope);
  if (audience === undefined || !announcesChanges(server)) return false;
  for (const { client } of [...context.sessions.all(), ...context.listeners.values()])
    if (from.scope === SHARED_SCOPE || client.audience === audience) return true;
  return false;
}

/** The audience whose lists come over a link. */
const audienceOf = (scope: string): string | undefined => (scope === SHARED_SCOPE ? '' : audienceOfScope(scope));

const announcesChanges = ({ capabilities }: ServerFacts): boolean =>
  ['tools', 'prompts', 'resources'].some(
    (kind) => (capabilities[kind] as { listChanged?: unknown } | undefined)?.listChanged === true,
  );

function relayLog(context: MethodContext, { upstream, scope }: LinkName, message: Message): void {
  const label = isSole(context) ? undefined : upstream;
  for (const session of behind(context, { upstream, scope })) {
    // on a link of several sessions, one that asked for nothing is spared the debug messages of another
    const text = logFor(message, session.logLevel ?? levelUnasked(session, scope), label);
    if (text) session.standalone.send(text, 'log');
  }
}

function callOver(session: LegacySession, { upstream, scope }: LinkName): Call | undefined {
  for (const call of session.inFlight.values())
    if (call.target?.upstream === upstream && call.scope === scope) return call;
  return undefined;
}

/** The sessions behind a link that see its upstream; only the one whose calls are in flight, where that is a single one. */
function behind(context: MethodContext, { upstream, scope }: Pick<LinkName, 'upstream' | 'scope'>): LegacySession[] {
  const sessions = sessionsOf(context, scope).filter((session) => context.view(session).concerns(upstream));
  const busy = context.pool.peek(upstream, scope)?.soleSession;
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
  if (!sendUpdate(context, from, uri, paramsOf(message)))
    context.log.debug({ upstream: from.upstream }, 'ignored an update that nobody subscribed to');
}

/** Tells subscribers of a change, under the URI they know. @returns whether there are any */
function sendUpdate(
  context: MethodContext,
  from: LinkName,
  uri: string,
  params: Readonly<Record<string, unknown>>,
): boolean {
  const listeners = context.subscriptions.listeners(from, uri);
  for (const id of listeners) {
    const session = context.sessions.byId(id);
    const listener = session ?? context.listeners.get(id);
    if (!listener) continue;
    const { uris, sees } = context.view(listener);
    // it may have been taken away since
    if (!sees('resources', from.upstream, uri)) continue;
    const exposed = uris.exposeUri(from.upstream, uri, context.learned(listener.principal.key));
    const told = { ...withoutSubscription(params), uri: exposed };
    if (session) session.standalone.send(compose('notifications/resources/updated', told));
    else context.listeners.get(id)?.updated(told);
  }
  return listeners.size > 0;
}

/** The subscription is one of the gateway's own at the upstream, and no client's. */
function withoutSubscription({ _meta, ...params }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { [SUBSCRIPTION_KEY]: _, ...meta } = (_meta ?? {}) as Record<string, unknown>;
  return Object.keys(meta).length > 0 ? { _meta: meta, ...params } : params;
}

function relayElicited(context: MethodContext, from: LinkName, message: Message): void {
  const { elicitationId } = paramsOf(message);
  const asked = typeof elicitationId === 'string' ? context.elicitations.take(from, elicitationId) : [];
  for (const { session, exposed } of asked) {
    const message = compose('notifications/elicitation/complete', { elicitationId: exposed });
    context.sessions.byId(session)?.standalone.send(message);
  }
}

/** What a session leaves behind when it ends. */
export function forgetSession(context: MethodContext, session: LegacySession): void {
  dropSubscriptions(context, session.id);
  context.elicitations.drop(session.id);
  // others behind the same links may have had to see more than they asked for
  if (session.logLevel)
    for (const scope of scopesOf(session))
      for (const link of context.pool.linksOf(scope)) void applyLevel(context, link, scope);
}
