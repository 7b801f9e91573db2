/**
 * The events of one session's streams that are in no connection's hands: those that wait for one, and those that one has
 * taken, so that a client that lost its connection can go on where it was (2025-11-25, transports, resumability).
 */
import type { Kind } from './retention.ts';

export interface StoredEvent {
  readonly id: string;
  /** One JSON-RPC message; empty for a priming event. */
  readonly message: Buffer;
  readonly kind: Kind;
}

/** What sets one stream apart. */
export interface StreamTraits {
  /** Whether it ends with answers, which are then kept until they have been delivered. */
  readonly final: boolean;
  /** The most messages that wait on it for a connection; without it, the limits of the session alone hold. */
  readonly hold?: number;
}

/** What is kept of a stream after some event. */
export interface Rest {
  readonly stream: string;
  readonly events: readonly StoredEvent[];
  /** Whether messages that a connection had taken, but perhaps not delivered, are not kept any more. */
  readonly gap: boolean;
}

export interface EventStore {
  /** Begins a stream. */
  open(stream: string, traits: StreamTraits): void;
  /**
   * Keeps an event at the end of a stream.
   * @param taken whether a connection takes it now
   */
  append(stream: string, message: Buffer, kind: Kind, taken: boolean): StoredEvent;
  /** A connection takes an event that waited for one. */
  take(event: StoredEvent): void;
  /** The events of a stream that no connection has taken yet. */
  waiting(stream: string): readonly StoredEvent[];
  /**
   * What followed an event on its stream.
   * @returns `undefined` when the id was never given out here, or an answer that followed it is not kept any more
   */
  after(id: string): Rest | undefined;
  /** The client has got all of a stream, as far as can be known. */
  delivered(stream: string): void;
  /** Forgets a stream. */
  drop(stream: string): void;
}

export interface EventLimits {
  /** The most events kept per session, and the most answers beside them. */
  readonly maxEvents: number;
  /** The most bytes of messages kept per session, and of delivered answers beside them. */
  readonly maxBytes: number;
  /** How long an event is kept, milliseconds. */
  readonly maxAge: number;
}
