/** Rounds of a legacy client: each input request goes to it as a server request, and its answer back. */
import type { InputRequest, Round } from '../protocol/call.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import { requestFor } from './convert/requests.ts';
import { canBeAsked } from './declare.ts';
import { exposeRequest, type RequestRules } from './expose-request.ts';

/** How long a client may take to answer, milliseconds. */
export interface AskTimeouts {
  readonly elicitation: number;
  readonly sampling: number;
  readonly roots: number;
  /** To open a stream, where none is open. */
  readonly deliver: number;
}

const KIND: ReadonlyMap<string, 'elicitation' | 'sampling' | 'roots'> = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);

/**
 * Asks a session's client everything in a round, at once.
 * @param stream where the requests go: the stream of the call they belong to, else the standalone one
 * @returns takes the open requests back from the client; for when the call they belong to is over
 */
export function askClient(
  session: LegacySession,
  round: Round,
  stream: SessionStream,
  rules: RequestRules,
  timeouts: AskTimeouts,
): (reason: string | undefined) => void {
  const open = new Set<number>();
  let over = false;
  let patience: NodeJS.Timeout | undefined;
  const withdraw = (reason: string | undefined): void => {
    over = true;
    clearTimeout(patience);
    for (const id of open) session.asks.withdraw(id, reason);
    open.clear();
  };
  round.onwithdrawn = withdraw;
  if (!session.initialized) {
    patience = setTimeout(() => {
      over = true;
      round.abandon(`the client did not finish its handshake within ${timeouts.deliver} ms`);
    }, timeouts.deliver).unref();
  }
  session.onceInitialized(() => {
    clearTimeout(patience);
    if (over) return;
    for (const [key, asked] of round.requests) {
      const refused = refusal(session, asked);
      const request = refused ? undefined : requestFor(session.version, asked);
      if (refused) round.answer(key, { kind: 'error', json: refused });
      else if (request) ask(session, round, key, request, stream, rules, timeouts, open);
      else round.abandon(`a client of ${session.version} cannot be asked this ${asked.method}`);
    }
  });
  return withdraw;
}

function ask(
  session: LegacySession,
  round: Round,
  key: string,
  request: InputRequest,
  stream: SessionStream,
  rules: RequestRules,
  timeouts: AskTimeouts,
  open: Set<number>,
): void {
  const patience = { answer: timeouts[KIND.get(request.method)!], deliver: timeouts.deliver };
  const id = session.asks.ask(stream, (own) => exposeRequest(request, own, rules), patience, {
    answered: (kind, json) => {
      open.delete(id);
      round.answer(key, { kind, json });
    },
    progress: (reported) => round.progress(key, reported),
    unanswered: (reason) => {
      open.delete(id);
      round.abandon(reason);
    },
  });
  open.add(id);
}

/** The error for a request that the client did not declare, as JSON text. */
function refusal(session: LegacySession, { method, params }: InputRequest): Buffer | undefined {
  const values = params ? (JSON.parse(params.toString('utf8')) as Record<string, unknown>) : {};
  if (canBeAsked(session.client.capabilities, method, values)) return undefined;
  const code = method === 'elicitation/create' ? -32602 : -32601;
  return Buffer.from(JSON.stringify({ code, message: `The client does not support this ${method}` }));
}
