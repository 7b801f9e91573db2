/** One HTTP exchange on a connection of its own, as it is on the wire: it can be read slowly, and be cut off. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { until } from './until.ts';

/** One JSON-RPC message. */
export interface Rpc {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** One server-sent event. */
export interface StreamEvent {
  readonly name: string | undefined;
  readonly id: string | undefined;
  /** Milliseconds. */
  readonly retry: number | undefined;
  /** `undefined` when the event has no data, or empty data. */
  readonly message: Rpc | undefined;
  readonly data: string;
}

export interface HttpOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class HttpStream {
  readonly status: number;
  readonly type: string;
  readonly headers: IncomingMessage['headers'];
  /** Every event so far; it grows. A JSON body counts as one event. */
  readonly events: StreamEvent[] = [];
  comments = 0;
  /** The body so far, as far as it is not made of events. */
  text = '';
  over = false;
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.type = String(response.headers['content-type'] ?? '').split(';', 1)[0]!;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#read(chunk));
    response.once('end', () => this.#end());
    response.once('close', () => {
      this.over = true;
    });
    // a connection that was cut off is over, that is all
    response.on('error', () => undefined);
    sent.on('error', () => undefined);
  }

  /** Sends a request; resolves when the head of the answer is there. */
  static async open(url: string, { method, headers, body }: HttpOptions): Promise<HttpStream> {
    const sent = request(url, { method, headers, agent: false });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return new HttpStream(sent, response);
  }

  /** The messages so far. */
  get messages(): Rpc[] {
    return this.events.flatMap(({ message }) => message ?? []);
  }

  /** The id of the last event that had one. @throws Error when there was none */
  get lastEventId(): string {
    const id = this.events.findLast((event) => event.id !== undefined)?.id;
    if (id === undefined) throw new Error(`no event with an id in HTTP ${this.status}`);
    return id;
  }

  /** Stops reading; what follows fills the buffers between here and the sender. */
  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  /** Cuts the connection off without a word. */
  drop(): void {
    this.#request.destroy();
  }

  /** Waits for a message, among those there or those to come. */
  async waitFor(predicate: (message: Rpc) => boolean, timeoutMs?: number): Promise<Rpc> {
    let seen = 0;
    const look = () => {
      for (; seen < this.events.length; seen++) {
        const { message } = this.events[seen]!;
        if (message && predicate(message)) return message;
      }
      if (this.over) throw new Error(`the answer ended without it: ${this.#told()}`);
      return undefined;
    };
    return until(look, () => `a message among ${this.#told()}`, timeoutMs);
  }

  /** Waits for the message with this method. */
  method(method: string, timeoutMs?: number): Promise<Rpc> {
    return this.waitFor((message) => message.method === method, timeoutMs);
  }

  /** Waits for the response to a request. */
  response(id: string | number, timeoutMs?: number): Promise<Rpc> {
    return this.waitFor((message) => message.method === undefined && message.id === id, timeoutMs);
  }

  /** Waits for the end, however it comes. */
  async ended(timeoutMs?: number): Promise<this> {
    await until(
      () => this.over,
      () => `the end of ${this.#told()}`,
      timeoutMs,
    );
    return this;
  }

  #told(): string {
    const last = this.events.slice(-5).map(({ data }) => data.slice(0, 300));
    return `HTTP ${this.status}, ${this.events.length} events, the last: ${last.join('\n')}${this.text.slice(0, 300)}`;
  }

  #read(chunk: string): void {
    this.text += chunk;
    if (this.type !== 'text/event-stream') return;
    const blocks = this.text.split('\n\n');
    this.text = blocks.pop()!;
    for (const block of blocks) this.#event(block.split('\n'));
  }

  #event(lines: readonly string[]): void {
    const fields = lines.filter((line) => !line.startsWith(':'));
    this.comments += lines.length - fields.length;
    if (fields.length === 0) return;
    const value = (name: string) => {
      const line = fields.find((field) => field.startsWith(`${name}:`));
      return line?.slice(name.length + 1).trimStart();
    };
    const data = value('data') ?? '';
    const retry = value('retry');
    this.events.push({
      name: value('event'),
      id: value('id'),
      retry: retry === undefined ? undefined : Number(retry),
      message: data.startsWith('{') ? (JSON.parse(data) as Rpc) : undefined,
      data,
    });
  }

  #end(): void {
    if (this.type === 'application/json' && this.text !== '') {
      const message = JSON.parse(this.text) as Rpc;
      this.events.push({ name: undefined, id: undefined, retry: undefined, message, data: this.text });
    }
    this.over = true;
  }
}
