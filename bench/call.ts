/**
 * One `tools/call` of the load generator: sends it, times it, checks the whole answer.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher, Pool } from 'undici';
import { parseReply, type Session } from './session.ts';

/** What to call: the session it belongs to, a JSON-RPC id, a text that no other call sends, and the reply size. */
export interface CallSpec {
  session: Session;
  id: number;
  text: string;
  bytes: number;
}

/** What came back. `ms` runs from the moment the request is written to its connection to the last byte of the reply. */
export interface CallEnd {
  ms: number;
  /** Why the answer is wrong; undefined when it is right. */
  error: string | undefined;
}

/** Sends a call; `end` is called exactly once. */
export function sendCall(pool: Pool, path: string, spec: CallSpec, end: (outcome: CallEnd) => void): void {
  const { session, id, text, bytes } = spec;
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: session.tool, arguments: { text, bytes } },
  });
  pool.dispatch({ method: 'POST', path, headers: session.headers, body }, new CallHandler(spec, end));
}

class CallHandler implements Dispatcher.DispatchHandler {
  readonly #spec: CallSpec;
  readonly #end: (outcome: CallEnd) => void;
  readonly #chunks: Buffer[] = [];
  #started = 0;
  #status = 0;
  #type = '';

  constructor(spec: CallSpec, end: (outcome: CallEnd) => void) {
    this.#spec = spec;
    this.#end = end;
  }

  onRequestStart(): void {
    this.#started = performance.now();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#type = headers['content-type'] ?? '';
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const ms = performance.now() - this.#started;
    this.#end({
      ms,
      error: faultOf(this.#spec, this.#status, this.#type, Buffer.concat(this.#chunks).toString('utf8')),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ ms: performance.now() - this.#started, error: `${error.name}: ${error.message}` });
  }
}

/**
 * Checks an answer: status 200, the id that was sent, and the text that was sent, padded to the size asked for.
 *
 * @returns what is wrong, or undefined
 */
export function faultOf(spec: CallSpec, status: number, type: string, body: string): string | undefined {
  if (status !== 200) return `status ${status}: ${body.slice(0, 200)}`;
  let message: { id?: unknown; result?: { content?: { text?: unknown }[] } } | null;
  try {
    message = parseReply(type, body) as typeof message;
  } catch {
    return `not JSON: ${body.slice(0, 200)}`;
  }
  if (message?.id !== spec.id) return `id ${JSON.stringify(message?.id)} instead of ${spec.id}`;
  const text = message.result?.content?.[0]?.text;
  if (typeof text !== 'string') return `no text in the result: ${body.slice(0, 200)}`;
  if (!text.startsWith(spec.text)) return `the text of another call: ${text.slice(0, 40)}`;
  const length = Math.max(spec.bytes, spec.text.length);
  return text.length === length ? undefined : `text of ${text.length} bytes instead of ${length}`;
}
