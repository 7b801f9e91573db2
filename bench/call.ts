/**
 * One request of the load generator: sends it, times it, checks the whole answer.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher, Pool } from 'undici';
import { parseReply, type Session } from './session.ts';

/** What is asked for, again and again. */
export interface Work {
  /** Length of the text in each result. */
  bytes: number;
  /** Length of an argument that the tool does not look at. */
  ballast: number;
  /** `notify`: notifications before each result. */
  count: number;
  /** `wait`: milliseconds. */
  ms: number;
}

/** What to call: the session it belongs to, a JSON-RPC id, a text that no other call sends, and what it is to do. */
export interface CallSpec {
  session: Session;
  id: number;
  text: string;
  work: Work;
}

/** What came back. `ms` runs from the moment the request is written to its connection to the last byte of the reply. */
export interface CallEnd {
  ms: number;
  /** Why the answer is wrong; undefined when it is right. */
  error: string | undefined;
}

/** The body of a call. @param more members of its params */
export function callBody({ session, id, text, work }: CallSpec, more: object = {}): string {
  const { bytes, ballast, count, ms } = work;
  const args = {
    text,
    bytes,
    ...(count > 0 ? { count } : {}),
    ...(ms > 0 ? { ms } : {}),
    ...(ballast > 0 ? { ballast: 'b'.repeat(ballast) } : {}),
  };
  const _meta = { ...session.meta, ...(count > 0 ? { progressToken: id } : {}) };
  const params = { name: session.tool, arguments: args, ...more, _meta };
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
}

/** Sends a call; `end` is called exactly once. */
export function sendCall(pool: Pool, path: string, spec: CallSpec, end: (outcome: CallEnd) => void): void {
  const body = callBody(spec);
  pool.dispatch(
    { method: 'POST', path, headers: spec.session.headers, body },
    new Handler((...a) => faultOf(spec, ...a), end),
  );
}

/** Sends a `tools/list`; `end` is called exactly once. @param tools how many there must be */
export function sendList(
  pool: Pool,
  path: string,
  { session, id }: Pick<CallSpec, 'session' | 'id'>,
  tools: number,
  end: (outcome: CallEnd) => void,
): void {
  const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { _meta: session.meta } });
  const headers = session.headers.with(session.headers.indexOf('tools/call'), 'tools/list');
  pool.dispatch(
    { method: 'POST', path, headers: session.era === 'modern' ? headers : session.headers, body },
    // to read it whole would cost more than to make it
    new Handler((status, _type, text) => {
      if (status !== 200) return `status ${status}: ${text.slice(0, 200)}`;
      const seen = text.split('"inputSchema"').length - 1;
      return seen === tools ? undefined : `${seen} tools instead of ${tools}`;
    }, end),
  );
}

/** Says what is wrong with an answer, or nothing. */
export type Check = (status: number, type: string, body: string) => string | undefined;

class Handler implements Dispatcher.DispatchHandler {
  readonly #check: Check;
  readonly #end: (outcome: CallEnd) => void;
  readonly #chunks: Buffer[] = [];
  #started = 0;
  #status = 0;
  #type = '';

  constructor(check: Check, end: (outcome: CallEnd) => void) {
    this.#check = check;
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
    this.#end({ ms, error: this.#check(this.#status, this.#type, Buffer.concat(this.#chunks).toString('utf8')) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ ms: performance.now() - this.#started, error: `${error.name}: ${error.message}` });
  }
}

/**
 * Checks an answer: status 200, all notifications, the id that was sent, and the text that was sent, padded to the size
 * asked for.
 *
 * @returns what is wrong, or undefined
 */
export function faultOf(
  spec: Omit<CallSpec, 'session'>,
  status: number,
  type: string,
  body: string,
): string | undefined {
  if (status !== 200) return `status ${status}: ${body.slice(0, 200)}`;
  const { bytes, count } = spec.work;
  const told = count > 0 ? body.split('"notifications/progress"').length - 1 : 0;
  if (told !== count) return `${told} notifications instead of ${count}`;
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
  const length = Math.max(bytes, spec.text.length);
  return text.length === length ? undefined : `text of ${text.length} bytes instead of ${length}`;
}
