/** The HTTP+SSE transport of 2024-11-05 as a client: one event stream in, POSTs out. */
import type { Dispatcher } from 'undici';
import type { Pieces } from '../protocol/json/pieces.ts';
import { isMessage, SseParser } from '../protocol/sse.ts';
import type { Logger } from '../telemetry/log.ts';
import { connectionError } from './connection-errors.ts';
import type { HttpEndpoint } from './http-endpoint.ts';
import { HttpExchange } from './http-exchange.ts';
import { postOf } from './http-post.ts';
import { type Wire, WireFault, type WireListener } from './wire.ts';

export class SseWire implements Wire {
  readonly separate = false;
  readonly #endpoint: HttpEndpoint;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #listener: WireListener | undefined;
  #post: string | undefined;
  #closed = false;

  constructor(endpoint: HttpEndpoint, log: Logger) {
    this.#endpoint = endpoint;
    this.#log = log;
  }

  /** Resolves when the server has named the address to post to. */
  async start(listener: WireListener): Promise<void> {
    this.#listener = listener;
    const { pool, url, headers } = this.#endpoint;
    let response: Dispatcher.ResponseData;
    try {
      response = await pool.request({
        method: 'GET',
        path: url.pathname + url.search,
        headers: { ...headers, accept: 'text/event-stream' },
        signal: this.#abort.signal,
        bodyTimeout: 0,
      });
    } catch (error) {
      throw new WireFault(connectionError(error as Error, this.#log), { unsent: true, cause: error });
    }
    const type = String(response.headers['content-type'] ?? '');
    if (response.statusCode !== 200 || !type.startsWith('text/event-stream')) {
      await response.body.dump();
      throw new WireFault(`it answered HTTP ${response.statusCode} instead of an event stream`, { unsent: true });
    }
    await new Promise<void>((resolve, reject) => {
      void this.#read(response, resolve).then((fault) => {
        reject(fault);
        this.#end(fault);
      });
    });
  }

  send(message: Buffer | Pieces, of?: number): void {
    const exchange = new HttpExchange({
      upstream: this.#endpoint.upstream,
      // the answer comes on the event stream; the reply to the POST says only that it was taken
      of: undefined,
      maxBytes: this.#endpoint.maxMessageSize,
      // the event stream is the session: a POST that is refused says nothing of it
      limit: undefined,
      inSession: false,
      greeted: false,
      log: this.#log,
      head: () => undefined,
      message: () => undefined,
      begun: () => undefined,
      ended: (fault) => {
        if (fault && of !== undefined) this.#listener?.failed(of, fault);
        else if (fault) this.#log.warn({ err: fault.message }, 'upstream did not take a notification');
      },
    });
    const headers = {
      ...this.#endpoint.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    exchange.begin(this.#endpoint.pool, postOf(this.#post!, headers, message));
  }

  ready(): void {
    // the one stream is open already
  }

  hold(): void {
    // one stream for all calls: a slow client must not hold the others up
  }

  forget(): void {
    // no per-request stream
  }

  abort(): void {
    // none either
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#end(undefined);
  }

  async #read(response: Dispatcher.ResponseData, named: () => void): Promise<WireFault> {
    let wrong: WireFault | undefined;
    const parser = new SseParser((event) => {
      if (event.event === 'endpoint') {
        const fault = this.#adopt(event.data.toString('utf8'));
        if (fault) wrong = fault;
        else named();
      } else if (isMessage(event)) this.#listener?.message(event.data, undefined);
    }, this.#endpoint.maxMessageSize);
    try {
      for await (const chunk of response.body) {
        parser.push(chunk as Buffer);
        if (wrong) return wrong;
      }
      return new WireFault('its event stream ended');
    } catch (error) {
      return new WireFault(connectionError(error as Error, this.#log), { cause: error });
    }
  }

  /** Takes the address to post to, which must be on the same origin (2024-11-05, transports). */
  #adopt(text: string): WireFault | undefined {
    if (this.#post !== undefined) return undefined;
    const base = this.#endpoint.url;
    const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
    if (!url || url.origin !== base.origin)
      return new WireFault('it named an endpoint on another origin', { unsent: true });
    this.#post = url.pathname + url.search;
    return undefined;
  }

  #end(fault: WireFault | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener?.closed(fault);
  }
}
