/** The Streamable HTTP transport as a client of a modern upstream: a POST for each request, and nothing in between. */
import { InProgress } from '../protocol/in-progress.ts';
import type { Pieces } from '../protocol/json/pieces.ts';
import type { Logger } from '../telemetry/log.ts';
import type { HttpEndpoint } from './http-endpoint.ts';
import { HttpExchange } from './http-exchange.ts';
import { postOf } from './http-post.ts';
import type { AnswerLimit, Wire, WireListener } from './wire.ts';

export class ModernHttpWire implements Wire {
  readonly separate = true;
  readonly #endpoint: HttpEndpoint;
  readonly #log: Logger;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  readonly #exchanges = new InProgress<HttpExchange>();
  #listener: WireListener | undefined;
  #closed = false;

  constructor(endpoint: HttpEndpoint, log: Logger) {
    this.#endpoint = endpoint;
    this.#log = log;
    this.#path = endpoint.url.pathname + endpoint.url.search;
    this.#headers = {
      ...endpoint.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
  }

  async start(listener: WireListener): Promise<void> {
    this.#listener = listener;
  }

  send(message: Buffer | Pieces, of?: number, headers?: Readonly<Record<string, string>>, limit?: AnswerLimit): void {
    const exchange = new HttpExchange({
      upstream: this.#endpoint.upstream,
      of,
      maxBytes: this.#endpoint.maxMessageSize,
      limit,
      inSession: false,
      greeted: false,
      log: this.#log,
      head: () => undefined,
      message: (bytes) => this.#listener?.message(bytes, of),
      begun: (chunks, size) => (of === undefined ? undefined : this.#listener?.begun?.(chunks, of, size)),
      ended: (fault) => {
        if (of === undefined) return;
        if (this.#exchanges.get(of) === exchange) this.#exchanges.delete(of);
        if (fault) this.#listener?.failed(of, fault);
      },
    });
    if (of !== undefined) this.#exchanges.set(of, exchange);
    exchange.begin(this.#endpoint.pool, postOf(this.#path, { ...this.#headers, ...headers }, message));
  }

  ready(): void {
    // every request says for itself what it speaks
  }

  hold(of: number, still: boolean): void {
    this.#exchanges.get(of)?.hold(still);
  }

  forget(of: number): void {
    this.#exchanges.get(of)?.settle();
  }

  abort(of: number): void {
    this.#exchanges.get(of)?.abandon();
    this.#exchanges.delete(of);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const exchange of this.#exchanges.values()) exchange.abandon();
    this.#exchanges.clear();
    this.#listener?.closed(undefined);
  }
}
