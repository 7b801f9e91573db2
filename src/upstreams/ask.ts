/** Requests of Patchbay's own to an upstream: handshake, lists. */
import type { Fault } from '../errors.ts';
import type { Call, ClientFacts, Deadline, Outcome, Principal } from '../protocol/call.ts';
import { compose, type Message, readMessage, valueAt } from '../protocol/message.ts';
import { LATEST_LEGACY } from '../protocol/versions.ts';
import type { Link } from './link.ts';

/** The gateway itself, where no client is behind a request. */
export const GATEWAY: Principal = { key: 'gateway', subject: 'gateway', scopes: [] };

const NOBODY: ClientFacts = { era: 'legacy', version: LATEST_LEGACY, capabilities: {}, info: undefined, audience: '' };

/** An upstream's JSON-RPC error to a request of Patchbay's own. */
export class UpstreamError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'UpstreamError';
    this.code = code;
  }
}

/**
 * Sends one request over a link.
 * @returns the response message, which has a result
 * @throws Fault when the upstream cannot be asked, UpstreamError when it answers with an error
 */
export function ask(
  link: Pick<Link, 'request'>,
  method: string,
  params?: unknown,
  deadline?: Deadline,
): Promise<Message> {
  return new Promise((resolve, reject: (error: Fault | UpstreamError) => void) => {
    const call: Call = {
      principal: GATEWAY,
      client: NOBODY,
      session: undefined,
      method,
      id: '0',
      message: readMessage(compose(method, params, 0)),
      edits: [],
      progressToken: undefined,
      target: undefined,
      scope: undefined,
      deadline,
      ended: false,
      oncancel: undefined,
      onpressure: undefined,
      sink: {
        progress: () => undefined,
        log: () => undefined,
        away: () => undefined,
        input: (round) => round.abandon('no client is behind this request'),
        done: (outcome: Outcome) => {
          if (outcome.kind === 'error') reject(outcome.error);
          else if (outcome.kind !== 'complete') reject(new UpstreamError(0, 'unexpected outcome'));
          else if (outcome.message.error) reject(upstreamError(outcome.message));
          else resolve(outcome.message);
        },
      },
    };
    link.request(call);
  });
}

function upstreamError(message: Message): UpstreamError {
  const { code, message: text } = valueAt(message.bytes, message.error!) as { code?: unknown; message?: unknown };
  return new UpstreamError(typeof code === 'number' ? code : 0, String(text ?? 'no message'));
}
