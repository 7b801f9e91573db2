/** logging/setLevel: kept in the session, told to every upstream that logs, now and when it connects. */
import { Fault } from '../errors.ts';
import { ParamsError } from '../protocol/params.ts';
import { LOG_LEVELS, type LogLevel } from '../sessions/log-level.ts';
import { ask } from '../upstreams/ask.ts';
import type { Link } from '../upstreams/link.ts';
import type { Method, MethodContext } from './context.ts';
import { scopesOf, sessionsOf, USUAL } from './scope.ts';

/** An upstream that does not take the level in this time is not waited for, then or later, milliseconds. */
const PATIENCE = 2_000;

const deaf = new WeakSet<Link>();
/** The level that each upstream was told over its link. */
const told = new WeakMap<Link, LogLevel>();

export const setLevel: Method = async (context, call, params) => {
  const { text } = params.string('level');
  if (!isLevel(text)) throw new ParamsError(`"level" must be one of ${LOG_LEVELS.join(', ')}`);
  const session = call.session === undefined ? undefined : context.sessions.byId(call.session);
  if (session) {
    session.logLevel = text;
    const telling = scopesOf(session).flatMap((scope) =>
      context.pool.linksOf(scope).map((l) => applyLevel(context, l, scope)),
    );
    await Promise.all(telling);
  }
  call.sink.done({ kind: 'local', result: '{}' });
};

/**
 * Tells one upstream the most verbose level that any session behind this link asked for; the usual one again when nobody
 * asks for any more. Never rejects: an upstream that does not take it costs only its own messages.
 */
export async function applyLevel(context: MethodContext, link: Link, scope: string): Promise<void> {
  if (!Object.hasOwn(link.server.capabilities, 'logging')) return;
  const sessions = sessionsOf(context, scope).filter((session) => context.view(session).concerns(link.upstream));
  const before = told.get(link);
  if (before === undefined && !sessions.some((s) => s.logLevel)) return;
  // among several, one that asked for nothing counts as one that wants what most clients expect
  const level = mostVerbose(sessions.map((s) => s.logLevel ?? USUAL)) ?? USUAL;
  if (level === before) return;
  told.set(link, level);
  await tell(context, link, level);
  // clients may want another one by now
  return applyLevel(context, link, scope);
}

/** Never rejects. */
async function tell(context: MethodContext, link: Link, level: LogLevel): Promise<void> {
  const taken = ask(link, 'logging/setLevel', { level }, { idle: PATIENCE, total: PATIENCE, knob: 'timeouts.request' });
  try {
    if (deaf.has(link)) taken.catch(() => undefined);
    else await taken;
  } catch (error) {
    if (error instanceof Fault && error.fault === 'upstreamTimeout') deaf.add(link);
    const { message } = error as Error;
    context.log.debug({ upstream: link.upstream, err: message }, 'upstream did not take the log level');
  }
}

/**
 * Sees to it that an upstream logs what one call wants, where it is told once for all. It is not told less again before a
 * session is: another call may want the same soon.
 * @returns `undefined` where there is nothing to be told
 */
export function raiseLevel(context: MethodContext, link: Link, wanted: string | undefined): Promise<void> | undefined {
  if (wanted === undefined || link.server.era === 'modern' || !isLevel(wanted)) return undefined;
  if (!Object.hasOwn(link.server.capabilities, 'logging') || deaf.has(link)) return undefined;
  const before = told.get(link);
  if (before !== undefined && LOG_LEVELS.indexOf(before) <= LOG_LEVELS.indexOf(wanted)) return undefined;
  told.set(link, wanted);
  return tell(context, link, wanted);
}

const isLevel = (text: string): text is LogLevel => (LOG_LEVELS as readonly string[]).includes(text);

const mostVerbose = (levels: readonly LogLevel[]): LogLevel | undefined => LOG_LEVELS.find((l) => levels.includes(l));
