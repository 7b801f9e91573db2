/**
 * The reply to one legacy POST: plain JSON when nothing precedes the answer, a resumable event stream when something does.
 * The head is held until that is known.
 */
import type { ServerResponse } from 'node:http';
import type { Drain } from '../protocol/call.ts';
import { type Pieces, whole } from '../protocol/json/pieces.ts';
import { sendJson } from '../sessions/connection.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { Pressure } from '../sessions/pressure.ts';
import { type DrainOver, RawDrain, tellsEnds } from '../sessions/raw-drain.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Reply } from './reply.ts';

export interface ReplyTiming {
  /** Beats for replies whose head is held. */
  readonly held: Heartbeat;
  /** Beats for open streams. */
  readonly streams: Heartbeat;
  /** Beats for replies to modern clients, held or streaming. */
  readonly modern: Heartbeat;
  /** How long the head is held for a client that can resume, milliseconds. */
  readonly hold: number;
}

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

export class PostReply implements Reply {
  readonly pressure = new Pressure();
  readonly #raw: ServerResponse;
  readonly #session: LegacySession;
  readonly #timing: ReplyTiming;
  readonly #batch: boolean;
  place: number | undefined;
  readonly #since = Date.now();
  #missing: number;
  #answers: Pieces[] = [];
  #stream: SessionStream | undefined;

  /**
   * @param missing how many requests the POST held
   * @param batch whether they came as an array, so that a JSON reply is one too
   */
  constructor(raw: ServerResponse, session: LegacySession, timing: ReplyTiming, missing: number, batch: boolean) {
    this.#raw = raw;
    this.#session = session;
    this.#timing = timing;
    this.#missing = missing;
    this.#batch = batch;
    timing.held.add(this);
  }

  log(message: Buffer): void {
    this.#open()?.send(message, 'log');
  }

  progress(token: string, message: Buffer): void {
    this.#open()?.send(message, 'progress', token);
  }

  respond(message: Pieces): void {
    if (this.#stream) this.#stream.send(whole(message), 'answer');
    else this.#answers.push(message);
    this.#settle();
  }

  outlet(size: number, over: DrainOver, lost: () => Buffer): (() => Drain) | undefined {
    if (this.#missing !== 1) return undefined;
    if (this.#stream) return this.#stream.outlet(size, over, lost);
    if (this.#batch || !tellsEnds(this.#raw)) return undefined;
    return () => {
      this.#timing.held.delete(this);
      this.#session.watch(this.#raw);
      return new RawDrain(this.#raw, false, over);
    };
  }

  drop(): void {
    this.#settle();
  }

  stream(): SessionStream | undefined {
    return this.#open();
  }

  away(retry: number): void {
    // with other requests in the same POST still to be answered, their messages would have to wait
    if (this.#session.polls && this.#missing === 1) this.#open()?.release(retry);
  }

  /** A held reply turns into a stream: soon for a client that can resume it, else before proxies give up on it. */
  beat(now: number): void {
    // the client is gone; a legacy one has cancelled nothing by that, the calls go on
    if (this.#raw.destroyed) return this.#timing.held.delete(this);
    const hold = this.#session.polls ? this.#timing.hold : this.#timing.streams.interval / 2;
    if (hold > 0 && now - this.#since >= hold) this.#open();
  }

  #settle(): void {
    this.#missing--;
    if (this.#missing > 0) return;
    this.#timing.held.delete(this);
    if (this.#stream) this.#stream.end();
    else if (this.#raw.destroyed) return;
    else if (this.#answers.length > 0) this.#json();
    else this.#open()?.end();
  }

  #json(): void {
    const body = this.#batch ? joined(this.#answers) : this.#answers[0]!;
    sendJson(this.#raw, 200, body);
    // what the connection did not take at once is not kept for ever
    if (this.#raw.writableLength > 0) this.#session.watch(this.#raw);
  }

  /** Commits to an event stream. A client that left before it had an event id can never come back for it. */
  #open(): SessionStream | undefined {
    if (this.#stream || this.#raw.destroyed) return this.#stream;
    this.#timing.held.delete(this);
    const stream = this.#session.openStream(this.pressure);
    this.#stream = stream;
    this.#session.watch(this.#raw);
    stream.attach(this.#raw);
    this.#timing.streams.add(stream);
    this.#raw.once('close', () => {
      // another connection may have taken its place
      if (!stream.attached) this.#timing.streams.delete(stream);
    });
    for (const answer of this.#answers) stream.send(whole(answer), 'answer');
    this.#answers = [];
    return stream;
  }
}

function joined(answers: readonly Pieces[]): Pieces {
  const parts: Buffer[] = [];
  for (const answer of answers) parts.push(parts.length === 0 ? OPEN : COMMA, ...answer);
  return [...parts, CLOSE];
}
