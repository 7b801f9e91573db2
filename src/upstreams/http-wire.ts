/** The Streamable HTTP transport as a client of a legacy upstream. */
import { InProgress } from '../protocol/in-progress.ts';
import type { Pieces } from '../protocol/json/pieces.ts';
import type { Logger } from '../telemetry/log.ts';
import type { HttpEndpoint } from './http-endpoint.ts';
import { HttpExchange } from './http-exchange.ts';
import { HttpListen } from './http-listen.ts';
import { postOf } from './http-post.ts';
import { type AnswerLimit, type Wire, WireFault, type WireListener } from './wire.ts';

/** How long the farewell DELETE may take, milliseconds. */
const FAREWELL = 1_000;
/** Wait before a broken stream is resumed when the upstream named no time, and the limits of what it may name, milliseconds. */
const RETRY = 1_000;
const LONGEST_RETRY = 60_000;
const LEAST_RETRY = 100;
/** How often in a row a stream is resumed without an event coming in between. */
const RESUMES = 5;

export class HttpWire implements Wire {
  readonly separate = true;
  readonly #endpoint: HttpEndpoint;
  readonly #log: Logger;
  readonly #path: string;
  readonly #exchanges = new InProgress<HttpExchange>();
  /** Of the answers that are on their way. */
  readonly #limits = new Map<number, AnswerLimit>();
  readonly #resumes = new Map<number, NodeJS.Timeout>();
  #headers: Record<string, string>;
  #listener: WireListener | undefined;
  #listen: HttpListen | undefined;
  #session: string | undefined;
  #lost = false;
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
    const sent = headers ? { ...this.#headers, ...headers } : this.#headers;
    if (of !== undefined && limit) this.#limits.set(of, limit);
    this.#post(message, of, sent, of === undefined);
  }

  /** @param again whether to post once more when the connection breaks: two of an answer or notification do no harm */
  #post(message: Buffer | Pieces, of: number | undefined, sent: Record<string, string>, again: boolean): void {
    const exchange = this.#exchange(of, 0, again ? () => this.#post(message, of, sent, false) : undefined);
    exchange.begin(this.#endpoint.pool, postOf(this.#path, sent, message));
  }

  ready(version: string): void {
    this.#headers = { ...this.#headers, 'mcp-protocol-version': version };
    this.#listen = new HttpListen({
      endpoint: this.#endpoint,
      headers: this.#bodyless(),
      log: this.#log,
      message: (bytes) => this.#listener?.message(bytes, undefined),
      missed: () => this.#listener?.missed(),
      // without a session there is none to be gone: 404 says only that there is no such stream
      gone: () => this.#session !== undefined && this.#gone('its session is gone'),
    });
  }

  hold(of: number, still: boolean): void {
    this.#exchanges.get(of)?.hold(still);
  }

  forget(of: number): void {
    this.#limits.delete(of);
    this.#exchanges.get(of)?.settle();
    clearTimeout(this.#resumes.get(of));
    this.#resumes.delete(of);
  }

  abort(of: number): void {
    this.forget(of);
    this.#exchanges.get(of)?.abandon();
  }

  async close(): Promise<void> {
    if (!this.#closed && !this.#lost && this.#session !== undefined) await this.#farewell();
    this.#end(undefined);
  }

  #exchange(of: number | undefined, resumes: number, repeat?: () => void): HttpExchange {
    let tries = resumes;
    const exchange: HttpExchange = new HttpExchange({
      upstream: this.#endpoint.upstream,
      of,
      maxBytes: this.#endpoint.maxMessageSize,
      limit: of === undefined ? undefined : this.#limits.get(of),
      inSession: this.#session !== undefined,
      greeted: this.#listen !== undefined,
      log: this.#log,
      head: (session) => this.#adopt(session),
      message: (bytes) => {
        tries = 0;
        this.#listener?.message(bytes, of);
      },
      begun: (chunks, size) => (of === undefined ? undefined : this.#listener?.begun?.(chunks, of, size)),
      ended: (fault) => {
        if (fault?.cause && repeat && !this.#closed) repeat();
        else this.#ended(exchange, of, tries, fault);
      },
    });
    if (of !== undefined) this.#exchanges.set(of, exchange);
    return exchange;
  }

  /** Takes over the session id that the answer to `initialize` carried. */
  #adopt(session: string | undefined): void {
    if (session === undefined || this.#session !== undefined) return;
    this.#session = session;
    this.#headers = { ...this.#headers, 'mcp-session-id': session };
  }

  #ended(exchange: HttpExchange, of: number | undefined, resumes: number, fault: WireFault | undefined): void {
    if (of !== undefined && this.#exchanges.get(of) === exchange) this.#exchanges.delete(of);
    // told first, so that a request that is sent again finds a new session
    if (fault?.gone) this.#gone(fault.message);
    if (fault && of !== undefined && !this.#resume(exchange, of, resumes, fault)) {
      this.#limits.delete(of);
      this.#listener?.failed(of, exchange.lastEventId === undefined ? fault : taken(fault));
    } else if (fault && of === undefined)
      this.#log.warn({ err: fault.message }, 'upstream did not take a notification');
  }

  /** Only the request that was refused was not processed; each of the others is refused as well, or answered, in its time. */
  #gone(reason: string): void {
    if (this.#lost || this.#closed) return;
    this.#lost = true;
    this.#listen?.stop();
    this.#listener?.gone(new WireFault(reason, { gone: true }));
  }

  /**
   * Goes on with a stream that ended before the answer: after the time the upstream named, with the last event id it gave
   * (2025-11-25, transports, resumability). @returns whether that will be tried
   */
  #resume(exchange: HttpExchange, of: number, resumes: number, fault: WireFault): boolean {
    const { lastEventId, retry } = exchange;
    if (lastEventId === undefined || fault.gone || this.#closed || resumes >= RESUMES) return false;
    // what was too large once is too large again
    if (fault.malformed) return false;
    const wait = Math.min(Math.max(retry ?? RETRY, LEAST_RETRY), LONGEST_RETRY);
    this.#listener?.away(of, wait);
    const timer = setTimeout(() => {
      this.#resumes.delete(of);
      const headers = { ...this.#bodyless(), accept: 'text/event-stream', 'last-event-id': lastEventId };
      const next = this.#exchange(of, resumes + 1);
      next.continue(lastEventId, retry);
      next.begin(this.#endpoint.pool, { method: 'GET', path: this.#path, headers });
    }, wait);
    this.#resumes.set(of, timer);
    return true;
  }

  #end(fault: WireFault | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listen?.stop();
    for (const timer of this.#resumes.values()) clearTimeout(timer);
    this.#resumes.clear();
    for (const exchange of this.#exchanges.values()) exchange.abandon();
    this.#exchanges.clear();
    this.#listener?.closed(fault);
  }

  #bodyless(): Record<string, string> {
    const { 'content-type': _, ...headers } = this.#headers;
    return headers;
  }

  /** Ends the session upstream; a server that does not allow it (405) or is gone is fine. */
  async #farewell(): Promise<void> {
    try {
      const { body } = await this.#endpoint.pool.request({
        method: 'DELETE',
        path: this.#path,
        headers: this.#bodyless(),
        signal: AbortSignal.timeout(FAREWELL),
      });
      await body.dump();
    } catch (error) {
      this.#log.debug({ err: (error as Error).message }, 'upstream session could not be closed');
    }
  }
}

/** The failure of a request that the upstream had taken, since it had given its stream an event id: it was sent for sure. */
const taken = ({ message, gone, malformed, fault, cause }: WireFault): WireFault =>
  new WireFault(message, { gone, malformed, cause, ...(malformed && fault && { fault }) });
