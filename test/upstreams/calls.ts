/** Calls as a front would make them, whose sink writes down what it gets. */
import type { Call, ClientFacts, Deadline, Outcome, Principal, Round } from '../../src/protocol/call.ts';
import { type Message, messageBytes, rawId, readMessage, valueAt } from '../../src/protocol/message.ts';
import { Params } from '../../src/protocol/params.ts';

const PRINCIPAL: Principal = { key: 'test', subject: 'test', scopes: [] };
const CLIENT: ClientFacts = {
  era: 'legacy',
  version: '2025-11-25',
  capabilities: {},
  info: undefined,
  profile: 'default',
  audience: '',
};

/** A call and what came of it. */
export interface RecordedCall {
  readonly call: Call;
  /** Resolves with the one outcome. */
  readonly done: Promise<Outcome>;
  /** What the sink was told, in order: `progress`, `log`, `input`, `away` and `done`. */
  readonly told: string[];
  /** The JSON texts of the progress notifications. */
  readonly progress: string[];
  readonly logs: Message[];
  readonly rounds: Round[];
}

/**
 * A call whose message is exactly this text.
 * @param onround called for every round; without it a round stays open
 */
export function makeCall(text: string, deadline?: Deadline, onround?: (round: Round) => void): RecordedCall {
  const message = readMessage(Buffer.from(text));
  const params = new Params(message);
  const token = params.progressToken();
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const told: string[] = [];
  const progress: string[] = [];
  const logs: Message[] = [];
  const rounds: Round[] = [];
  const call: Call = {
    principal: PRINCIPAL,
    client: CLIENT,
    session: undefined,
    method: message.method ?? '',
    id: rawId(message) ?? '',
    message,
    edits: [],
    params,
    progressToken: token,
    shownToken: token && message.bytes.toString('utf8', token.start, token.end),
    logLevel: undefined,
    continuation: undefined,
    headers: undefined,
    paramHeaders: undefined,
    surrender: undefined,
    target: undefined,
    scope: undefined,
    deadline,
    ended: false,
    present: true,
    lacking: undefined,
    oncancel: undefined,
    onpressure: undefined,
    sink: {
      progress: (notification) => {
        told.push('progress');
        progress.push(notification.toString());
      },
      log: (notification) => {
        told.push('log');
        logs.push(notification);
      },
      input: (round) => {
        told.push('input');
        rounds.push(round);
        onround?.(round);
      },
      away: () => void told.push('away'),
      done: (outcome) => {
        told.push('done');
        resolve(outcome);
      },
    },
  };
  return { call, done: promise, told, progress, logs, rounds };
}

/** A call of a method with params as JSON text. */
export const callOf = (method: string, params = '{}', deadline?: Deadline): RecordedCall =>
  makeCall(`{"jsonrpc":"2.0","id":"client","method":"${method}","params":${params}}`, deadline);

/** A `tools/call`; `args` is JSON text, and so is `token`. */
export function toolCall(name: string, args = '{}', token?: string, deadline?: Deadline): RecordedCall {
  const meta = token === undefined ? '' : `,"_meta":{"progressToken":${token}}`;
  return callOf('tools/call', `{"name":"${name}","arguments":${args}${meta}}`, deadline);
}

/** The text of the upstream's own message, when that is the outcome. @throws Error for any other outcome */
export async function answerText(recorded: RecordedCall): Promise<string> {
  const outcome = await recorded.done;
  if (outcome.kind === 'complete') return messageBytes(outcome.message).toString();
  throw new Error(outcome.kind === 'error' ? outcome.error.message : `unexpected outcome ${outcome.kind}`);
}

/** The built result of a call. @throws Error when it has none */
export async function resultOf<T = Record<string, unknown>>(recorded: RecordedCall): Promise<T> {
  const outcome = await recorded.done;
  if (outcome.kind === 'complete' && outcome.message.result) {
    return valueAt(outcome.message.bytes, outcome.message.result) as T;
  }
  throw new Error(`no result: ${await answerText(recorded)}`);
}
