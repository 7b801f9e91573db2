/**
 * The reply to one legacy POST: plain JSON when nothing precedes the answer, server-sent events when something does. The
 * head is held until that is known (protocol.md §1.6).
 */
import type { ServerResponse } from 'node:http';
import { SSE_KEEPALIVE, sseMessage } from '../protocol/sse.ts';
import type { Heartbeat } from './heartbeat.ts';

export const SSE_HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

export class PostReply {
  readonly #raw: ServerResponse;
  readonly #heartbeat: Heartbeat;
  readonly #batch: boolean;
  readonly #since = Date.now();
  #missing: number;
  #answers: Buffer[] = [];
  #streaming = false;

  /**
   * @param missing how many requests the POST held
   * @param batch whether they came as an array, so that a JSON reply is one too
   */
  constructor(raw: ServerResponse, heartbeat: Heartbeat, missing: number, batch: boolean) {
    this.#raw = raw;
    this.#heartbeat = heartbeat;
    this.#missing = missing;
    this.#batch = batch;
    heartbeat.add(this);
    // the client is gone; a legacy one has cancelled nothing by that, the calls go on without a reply
    raw.once('close', () => heartbeat.delete(this));
  }

  /** A message that belongs to a request of this POST and comes before its answer. */
  notify(message: Buffer): void {
    this.#stream();
    this.#write(sseMessage(message));
  }

  /** The answer to one of the requests. */
  respond(message: Buffer): void {
    if (this.#streaming) this.#write(sseMessage(message));
    else this.#answers.push(message);
    this.#settle();
  }

  /** One of the requests gets no answer: it was cancelled. */
  drop(): void {
    this.#settle();
  }

  /** An idle reply turns into a stream, which comments keep alive. */
  beat(now: number): void {
    if (!this.#streaming && now - this.#since < this.#heartbeat.interval / 2) return;
    this.#stream();
    this.#write(SSE_KEEPALIVE);
  }

  #settle(): void {
    this.#missing--;
    if (this.#missing > 0) return;
    this.#heartbeat.delete(this);
    if (this.#raw.destroyed) return;
    if (!this.#streaming && this.#answers.length > 0) this.#json();
    else {
      this.#stream();
      this.#raw.end();
    }
  }

  #json(): void {
    const body = this.#batch ? joined(this.#answers) : this.#answers[0]!;
    this.#raw.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    this.#raw.end(body);
  }

  #write(bytes: Buffer): void {
    if (!this.#raw.destroyed) this.#raw.write(bytes);
  }

  #stream(): void {
    if (this.#streaming) return;
    this.#streaming = true;
    if (this.#raw.destroyed) return;
    this.#raw.writeHead(200, SSE_HEAD);
    this.#raw.flushHeaders();
    for (const answer of this.#answers) this.#write(sseMessage(answer));
    this.#answers = [];
  }
}

function joined(answers: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const answer of answers) parts.push(parts.length === 0 ? OPEN : COMMA, answer);
  return Buffer.concat([...parts, CLOSE]);
}
