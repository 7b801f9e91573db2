/** One POST to an upstream and its answer: a JSON body or a server-sent event stream. */
import type { Dispatcher } from 'undici';
import { Fault } from '../errors.ts';
import { LARGE_MESSAGE } from '../protocol/answer-flow.ts';
import { readMessage } from '../protocol/message.ts';
import { canResumeFrom, isMessage, type SseEvent, SseParser } from '../protocol/sse.ts';
import type { Logger } from '../telemetry/log.ts';
import { connectionError } from './connection-errors.ts';
import { isModernRefusal } from './discover.ts';
import { errorFor, remark } from './http-refusal.ts';
import { Redactor } from './redact.ts';
import { type AnswerLimit, type MessageTaker, tooLarge, WireFault } from './wire.ts';

export interface ExchangeOptions {
  readonly upstream: string;
  /** The id of the request that is posted; `undefined` for notifications and responses. */
  readonly of: number | undefined;
  readonly maxBytes: number;
  /** A limit of this request's own, beside that one. */
  readonly limit: AnswerLimit | undefined;
  /** Whether the request names a session, so that 404 means that the session is gone. */
  readonly inSession: boolean;
  /** Whether the server has shaken hands as one of the legacy era, so that an error of the modern era is not its own. */
  readonly greeted: boolean;
  readonly log: Logger;
  /** Called with the session id header of a successful answer. */
  head(session: string | undefined): void;
  message(bytes: Buffer): void;
  /** A large message has begun to come: who takes it from its first bytes on, if anybody does. */
  begun(chunks: readonly Buffer[], size: number): MessageTaker | undefined;
  /** The answer is over; with a fault when it was no proper one. Called once, unless abandoned. */
  ended(fault: WireFault | undefined): void;
}

type Mode = 'json' | 'sse' | 'error' | 'none';

const GONE = new WireFault('its session is gone', { unsent: true, gone: true });
const REPLACED = new WireFault('a server of the modern era is there now', { unsent: true, gone: true });
const LONGEST_ERROR = 16 * 1024;
const LONGEST_LOGGED = 500;
/** The secrets of the upstream are masked already; what looks like one may be that of somebody else. */
const REDACTOR = new Redactor();
const SESSION = /\bsession/i;
/** How long an answered stream may stay open, milliseconds. */
const GRACE = 5_000;
/** Failures before the request went out, so that the upstream cannot have seen it. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  #controller: Dispatcher.DispatchController | undefined;
  #mode: Mode = 'none';
  #status = 0;
  #chunks: Buffer[] = [];
  #size = 0;
  #parser: SseParser | undefined;
  /** Who takes the message that is coming now. */
  #taker: MessageTaker | undefined;
  /** How large a message is that is offered next. */
  #offered = LARGE_MESSAGE;
  /** How long the answer is, where it says that. */
  #length = 0;
  #lastEventId: string | undefined;
  #retry: number | undefined;
  #over = false;
  #settled = false;
  /** Runs out when an answered stream has been open for too long. */
  #grace: NodeJS.Timeout | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Sends the request. A pool that is being closed throws, which is a failure of the request like any other. */
  begin(pool: Dispatcher, request: Dispatcher.DispatchOptions): void {
    try {
      pool.dispatch(request, this);
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** Where the stream can be resumed, once the upstream has given an event an id. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /** How long the upstream wants to be left alone before, milliseconds. */
  get retry(): number | undefined {
    return this.#retry;
  }

  /** This exchange resumes an earlier one, which had come this far. */
  continue(lastEventId: string, retry: number | undefined): void {
    this.#lastEventId = lastEventId;
    this.#retry = retry;
  }

  /** Stops or goes on reading; the upstream feels it by its own socket. */
  hold(still: boolean): void {
    if (still) this.#controller?.pause();
    else this.#controller?.resume();
  }

  /**
   * The request is answered or given up. A well-behaved server ends its stream now, which keeps the connection for the
   * next request; one that does not is cut off after a grace time.
   */
  settle(): void {
    this.#settled = true;
    if (this.#mode !== 'json' && !this.#over) this.#grace = setTimeout(() => this.abandon(), GRACE).unref();
  }

  /** Drops the exchange: nothing more is reported, its connection is freed. */
  abandon(): void {
    this.#over = true;
    clearTimeout(this.#grace);
    this.#controller?.abort(new Error('abandoned'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('abandoned'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    // a word in between (RFC 9110 §15.2): the answer follows
    if (status < 200) return;
    this.#status = status;
    if (status >= 300) {
      this.#mode = 'error';
      return;
    }
    const session = headers['mcp-session-id'];
    this.#options.head(typeof session === 'string' ? session : undefined);
    if (this.#options.of === undefined) return;
    const type = String(headers['content-type'] ?? '').toLowerCase();
    if (type.startsWith('application/json')) {
      this.#mode = 'json';
      this.#length = Number(headers['content-length'] ?? 0);
    } else if (type.startsWith('text/event-stream')) {
      this.#mode = 'sse';
      this.#parser = new SseParser(
        (event) => this.#event(event),
        this.#most,
        (chunks, size) => this.#begun(chunks, size),
      );
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    switch (this.#mode) {
      case 'sse':
        try {
          this.#parser!.push(chunk);
        } catch (error) {
          controller.abort(error instanceof RangeError ? this.#tooLarge() : (error as Error));
        }
        return;
      case 'json':
        this.#size += chunk.length;
        if (this.#size > this.#most) controller.abort(this.#tooLarge());
        else if (this.#taker) this.#taker.push(chunk);
        else this.#gather(chunk);
        return;
      case 'error':
        this.#size += chunk.length;
        if (this.#size <= LONGEST_ERROR) this.#chunks.push(chunk);
    }
  }

  onResponseEnd(): void {
    if (this.#over) return;
    switch (this.#mode) {
      case 'json': {
        if (this.#taker) {
          this.#taker.end();
          return this.#end(undefined);
        }
        const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
        this.#options.message(body);
        return this.#end(
          this.#settled ? undefined : new WireFault('its reply is no JSON-RPC answer', { malformed: true }),
        );
      }
      case 'sse':
        return this.#end(this.#settled ? undefined : new WireFault('its stream ended without an answer'));
      case 'error':
        return this.#refused();
      case 'none':
        return this.#end(
          this.#options.of === undefined
            ? undefined
            : new WireFault(`it answered HTTP ${this.#status} without a message`),
        );
    }
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.failed(error);
  }

  /** The connection broke, or there never was one. */
  failed(error: NodeJS.ErrnoException): void {
    if (this.#over) return;
    if (error instanceof WireFault) return this.#end(error);
    const { code = '' } = error;
    // nobody is there any more: a new link finds out where the upstream is now
    const unsent = NOT_SENT.has(code);
    this.#end(
      new WireFault(connectionError(error, this.#options.log), {
        unsent,
        gone: unsent && this.#options.inSession,
        cause: error,
      }),
    );
  }

  /** Bytes of a message. */
  get #most(): number {
    const { maxBytes, limit } = this.#options;
    return limit ? Math.min(limit.bytes, maxBytes) : maxBytes;
  }

  #tooLarge(): WireFault {
    const { maxBytes, limit } = this.#options;
    if (!limit || limit.bytes >= maxBytes) return tooLarge(maxBytes);
    return new WireFault(limit.fault.message, { malformed: true, fault: limit.fault });
  }

  #gather(chunk: Buffer): void {
    this.#chunks.push(chunk);
    if (this.#size <= this.#offered) return;
    this.#offered = 1.5 * this.#size;
    this.#taker = this.#begun(this.#chunks, Math.max(this.#size, this.#length));
    if (this.#taker) this.#chunks = [];
  }

  #begun(chunks: readonly Buffer[], size: number): MessageTaker | undefined {
    // what a broken stream can be asked for again has to be whole when it is passed on
    return this.#over || this.#settled || this.#lastEventId !== undefined
      ? undefined
      : this.#options.begun(chunks, size);
  }

  #event(event: SseEvent): void {
    if (this.#over) return;
    if (event.retry !== undefined) this.#retry = event.retry;
    if (canResumeFrom(event.id)) this.#lastEventId = event.id;
    if (isMessage(event)) this.#options.message(event.data);
  }

  #end(fault: WireFault | undefined): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#grace);
    this.#options.ended(this.#settled && !fault?.gone ? undefined : fault);
  }

  #refused(): void {
    const { of, inSession, greeted, upstream, log } = this.#options;
    if (this.#status === 404 && inSession) return this.#end(GONE);
    const body = Buffer.concat(this.#chunks);
    const answer = of === undefined ? undefined : errorFor(body, of);
    // servers without a memory of this session say 404; some say 400 instead, and then what is wrong with it
    if (of !== undefined && this.#status === 400 && inSession && !answer?.own && SESSION.test(body.toString('utf8')))
      return this.#end(GONE);
    // refused before it was looked at: whoever is asked anew what it is can be sent it again
    if (greeted && this.#status === 400 && answer && isModernRefusal(readMessage(answer.message)))
      return this.#end(REPLACED);
    if (answer) this.#options.message(answer.message);
    log.debug({ status: this.#status, body: REDACTOR.line(body, LONGEST_LOGGED) }, 'upstream refused a request');
    const detail = remark(this.#status);
    const fault = new Fault('upstreamStatus', { upstream, status: this.#status, method: 'the request', detail });
    this.#end(new WireFault(`it answered HTTP ${this.#status}`, { fault }));
  }
}
