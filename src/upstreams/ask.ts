/** Requests of Patchbay's own to an upstream: handshake, lists. */
import { Fault } from '../errors.ts';
import type { Call, ClientFacts, Deadline, Outcome, Principal, Sink } from '../protocol/call.ts';
import { compose, composeResult, type Message, readMessage, valueAt } from '../protocol/message.ts';
import { Params } from '../protocol/params.ts';
import { LATEST_LEGACY } from '../protocol/versions.ts';
import type { Link } from './link.ts';

/** The gateway itself, where no client is behind a request. */
export const GATEWAY: Principal = { key: 'gateway', subject: 'gateway', scopes: [] };

const NOBODY: ClientFacts = {
  era: 'legacy',
  version: LATEST_LEGACY,
  capabilities: {},
  info: undefined,
  profile: '',
  audience: '',
};

/** An upstream's JSON-RPC error to a request of Patchbay's own. */
export class UpstreamError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'UpstreamError';
    this.code = code;
  }
}

/** What a request of Patchbay's own failed with, as an answer to a client that it was sent for. */
export const toFault = (error: Error, upstream: string): Fault =>
  error instanceof Fault ? error : new Fault('upstreamUnavailable', { upstream, detail: error.message });

/** Nobody is told of anything. */
const DEAF: Sink = {
  progress: () => undefined,
  log: () => undefined,
  away: () => undefined,
  input: (round) => round.abandon('no client is behind this request'),
  done: () => undefined,
};

/** A call of Patchbay's own. @param message a request */
export const gatewayCall = (message: Message, done: Sink['done'] = DEAF.done, deadline?: Deadline): Call => ({
  principal: GATEWAY,
  client: NOBODY,
  session: undefined,
  method: message.method!,
  id: '0',
  message,
  edits: [],
  params: new Params(message),
  progressToken: undefined,
  shownToken: undefined,
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
  sink: { ...DEAF, done },
});

/**
 * Sends one request over a link.
 * @param about what it is about, where HTTP headers repeat that, and answers that go with it, as JSON text
 * @returns the response message, which has a result
 * @throws Fault when the upstream cannot be asked, UpstreamError when it answers with an error
 */
export function ask(
  link: Pick<Link, 'request'>,
  method: string,
  params?: unknown,
  deadline?: Deadline,
  about?: { readonly name: string; readonly inputResponses?: string },
): Promise<Message> {
  return new Promise((resolve, reject: (error: Fault | UpstreamError) => void) => {
    const done = (outcome: Outcome): void => {
      if (outcome.kind === 'error') reject(outcome.error);
      else if (outcome.kind === 'local') resolve(readMessage(composeResult('0', outcome.result)));
      else if (outcome.message.error) reject(upstreamError(outcome.message));
      else resolve(outcome.message);
    };
    const call = gatewayCall(readMessage(compose(method, params, 0)), done, deadline);
    if (about) {
      call.target = { upstream: '', exposed: about.name, name: about.name };
      call.continuation = { inputResponses: about.inputResponses, requestState: undefined };
    }
    link.request(call);
  });
}

function upstreamError(message: Message): UpstreamError {
  const { code, message: text } = valueAt(message.bytes, message.error!) as { code?: unknown; message?: unknown };
  return new UpstreamError(typeof code === 'number' ? code : 0, String(text ?? 'no message'));
}
