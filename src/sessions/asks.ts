/** Requests that a session's client has been sent and has not answered yet: one table per session. */
import { compose } from '../protocol/message.ts';
import type { SessionStream } from './session-stream.ts';

export interface AskHandlers {
  /** The client's response: `kind` tells whether `json` is its result or its error object. */
  answered(kind: 'result' | 'error', json: Buffer): void;
  /** The client reports progress on it. */
  progress?(params: Readonly<Record<string, unknown>>): void;
  /** There will be no answer: time ran out, or the session ended. */
  unanswered(reason: string): void;
}

interface Ask {
  readonly id: number;
  readonly stream: SessionStream;
  readonly handlers: AskHandlers;
  timer: NodeJS.Timeout;
}

/** How long a client may take, milliseconds. */
export interface AskPatience {
  /** To answer. */
  readonly answer: number;
  /** To open a stream, where none is open that the request can go out on. */
  readonly deliver: number;
}

export class AskTable {
  readonly #open = new Map<number, Ask>();
  readonly #fallback: () => SessionStream;
  #last = 0;

  /** @param fallback the stream for what has to be said after the one of the request has ended */
  constructor(fallback: () => SessionStream) {
    this.#fallback = fallback;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Sends the client a request.
   * @param build makes the message for the id that the request gets
   * @returns the id, for {@link AskTable.withdraw}
   */
  ask(stream: SessionStream, build: (id: number) => Buffer, patience: AskPatience, handlers: AskHandlers): number {
    const id = ++this.#last;
    // before anything is kept of it, since it fails for a request that is malformed
    const message = build(id);
    const { answer, deliver } = patience;
    const expire = (reason: string): void => {
      this.withdraw(id, 'timed out');
      handlers.unanswered(reason);
    };
    const late = (): void => expire(`the client did not answer within ${answer} ms`);
    const ask: Ask = { id, stream, handlers, timer: setTimeout(late, answer).unref() };
    if (!stream.attached && deliver < answer) {
      clearTimeout(ask.timer);
      ask.timer = setTimeout(() => {
        if (stream.attached) ask.timer = setTimeout(late, answer - deliver).unref();
        else expire(`the client opened no stream to be asked on within ${deliver} ms`);
      }, deliver).unref();
    }
    this.#open.set(id, ask);
    stream.send(message, 'request');
    return id;
  }

  /** A response came. @returns false when nobody waits for it: it is late, the second one, or was never asked for */
  answer(id: unknown, kind: 'result' | 'error', json: Buffer): boolean {
    const ask = this.#take(id);
    ask?.handlers.answered(kind, json);
    return ask !== undefined;
  }

  /** Progress came for the request with this id, which is its progress token as well. */
  progress(token: unknown, params: Readonly<Record<string, unknown>>): boolean {
    const ask = typeof token === 'number' ? this.#open.get(token) : undefined;
    ask?.handlers.progress?.(params);
    return ask !== undefined;
  }

  /** Takes a request back: the client is told on the stream that carried it; its handlers hear nothing more. */
  withdraw(id: number, reason: string | undefined): void {
    const ask = this.#take(id);
    const params = { requestId: id, ...(reason === undefined ? {} : { reason }) };
    if (!ask) return;
    const stream = ask.stream.ended ? this.#fallback() : ask.stream;
    stream.send(compose('notifications/cancelled', params));
  }

  /** The session is over. */
  close(reason: string): void {
    for (const id of [...this.#open.keys()]) this.#take(id)?.handlers.unanswered(reason);
  }

  #take(id: unknown): Ask | undefined {
    const ask = typeof id === 'number' ? this.#open.get(id) : undefined;
    if (!ask) return undefined;
    clearTimeout(ask.timer);
    this.#open.delete(ask.id);
    return ask;
  }
}
