/** A legacy client's session: what was negotiated, what is in flight, its streams, and what its client was asked. */
import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ClientFacts, Principal } from '../protocol/call.ts';
import { compose } from '../protocol/message.ts';
import type { LegacyVersion } from '../protocol/versions.ts';
import { AskTable } from './asks.ts';
import { cutWhenStuck } from './connection.ts';
import type { EventLimits, EventStore, StreamTraits } from './event-store.ts';
import { InFlight } from './in-flight.ts';
import type { LogLevel } from './log-level.ts';
import type { LossCounts } from './losses.ts';
import { MemoryEventStore } from './memory-event-store.ts';
import { owned } from './owner.ts';
import { Pressure } from './pressure.ts';
import { MOST_HELD } from './retention.ts';
import { SessionStream } from './session-stream.ts';

export interface StreamSettings {
  /** The number of this worker, which session ids name; `undefined` where there is one process alone. */
  readonly worker: number | undefined;
  readonly events: EventLimits;
  /** The time after which clients of closed streams are asked to come back, milliseconds. */
  readonly retry: number;
  /** How long a connection may take nothing of what there is for it, milliseconds; then it is cut off. */
  readonly patience: number;
  /** Called when a client does not get what it should, for the log. */
  warn(details: object, text: string): void;
}

/** How long a stream whose end was sent can still be resumed, milliseconds. */
const GRACE = 30_000;
const STANDALONE = '0';

export class LegacySession {
  readonly id: string;
  /** Whose it is, with the newest credentials that were used in it. */
  principal: Principal;
  readonly version: LegacyVersion;
  readonly client: ClientFacts;
  /** Whether streams can be closed by the server and be resumed: the client understands priming events. */
  readonly polls: boolean;
  readonly createdAt = Date.now();
  readonly inFlight = new InFlight();
  readonly asks = new AskTable(() => this.standalone);
  /** Whether the client of the standalone stream is slow. */
  readonly pressure = new Pressure();
  /** What belongs to no live request of the client's. */
  readonly standalone: SessionStream;
  /** What the client asked for by `logging/setLevel`. */
  logLevel: LogLevel | undefined;
  usedAt = this.createdAt;
  /** Whether the answer to `initialize` is still being made, which is no time without use. */
  opening = true;
  readonly #settings: StreamSettings;
  readonly #store: EventStore;
  readonly #streams = new Map<string, SessionStream>();
  /** By stream: when it goes. */
  readonly #retiring = new Map<string, NodeJS.Timeout>();
  #lastStream = 0;
  #initialized = false;
  #waiting: (() => void)[] = [];

  constructor(
    principal: Principal,
    client: ClientFacts,
    version: LegacyVersion,
    resumable: boolean,
    settings: StreamSettings,
  ) {
    this.id = owned(randomUUID(), settings.worker);
    this.polls = resumable && version === '2025-11-25';
    this.principal = principal;
    this.client = client;
    this.version = version;
    this.#settings = settings;
    // event ids are seen by whoever sees the stream; the session id is not to be read from them
    const tag = createHash('sha256').update(this.id).digest('base64url').slice(0, 8);
    this.#store = new MemoryEventStore(tag, settings.events, (stream, kind) => this.#streams.get(stream)?.lost(kind));
    this.standalone = this.#stream(STANDALONE, { final: false, hold: MOST_HELD }, this.pressure);
  }

  /** A stream for the reply to one POST. @param pressure set while its client is slow */
  openStream(pressure: Pressure): SessionStream {
    return this.#stream(String(++this.#lastStream), { final: true }, pressure);
  }

  /** Cuts a connection of this session's client off when it stops reading. */
  watch(raw: ServerResponse): void {
    const { patience } = this.#settings;
    cutWhenStuck(raw, patience, () => this.#cut(`its client has read nothing for ${patience} ms`));
  }

  /**
   * Lets a new connection go on where an event id says.
   * @returns the stream that goes on there; `over` when nothing followed and nothing will; `undefined` when the id is not
   *   one of this session's, or what followed it is not kept any more
   */
  resume(eventId: string, raw: ServerResponse): SessionStream | 'over' | undefined {
    const found = this.#store.after(eventId);
    const stream = found && this.#streams.get(found.stream);
    if (!found || !stream) return undefined;
    if (stream.ended && found.events.length === 0 && !stream.behind) return 'over';
    if (found.gap)
      this.#warn(
        { stream: stream.id },
        'a client came back so late that messages it may have missed are not kept any more',
      );
    stream.attach(raw, found.events);
    return stream;
  }

  /** A list that the client may have read has changed. */
  listChanged(list: string): void {
    const message = compose(`notifications/${list}/list_changed`);
    this.onceInitialized(() => this.standalone.send(message));
  }

  /** Runs now, or as soon as the client has said `notifications/initialized`. */
  onceInitialized(run: () => void): void {
    if (this.#initialized) run();
    else this.#waiting.push(run);
  }

  /** The client said `notifications/initialized`: from now on it may be sent requests. */
  markInitialized(): void {
    this.#initialized = true;
    for (const run of this.#waiting.splice(0)) run();
  }

  get initialized(): boolean {
    return this.#initialized;
  }

  /** Whether a client is connected or something is in progress. */
  get busy(): boolean {
    return this.opening || this.standalone.attached || this.inFlight.size > 0;
  }

  /** Streams that have a connection now. */
  attached(): SessionStream[] {
    return [...this.#streams.values()].filter((s) => s.attached);
  }

  /** Asks a client that can resume its streams to come back, instead of just hanging up. */
  sendAway(): void {
    for (const stream of this.#streams.values()) stream.release(this.#settings.retry);
  }

  close(reason: string): void {
    this.asks.close(reason);
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
    for (const timer of this.#retiring.values()) clearTimeout(timer);
    this.#retiring.clear();
  }

  #stream(id: string, traits: StreamTraits, pressure: Pressure): SessionStream {
    const stream = new SessionStream({
      id,
      store: this.#store,
      traits,
      priming: this.polls,
      retry: this.#settings.retry,
      pressure,
      most: this.#settings.events.maxBytes,
      over: (delivered) => this.#retire(id, delivered),
      left: (counts) => this.#left(id, counts),
      cut: (reason) => this.#cut(reason),
    });
    this.#streams.set(id, stream);
    return stream;
  }

  /** A finished stream goes after a while, in which a client that lost the end of it may still come back. */
  #retire(id: string, delivered: boolean): void {
    if (delivered) this.#store.delivered(id);
    clearTimeout(this.#retiring.get(id));
    const wait = delivered ? GRACE : this.#settings.events.maxAge;
    const timer = setTimeout(() => {
      // somebody is reading it: it goes another time
      if (this.#streams.get(id)?.attached) return this.#retire(id, delivered);
      this.#retiring.delete(id);
      this.#streams.delete(id);
      this.#store.drop(id);
    }, wait).unref();
    this.#retiring.set(id, timer);
  }

  #left(id: string, counts: LossCounts): void {
    const stream = id === STANDALONE ? 'GET' : `POST ${id}`;
    const text =
      'messages to a client were left out, since it reads too slowly or not at all; sessions.events has limits of what is kept';
    this.#warn({ stream, ...counts }, text);
  }

  #cut(reason: string): void {
    this.#warn({ reason }, 'a connection was cut off');
  }

  #warn(details: object, text: string): void {
    this.#settings.warn({ client: this.client.info?.name, ...details }, text);
  }
}
