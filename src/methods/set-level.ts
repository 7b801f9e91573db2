/** logging/setLevel: kept in the session, told to every upstream that logs, now and when it connects. */
import { Fault } from '../errors.ts';
import { ParamsError } from '../protocol/params.ts';
import { LOG_LEVELS, type LogLevel } from '../sessions/log-level.ts';
import { ask } from '../upstreams/ask.ts';
import type { Link } from '../upstreams/link.ts';
import type { Method, MethodContext } from './context.ts';
import { scopesOf, sessionsOf } from './scope.ts';

/** An upstream that does not take the level in this time is not waited for, then or later, milliseconds. */
const PATIENCE = 2_000;

const deaf = new WeakSet<Link>();

export const setLevel: Method = async (context, call, params) => {
  const { text } = params.string('level');
  if (!isLevel(text)) throw new ParamsError(`"level" must be one of ${LOG_LEVELS.join(', ')}`);
  const session = call.session === undefined ? undefined : context.sessions.byId(call.session);
  if (session) {
    session.logLevel = text;
    const told = scopesOf(session).flatMap((scope) =>
      context.pool.linksOf(scope).map((l) => applyLevel(context, l, scope)),
    );
    await Promise.all(told);
  }
  call.sink.done({ kind: 'local', result: '{}' });
};

/**
 * Tells one upstream the most verbose level that any session behind this link asked for. Never rejects: an upstream that
 * does not take it costs only its own messages.
 */
export async function applyLevel(context: MethodContext, link: Link, scope: string): Promise<void> {
  if (!Object.hasOwn(link.server.capabilities, 'logging')) return;
  const sessions = sessionsOf(context, scope);
  if (!sessions.some((s) => s.logLevel)) return;
  // among several, one that asked for nothing counts as one that wants what most clients expect
  const level = mostVerbose(sessions.map((s) => s.logLevel ?? 'info'))!;
  const told = ask(link, 'logging/setLevel', { level }, { idle: PATIENCE, total: PATIENCE, knob: 'request' });
  try {
    if (deaf.has(link)) told.catch(() => undefined);
    else await told;
  } catch (error) {
    if (error instanceof Fault && error.fault === 'upstreamTimeout') deaf.add(link);
    context.log.debug(
      { upstream: link.upstream, err: (error as Error).message },
      'upstream did not take the log level',
    );
  }
}

const isLevel = (text: string): text is LogLevel => (LOG_LEVELS as readonly string[]).includes(text);

const mostVerbose = (levels: readonly LogLevel[]): LogLevel | undefined => LOG_LEVELS.find((l) => levels.includes(l));
