/** One HTTP request and what comes back, as it is on the wire: nothing repaired, nothing hidden. */
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, type Dispatcher, request } from 'undici';

/** One JSON-RPC message, whatever it holds. */
export interface Rpc {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface SendOptions {
  /** Default POST. */
  readonly method?: string;
  /** Beside those of a legacy POST; `undefined` leaves one of them out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** An object is sent as JSON, a string or bytes as they are. */
  readonly body?: unknown;
}

const WAIT_MS = 5_000;
const BOTH = 'application/json, text/event-stream';
const agent = new Agent({ headersTimeout: 15_000, bodyTimeout: 0 });

/** Sends a request. @returns what came back when its head is there; its body may still be coming */
export async function send(url: string, { method = 'POST', headers = {}, body }: SendOptions = {}): Promise<Exchange> {
  const own = method === 'POST' ? { 'content-type': 'application/json', accept: BOTH } : {};
  const present = Object.entries({ ...own, ...headers }).filter(([, value]) => value !== undefined);
  const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  return new Exchange(
    await request(url, {
      method: method as Dispatcher.HttpMethod,
      headers: Object.fromEntries(present) as Record<string, string>,
      body: raw ? (body ?? null) : JSON.stringify(body),
      dispatcher: agent,
    }),
  );
}

/** Sends a request and waits for the end of its answer. */
export function exchange(url: string, options?: SendOptions): Promise<Exchange> {
  return ended(send(url, options));
}

/** Waits for the end of an answer that is on its way. */
export async function ended(reply: Promise<Exchange>): Promise<Exchange> {
  const answer = await reply;
  await answer.ended();
  return answer;
}

export class Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The messages so far: the events of a stream, or the JSON body (the elements, when it is an array). */
  readonly messages: Rpc[] = [];
  /** The JSON text of each message of a stream. */
  readonly texts: string[] = [];
  /** The event ids of a stream, those of events without data as well. */
  readonly eventIds: string[] = [];
  /** How many comments a stream has held so far. */
  comments = 0;
  /** The body so far. */
  text = '';
  readonly #body: Dispatcher.ResponseData['body'];
  readonly #end: Promise<void>;
  readonly #watchers = new Set<() => void>();
  #over = false;
  #parsed = 0;

  constructor({ statusCode, headers, body }: Dispatcher.ResponseData) {
    this.status = statusCode;
    this.headers = headers;
    this.#body = body;
    this.#end = this.#read();
  }

  /** The media type of the answer. */
  get type(): string | undefined {
    return this.headers['content-type']?.split(';', 1)[0];
  }

  /** The only message there is. @throws Error when there are none or several */
  get message(): Rpc {
    const [first, ...others] = this.messages;
    if (!first || others.length > 0) throw new Error(`expected one message in HTTP ${this.status}: ${this.text}`);
    return first;
  }

  /** The response to the request with this id. @throws Error when it is not there */
  response(id: unknown): Rpc {
    const found = this.messages.filter((message) => message.method === undefined && message.id === id);
    if (found.length !== 1) throw new Error(`expected one response to ${id} in HTTP ${this.status}: ${this.text}`);
    return found[0]!;
  }

  /** Resolves when the answer is over, however it ended. @throws Error when it is not over in time */
  async ended(timeoutMs = 3 * WAIT_MS): Promise<void> {
    await this.#until(() => this.#over, 'the end of the answer', timeoutMs);
  }

  /**
   * Waits for a message, among those there or those to come.
   * @throws Error when the answer ends or the time is over first
   */
  async waitFor(predicate: (message: Rpc) => boolean, timeoutMs = WAIT_MS): Promise<Rpc> {
    await this.#until(() => this.#over || this.messages.some(predicate), 'a message', timeoutMs);
    const found = this.messages.find(predicate);
    if (!found) throw new Error(`the answer ended without that message: ${this.text}`);
    return found;
  }

  /** Waits until the stream has held this many comments. */
  async waitForComments(count: number): Promise<void> {
    await this.#until(() => this.comments >= count, `${count} comments`, WAIT_MS);
  }

  /** Drops the connection. */
  async close(): Promise<void> {
    this.#body.destroy();
    await this.#end;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.#body) {
        this.text += decoder.decode(chunk as Buffer, { stream: true });
        if (this.type === 'text/event-stream') this.#events();
        this.#changed();
      }
    } catch {
      // a dropped connection is an end as well
    }
    if (this.type === 'application/json' && this.text !== '') this.messages.push(...parseBody(this.text));
    this.#over = true;
    this.#changed();
  }

  #events(): void {
    for (;;) {
      const end = this.text.indexOf('\n\n', this.#parsed);
      if (end < 0) return;
      const lines = this.text.slice(this.#parsed, end).split('\n');
      this.#parsed = end + 2;
      this.comments += lines.filter((line) => line.startsWith(':')).length;
      this.eventIds.push(...valuesOf(lines, 'id'));
      const data = valuesOf(lines, 'data').join('\n');
      if (data === '') continue;
      this.texts.push(data);
      this.messages.push(JSON.parse(data) as Rpc);
    }
  }

  #changed(): void {
    for (const watch of this.#watchers) watch();
  }

  async #until(there: () => boolean, what: string, timeoutMs: number): Promise<void> {
    if (there()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const watch = () => void (there() && resolve());
    const late = () => reject(new Error(`no ${what} in ${timeoutMs} ms; HTTP ${this.status} so far: ${this.text}`));
    const timer = setTimeout(late, timeoutMs);
    this.#watchers.add(watch);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#watchers.delete(watch);
    });
  }
}

/** The values of one field of an event. */
function valuesOf(lines: readonly string[], field: string): string[] {
  const name = `${field}:`;
  return lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trimStart());
}

function parseBody(text: string): Rpc[] {
  const body = JSON.parse(text) as Rpc | Rpc[];
  return Array.isArray(body) ? body : [body];
}
