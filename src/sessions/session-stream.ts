/**
 * One logical server-sent event stream of a legacy session. Connections come and go under it: what is sent while there is
 * none, or is lost with one, is sent again to the connection that resumes it.
 */
import type { ServerResponse } from 'node:http';
import type { Drain } from '../protocol/call.ts';
import { SSE_HEAD, SSE_KEEPALIVE, sseMessage, ssePriming, sseRetry } from '../protocol/sse.ts';
import { hangUp } from './connection.ts';
import type { EventStore, StoredEvent, StreamTraits } from './event-store.ts';
import { type LossCounts, Losses } from './losses.ts';
import { Outbox, type Waiting } from './outbox.ts';
import type { Pressure } from './pressure.ts';
import { type DrainOver, RawDrain, tellsEnds } from './raw-drain.ts';
import { HIGH_WATER, type Kind, MOST_WAITING } from './retention.ts';

export interface StreamOptions {
  readonly id: string;
  readonly store: EventStore;
  readonly traits: StreamTraits;
  /** Whether a connection begins with an event without data that gives it an id to resume from (2025-11-25). */
  readonly priming: boolean;
  /** The time after which the client is asked to come back, milliseconds; told with the priming event. */
  readonly retry: number;
  /** Set while the client reads more slowly than messages come. */
  readonly pressure: Pressure;
  /** The largest answer that is kept in any case, bytes. */
  readonly most: number;
  /** Called when nothing follows any more; again, with `delivered`, when a connection has taken all of it. */
  over(delivered: boolean): void;
  /** Called when messages had to be left out. */
  left(counts: LossCounts): void;
  /** Called when a connection is cut off. @param reason continues "a connection was cut off: " */
  cut(reason: string): void;
}

export class SessionStream {
  readonly id: string;
  readonly #options: StreamOptions;
  readonly #losses: Losses;
  readonly #outbox: Outbox<StoredEvent>;
  #connection: ServerResponse | undefined;
  #ended = false;
  /** Whether an answer is written to the connection while it comes: nothing else is until then. */
  #passing = false;

  constructor(options: StreamOptions) {
    this.id = options.id;
    this.#options = options;
    this.#losses = new Losses(options.left);
    this.#outbox = new Outbox((kind) => this.#losses.add(kind));
    options.store.open(options.id, options.traits);
  }

  /** Whether a client is connected now. */
  get attached(): boolean {
    return this.#connection !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether anything waits for the client to read. */
  get behind(): boolean {
    return !this.#outbox.empty;
  }

  /**
   * Gives the stream a connection, in place of the one it may have.
   * @param replay the events to send first; without them, those that no connection has taken yet
   */
  attach(raw: ServerResponse, replay?: readonly StoredEvent[]): void {
    if (raw.destroyed) return;
    const older = this.#connection;
    this.#connection = raw;
    if (older && this.#passing) older.destroy();
    else if (older) hangUp(older);
    raw.once('close', () => this.#detach(raw));
    raw.on('drain', () => {
      if (!this.#passing) this.#pump();
    });
    if (!raw.headersSent) raw.writeHead(200, SSE_HEAD);
    // what waits and has a place in the stream is among the stored events; what has none comes after them
    const later = this.#outbox.clear().filter(({ stored }) => !stored);
    const events = (replay ?? this.#options.store.waiting(this.id)).filter(({ message }) => message.length > 0);
    if (events.length + later.length > 0) {
      // they are the sign of life
    } else if (this.#options.priming && !this.#ended) this.#prime(raw);
    else raw.write(SSE_KEEPALIVE);
    for (const stored of events) {
      const { message, kind } = stored;
      this.#outbox.add({ message, kind, token: undefined, stored });
    }
    for (const item of later) this.#outbox.add(item);
    this.#pump();
  }

  /**
   * @param kind decides what becomes of it when the client does not keep up
   * @param token of progress: a later report with the same one may take its place
   */
  send(message: Buffer, kind: Kind = 'notice', token?: string): void {
    if (this.#ended) return;
    const raw = this.#passing ? undefined : this.#open();
    if (!raw) return void this.#options.store.append(this.id, message, kind, false);
    const item = { message, kind, token, stored: undefined };
    if (this.#outbox.empty && raw.writableLength <= HIGH_WATER) this.#write(raw, item);
    else this.#wait(raw, item);
    this.#measure();
  }

  /** Nothing follows any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#connection) this.#options.over(false);
    else if (this.#outbox.empty) this.#connection.end();
  }

  /**
   * Takes the connection for the last answer of the stream, which is written while it comes and cannot be kept, since it is
   * larger than all that is kept of a session.
   * @param lost gives what is sent to a client that comes back for it
   */
  outlet(size: number, over: DrainOver, lost: () => Buffer): (() => Drain) | undefined {
    const raw = this.#open();
    if (!raw || this.#ended || size <= this.#options.most || !this.#outbox.empty || !tellsEnds(raw)) return undefined;
    return () => {
      this.#passing = true;
      this.#options.pressure.set(false);
      raw.once('close', () => {
        if (!this.#passing) return;
        this.#passing = false;
        if (raw.writableFinished) {
          this.#ended = true;
          return this.#options.over(true);
        }
        this.send(lost(), 'answer');
        this.end();
      });
      return new RawDrain(raw, true, over);
    };
  }

  /** Closes the connection, not the stream: the client is to come back after `retry` milliseconds (2025-11-25, polling). */
  release(retry: number): void {
    if (this.#options.priming) this.pause(retry);
  }

  /** The same whether or not the client knows what to make of it: it misses nothing that is kept if it comes back. */
  pause(retry: number): void {
    const connection = this.#open();
    if (!connection || this.#ended) return;
    if (this.#passing) return void connection.destroy();
    this.#leave();
    hangUp(connection, sseRetry(retry));
  }

  /** Ends connection and stream at once. */
  destroy(): void {
    this.#ended = true;
    this.#passing = false;
    this.#outbox.clear();
    this.#losses.over();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#options.pressure.set(false);
    if (connection) hangUp(connection);
  }

  /** A message that was kept for this stream had to go. */
  lost(kind: Kind): void {
    this.#losses.add(kind);
  }

  beat(): void {
    const raw = this.#open();
    // to one that reads nothing, every further sign of life would only be more to keep
    if (raw && !this.#passing && raw.writableLength <= HIGH_WATER) raw.write(SSE_KEEPALIVE);
  }

  /** The connection, as long as something can be written to it. */
  #open(): ServerResponse | undefined {
    if (this.#connection?.destroyed) this.#leave();
    return this.#connection;
  }

  #prime(raw: ServerResponse): void {
    const { store, retry } = this.#options;
    // a priming event is no message: nobody misses it
    raw.write(ssePriming(store.append(this.id, EMPTY, 'progress', true).id, retry));
  }

  #write(raw: ServerResponse, { message, kind, stored }: Waiting<StoredEvent>): void {
    const { store } = this.#options;
    if (stored) store.take(stored);
    const { id } = stored ?? store.append(this.id, message, kind, true);
    raw.write(sseMessage(message, id));
  }

  #wait(raw: ServerResponse, item: Waiting<StoredEvent>): void {
    if (!this.#outbox.overfull) return this.#outbox.add(item);
    this.#options.cut(`its client does not read, and more than ${MOST_WAITING} bytes of answers wait for it`);
    raw.destroy();
    this.#leave();
    this.#options.store.append(this.id, item.message, item.kind, false);
  }

  /** Writes as much as the client takes. */
  #pump(): void {
    const raw = this.#open();
    if (!raw) return;
    while (raw.writableLength <= HIGH_WATER) {
      const next = this.#outbox.shift();
      if (!next) break;
      this.#write(raw, next);
    }
    this.#measure();
    if (this.#ended && this.#outbox.empty && !raw.writableEnded) raw.end();
  }

  #measure(): void {
    const full = !this.#outbox.empty || (this.#connection?.writableLength ?? 0) > HIGH_WATER;
    if (!full && this.attached) this.#losses.over();
    this.#options.pressure.set(full);
  }

  /** The connection takes nothing any more: what waited for it is kept for the next one. */
  #leave(): void {
    this.#connection = undefined;
    const { store, pressure } = this.#options;
    for (const { message, kind, stored } of this.#outbox.clear())
      if (!stored) store.append(this.id, message, kind, false);
    // nobody to be slow any more: what upstreams were told to hold back is recorded instead
    pressure.set(false);
  }

  #detach(raw: ServerResponse): void {
    if (this.#connection !== raw) return;
    const whole = raw.writableFinished && this.#outbox.empty;
    this.#leave();
    if (this.#ended) this.#options.over(whole);
  }
}

const EMPTY = Buffer.alloc(0);
