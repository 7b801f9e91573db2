/** The Streamable HTTP transport as a client of a legacy upstream (protocol.md §1.12.2). */
import type { Dispatcher } from 'undici';
import type { Logger } from '../telemetry/log.ts';
import { HttpExchange } from './http-exchange.ts';
import { HttpListen } from './http-listen.ts';
import { type Wire, WireFault, type WireListener } from './wire.ts';

export interface HttpEndpoint {
  /** The upstream's name, for messages. */
  readonly upstream: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The keep-alive pool of the upstream's origin; shared by all its links. */
  readonly pool: Dispatcher;
  readonly maxMessageSize: number;
}

/** How long the farewell DELETE may take, milliseconds. */
const FAREWELL = 1_000;

export class HttpWire implements Wire {
  readonly #endpoint: HttpEndpoint;
  readonly #log: Logger;
  readonly #path: string;
  readonly #exchanges = new Map<number, HttpExchange>();
  #headers: Record<string, string>;
  #listener: WireListener | undefined;
  #listen: HttpListen | undefined;
  #session: string | undefined;
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

  send(message: Buffer, of?: number, headers?: Readonly<Record<string, string>>): void {
    const exchange = new HttpExchange({
      upstream: this.#endpoint.upstream,
      of,
      maxBytes: this.#endpoint.maxMessageSize,
      inSession: this.#session !== undefined,
      log: this.#log,
      head: (answered) => this.#adopt(answered),
      message: (bytes) => this.#listener?.message(bytes, of),
      ended: (fault) => this.#ended(of, fault),
    });
    if (of !== undefined) this.#exchanges.set(of, exchange);
    this.#endpoint.pool.dispatch(
      {
        method: 'POST',
        path: this.#path,
        headers: headers ? { ...this.#headers, ...headers } : this.#headers,
        body: message,
      },
      exchange,
    );
  }

  ready(version: string): void {
    this.#headers = { ...this.#headers, 'mcp-protocol-version': version };
    this.#listen = new HttpListen({
      endpoint: this.#endpoint,
      headers: this.#requestHeaders(),
      log: this.#log,
      message: (bytes) => this.#listener?.message(bytes, undefined),
      gone: () => this.#end(new WireFault('its session is gone')),
    });
  }

  forget(of: number): void {
    this.#exchanges.get(of)?.settle();
  }

  async close(): Promise<void> {
    if (!this.#closed && this.#session !== undefined) await this.#farewell();
    this.#end(undefined);
  }

  /** Takes over the session id that the answer to `initialize` carried. */
  #adopt(session: string | undefined): void {
    if (session === undefined || this.#session !== undefined) return;
    this.#session = session;
    this.#headers = { ...this.#headers, 'mcp-session-id': session };
  }

  #ended(of: number | undefined, fault: WireFault | undefined): void {
    if (of !== undefined) this.#exchanges.delete(of);
    if (fault && of !== undefined) this.#listener?.failed(of, fault);
    else if (fault) this.#log.warn({ err: fault.message }, 'upstream did not take a notification');
    if (fault?.gone) this.#end(fault);
  }

  #end(fault: WireFault | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listen?.stop();
    for (const exchange of this.#exchanges.values()) exchange.abandon();
    this.#exchanges.clear();
    this.#listener?.closed(fault);
  }

  #requestHeaders(): Record<string, string> {
    const { 'content-type': _, ...headers } = this.#headers;
    return headers;
  }

  /** Ends the session upstream; a server that does not allow it (405) or is gone is fine. */
  async #farewell(): Promise<void> {
    try {
      const { body } = await this.#endpoint.pool.request({
        method: 'DELETE',
        path: this.#path,
        headers: this.#requestHeaders(),
        signal: AbortSignal.timeout(FAREWELL),
      });
      await body.dump();
    } catch (error) {
      this.#log.debug({ err: (error as Error).message }, 'upstream session could not be closed');
    }
  }
}
