/** Where the answers to a client's POST go, whichever door it came through. */
import type { Drain } from '../protocol/call.ts';
import type { Pieces } from '../protocol/json/pieces.ts';
import type { Pressure } from '../sessions/pressure.ts';
import type { DrainOver } from '../sessions/raw-drain.ts';
import type { SessionStream } from '../sessions/session-stream.ts';

export interface Reply {
  /** Set while the client reads more slowly than messages come. */
  readonly pressure: Pressure;
  /** A log message that belongs to a request of this POST and comes before its answer. */
  log(message: Buffer): void;
  /** Progress of one request; a slow client may get the latest only. */
  progress(token: string, message: Buffer): void;
  /** The answer to one of the requests. */
  respond(message: Pieces): void;
  /**
   * Takes the reply for an answer that is passed on while it comes; `undefined` where that cannot be.
   * @param size bytes of the answer, as far as that is known
   * @param over called once it is at its end
   * @param lost gives what the client is told when it comes back for an answer that did not get to its end
   */
  outlet?(size: number, over: DrainOver, lost: () => Buffer): (() => Drain) | undefined;
  /** One of the requests gets no answer: it was cancelled. */
  drop(): void;
  /** A stream for requests to the client that belong to this POST; `undefined` when nobody reads it any more. */
  stream(): SessionStream | undefined;
  /** Nothing comes for `retry` milliseconds: the client may be sent away for as long. */
  away(retry: number): void;
}
