/**
 * One logical server-sent event stream of a legacy session. Connections come and go under it: what is sent while there is
 * none, or is lost with one, is sent again to the connection that resumes it.
 */
import type { ServerResponse } from 'node:http';
import { SSE_HEAD, SSE_KEEPALIVE, sseMessage, ssePriming, sseRetry } from '../protocol/sse.ts';
import type { EventStore, StoredEvent } from './event-store.ts';

export interface StreamOptions {
  readonly id: string;
  readonly store: EventStore;
  /** Whether a connection begins with an event without data that gives it an id to resume from (2025-11-25). */
  readonly priming: boolean;
  /** The time after which the client is asked to come back, milliseconds; told with the priming event. */
  readonly retry: number;
  /** How many messages are kept for a connection that opens without an event id; the oldest go first. */
  readonly hold: number;
  /** Called when nothing follows any more; again, with `delivered`, when a connection has taken all of it. */
  over(delivered: boolean): void;
  /** Called when a connection that was full has room again. */
  drained?(): void;
}

/** Bytes waiting in a connection beyond which its client counts as slow. */
const HIGH_WATER = 256 * 1024;
/** Bytes waiting in a connection beyond which it is cut off. */
const MOST_WAITING = 16 * 1024 * 1024;

export class SessionStream {
  readonly id: string;
  readonly #options: StreamOptions;
  #connection: ServerResponse | undefined;
  /** Sent while there was no connection, for a client that opens a new one without an event id. */
  #undelivered: StoredEvent[] = [];
  #ended = false;
  /** A progress notification that waits for a slow client; a later one of the same token takes its place. */
  #coalesced = new Map<string, Buffer>();

  constructor(options: StreamOptions) {
    this.id = options.id;
    this.#options = options;
  }

  /** Whether a client is reading now. */
  get attached(): boolean {
    return this.#connection !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the client reads more slowly than messages come. */
  get congested(): boolean {
    return (this.#connection?.writableLength ?? 0) > HIGH_WATER;
  }

  /**
   * Gives the stream a connection, in place of the one it may have.
   * @param replay the events to send first; without them, those that no connection has taken yet
   */
  attach(raw: ServerResponse, replay?: readonly StoredEvent[]): void {
    const older = this.#connection;
    this.#connection = raw;
    older?.end();
    raw.once('close', () => this.#detach(raw));
    raw.on('drain', () => this.#relieve());
    if (!raw.headersSent) raw.writeHead(200, SSE_HEAD);
    const events = replay ?? this.#undelivered;
    this.#undelivered = [];
    if (this.#options.priming && events.length === 0 && !this.#ended) this.#prime(raw);
    else if (events.length === 0) raw.write(SSE_KEEPALIVE);
    for (const { id, message } of events) if (message.length > 0) raw.write(sseMessage(message, id));
    if (this.#ended) this.#finish();
  }

  send(message: Buffer): void {
    if (this.#ended) return;
    this.#flushCoalesced();
    this.#write(message);
  }

  /** Sends progress; to a slow client only the latest of each token, in order before anything else. */
  sendProgress(token: string, message: Buffer): void {
    if (!this.congested) return this.send(message);
    this.#coalesced.delete(token);
    this.#coalesced.set(token, message);
  }

  /** Nothing follows any more. */
  end(): void {
    if (this.#ended) return;
    this.#flushCoalesced();
    this.#ended = true;
    if (this.#connection) this.#finish();
    else this.#options.over(false);
  }

  /** Closes the connection, not the stream: the client is to come back after `retry` milliseconds (2025-11-25, polling). */
  release(retry: number): void {
    const connection = this.#connection;
    if (!connection || !this.#options.priming) return;
    this.#connection = undefined;
    connection.end(sseRetry(retry));
  }

  /** Ends connection and stream at once. */
  destroy(): void {
    this.#ended = true;
    this.#coalesced.clear();
    this.#connection?.end();
    this.#connection = undefined;
  }

  beat(): void {
    if (this.#connection && !this.#connection.destroyed) this.#connection.write(SSE_KEEPALIVE);
  }

  #prime(raw: ServerResponse): void {
    raw.write(ssePriming(this.#options.store.append(this.id, EMPTY), this.#options.retry));
  }

  #write(message: Buffer): void {
    const id = this.#options.store.append(this.id, message);
    const connection = this.#connection;
    // a client that cannot keep up comes back with the last event it saw, or learns that it missed some
    if (connection && connection.writableLength > MOST_WAITING) connection.destroy();
    if (connection && !connection.destroyed) connection.write(sseMessage(message, id));
    else this.#keep({ id, message });
  }

  #keep(event: StoredEvent): void {
    this.#undelivered.push(event);
    if (this.#undelivered.length > this.#options.hold) this.#undelivered.shift();
  }

  #flushCoalesced(): void {
    if (this.#coalesced.size === 0) return;
    const waiting = [...this.#coalesced.values()];
    this.#coalesced.clear();
    for (const message of waiting) this.#write(message);
  }

  #relieve(): void {
    if (this.#ended || this.congested) return;
    this.#flushCoalesced();
    this.#options.drained?.();
  }

  #detach(raw: ServerResponse): void {
    if (this.#connection === raw) {
      this.#connection = undefined;
      // nobody to be slow any more: what upstreams were told to hold back is recorded instead
      this.#options.drained?.();
    }
    if (this.#ended) this.#options.over(raw.writableFinished);
  }

  #finish(): void {
    this.#connection?.end();
  }
}

const EMPTY = Buffer.alloc(0);
