/** What a transport does for a link: carries JSON-RPC messages as bytes, one at a time, and says when it is over. */
import type { Fault } from '../errors.ts';
import type { Pieces } from '../protocol/json/pieces.ts';

export interface WireFaultOptions {
  readonly unsent?: boolean;
  readonly fault?: Fault;
  readonly gone?: boolean;
  readonly malformed?: boolean;
  readonly cause?: unknown;
}

/** A failure of the transport, told to people by `message`. */
export class WireFault extends Error {
  /** The peer certainly did not process the request, so that sending it again is safe. */
  readonly unsent: boolean;
  /** The answer to give instead of the general one, when the transport knows better. */
  readonly fault: Fault | undefined;
  /** There was an answer, but not one that JSON-RPC knows. */
  readonly malformed: boolean;
  /** The session is over. */
  readonly gone: boolean;

  constructor(message: string, options: WireFaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WireFault';
    this.unsent = options.unsent ?? false;
    this.fault = options.fault;
    this.gone = options.gone ?? false;
    this.malformed = options.malformed ?? false;
  }
}

/** An answer that is larger than the config allows. */
export const tooLarge = (limit: number): WireFault =>
  new WireFault(`its answer is larger than maxMessageSize (${limit} bytes)`, { malformed: true });

/** What is to be told of a stream that ended without an answer, after something came that was none. */
export const orMalformed = (fault: WireFault, detail: string): WireFault =>
  isSilence(fault) && fault.cause === undefined ? new WireFault(detail, { malformed: true }) : fault;

/** How large the answer to one request may be, and what is told of one that is larger. */
export interface AnswerLimit {
  /** Bytes of a message. */
  readonly bytes: number;
  readonly fault: Fault;
}

/** What somebody between here and an upstream answers when the upstream does not (RFC 9110 §15.6). */
const NOBODY_THERE = new Set([502, 503, 504]);

/** Whether a failure says that the upstream is not doing well, rather than that it did not like the request. */
export function isSilence({ fault, malformed, gone }: WireFault): boolean {
  if (fault) return fault.fault === 'upstreamStatus' && NOBODY_THERE.has(Number(fault.details.status));
  return !malformed && !gone;
}

/** Takes a message while it comes. */
export interface MessageTaker {
  push(chunk: Buffer): void;
  /** The message is over. */
  end(): void;
}

export interface WireListener {
  /**
   * One message or batch as it came.
   * @param of the id of the request whose own response stream carried it; `undefined` on shared streams
   */
  message(bytes: Buffer, of: number | undefined): void;
  /**
   * A large message has begun to come on the response stream of a request.
   * @param chunks its first bytes
   * @param size how many it has, as far as that is known; what is not taken is offered again when it has grown
   * @returns who takes it from there; without that it comes as `message`, once it is whole
   */
  begun?(chunks: readonly Buffer[], of: number, size: number): MessageTaker | undefined;
  /** The request with this id will get no answer. */
  failed(of: number, fault: WireFault): void;
  /** The upstream closed the stream of this request and is asked again after `retry` milliseconds. */
  away(of: number, retry: number): void;
  /** Notifications may have been missed on a shared stream. */
  missed(): void;
  /** The session is over: nothing new can be sent in it, but what is in flight may still end by itself. Called once at most. */
  gone(fault: WireFault): void;
  /** The transport is gone; nothing follows. Called once. */
  closed(fault: WireFault | undefined): void;
}

export interface Wire {
  /** Whether what belongs to a request comes on a stream of its own; else everything shares one. */
  readonly separate: boolean;
  /** Begins; resolves when messages can be sent. @throws WireFault */
  start(listener: WireListener): Promise<void>;
  /**
   * Sends one message.
   * @param of the id when it is a request
   * @param headers further HTTP headers, where there are headers
   * @param limit of the answer, kept where it comes on a stream of its own: the rest of what is larger is not taken
   */
  send(message: Buffer | Pieces, of?: number, headers?: Readonly<Record<string, string>>, limit?: AnswerLimit): void;
  /** Tells the transport the negotiated version once the handshake is over; shared streams may open now. */
  ready(version: string): void;
  /** The request is answered or given up: what it still holds can go. */
  forget(of: number): void;
  /** Nobody wants the answer: closes the response stream of a request at once, where it has one of its own. */
  abort(of: number): void;
  /** Stops or goes on reading the response stream of a request, where it has one of its own. */
  hold(of: number, still: boolean): void;
  /** Ends politely, then by force. Resolves when nothing is left. */
  close(): Promise<void>;
}
