/**
 * What goes back on one HTTP exchange of a modern client: plain JSON when nothing precedes the answer, an event stream
 * when something does. There is nothing to resume; what is lost with the connection is asked for again (2026-07-28).
 */
import type { ServerResponse } from 'node:http';
import type { Drain } from '../protocol/call.ts';
import { type Pieces, whole } from '../protocol/json/pieces.ts';
import { SSE_HEAD, SSE_KEEPALIVE, sseMessage } from '../protocol/sse.ts';
import { cutWhenStuck, hangUp, sendJson } from './connection.ts';
import { type LossCounts, Losses } from './losses.ts';
import { Outbox, type Waiting } from './outbox.ts';
import { Pressure } from './pressure.ts';
import { RawDrain, tellsEnds } from './raw-drain.ts';
import { HIGH_WATER, type Kind } from './retention.ts';

export interface ModernStreamOptions {
  /** How long the connection may take nothing of what there is for it, milliseconds. */
  readonly patience: number;
  /** How long the head is held for an answer, milliseconds; 0 holds it no longer than until the first beat. */
  readonly hold: number;
  /** Time between signs of life, milliseconds. */
  readonly keepAlive: number;
  /** Called when the client has hung up before the end. */
  gone(): void;
  /** Called when the exchange is over, in whichever way. */
  over(): void;
  /** Called when messages had to be left out. */
  left(counts: LossCounts): void;
  /** Called when the connection is cut off, since nothing is read. */
  cut(): void;
}

export class ModernStream {
  readonly pressure = new Pressure();
  readonly #raw: ServerResponse;
  readonly #options: ModernStreamOptions;
  readonly #losses: Losses;
  readonly #outbox: Outbox<never>;
  readonly #since = Date.now();
  #beaten = 0;
  #streaming = false;
  #ended = false;
  /** Set once an answer is passed on while it comes: nothing else is written any more. */
  #drain: Drain | undefined;

  constructor(raw: ServerResponse, options: ModernStreamOptions) {
    this.#raw = raw;
    this.#options = options;
    this.#losses = new Losses(options.left);
    this.#outbox = new Outbox((kind) => this.#losses.add(kind));
    cutWhenStuck(raw, options.patience, options.cut);
    raw.once('close', () => {
      this.#losses.over();
      this.pressure.set(false);
      if (!this.#ended) {
        this.#ended = true;
        options.gone();
      }
      options.over();
    });
    raw.on('drain', () => {
      if (!this.#drain) this.#pump();
    });
  }

  /** Whether nothing can be sent any more. */
  get ended(): boolean {
    return this.#ended || this.#raw.destroyed;
  }

  /** Sends a notification. @param token of progress: a later report with the same one may take its place */
  send(message: Buffer, kind: Kind = 'notice', token?: string): void {
    if (this.ended || this.#drain) return;
    this.stream();
    this.#enqueue({ message, kind, token, stored: undefined });
  }

  /** The answer, after which nothing follows. @param status of a reply that is not a stream yet */
  finish(message: Pieces, status: number): void {
    if (this.ended) return;
    if (this.#drain) return this.#drain.cut();
    this.#ended = true;
    if (!this.#streaming) {
      sendJson(this.#raw, status, message);
      return;
    }
    this.#enqueue({ message: whole(message), kind: 'answer', token: undefined, stored: undefined });
    this.#pump();
  }

  /** Takes the connection for an answer that is written while it comes, unless that has to wait behind something. */
  outlet(): ((over: () => void) => Drain) | undefined {
    if (this.ended || this.#drain || !this.#outbox.empty || !tellsEnds(this.#raw)) return undefined;
    return (over) => {
      this.pressure.set(false);
      this.#drain = new RawDrain(this.#raw, this.#streaming, (gone) => {
        if (gone) return;
        this.#ended = true;
        over();
      });
      return this.#drain;
    };
  }

  /** Commits to an event stream. */
  stream(): void {
    if (this.#streaming || this.ended) return;
    this.#streaming = true;
    this.#raw.writeHead(200, SSE_HEAD);
    this.#raw.flushHeaders();
  }

  /** Gives the connection up without an answer: another has taken its place. */
  abandon(): void {
    this.#ended = true;
    this.#outbox.clear();
    hangUp(this.#raw);
  }

  /** A sign of life; one that has been held for long becomes a stream, before proxies give up on it. */
  beat(now: number): void {
    const { hold, keepAlive } = this.#options;
    if (this.ended || this.#drain || now - this.#since < hold || now - this.#beaten < keepAlive) return;
    this.#beaten = now;
    this.stream();
    if (this.#raw.writableLength <= HIGH_WATER) this.#raw.write(SSE_KEEPALIVE);
  }

  #enqueue(item: Waiting<never>): void {
    if (this.#outbox.empty && this.#raw.writableLength <= HIGH_WATER) this.#raw.write(sseMessage(item.message));
    else this.#outbox.add(item);
    this.#measure();
  }

  #pump(): void {
    while (this.#raw.writableLength <= HIGH_WATER) {
      const next = this.#outbox.shift();
      if (!next) break;
      this.#raw.write(sseMessage(next.message));
    }
    this.#measure();
    if (this.#ended && this.#outbox.empty && !this.#raw.writableEnded) this.#raw.end();
  }

  #measure(): void {
    const full = !this.#outbox.empty || this.#raw.writableLength > HIGH_WATER;
    if (!full) this.#losses.over();
    this.pressure.set(full && !this.#ended);
  }
}
