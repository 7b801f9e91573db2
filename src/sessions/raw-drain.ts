/** A reply on a connection that is written while its answer comes, as plain JSON or as the last event of a stream. */
import type { ServerResponse } from 'node:http';
import type { Drain } from '../protocol/call.ts';
import { SSE_MESSAGE_END, SSE_MESSAGE_START, singleLine } from '../protocol/sse.ts';
import { JSON_HEAD } from './connection.ts';
import { HIGH_WATER } from './retention.ts';

/** Whether the end of a reply of unknown length can be told from a connection that broke (RFC 9112 §6.3). */
export const tellsEnds = ({ req, destroyed }: ServerResponse): boolean =>
  !destroyed && (req.httpVersionMajor > 1 || req.httpVersionMinor > 0);

/** Called once: when a drain was ended or cut, or when its client has hung up before. */
export type DrainOver = (gone: boolean) => void;

export class RawDrain implements Drain {
  onready: (() => void) | undefined;
  readonly #raw: ServerResponse;
  readonly #event: boolean;
  #told: DrainOver | undefined;
  #behind = false;

  /** @param event whether it is an event of a stream that has begun; else the head goes out now */
  constructor(raw: ServerResponse, event: boolean, over: DrainOver) {
    this.#raw = raw;
    this.#event = event;
    this.#told = over;
    raw.once('close', () => this.#over(true));
    if (event) raw.write(SSE_MESSAGE_START);
    else raw.writeHead(200, JSON_HEAD);
  }

  write(pieces: readonly Buffer[], spent?: ArrayBuffer): boolean {
    const raw = this.#raw;
    if (raw.destroyed || raw.writableEnded) return true;
    const last = pieces.length - 1;
    for (const [i, piece] of pieces.entries())
      raw.write(this.#event ? singleLine(piece) : piece, i === last && spent ? this.#freeing(spent) : this.#taken);
    this.#behind = raw.writableLength > HIGH_WATER;
    return !this.#behind;
  }

  end(): void {
    this.#over(false);
    if (!this.#raw.writableEnded) this.#raw.end(this.#event ? SSE_MESSAGE_END : undefined);
  }

  cut(): void {
    this.#over(false);
    this.#raw.destroy();
  }

  readonly #taken = (): void => {
    if (!this.#behind || this.#raw.destroyed || this.#raw.writableLength > HIGH_WATER / 2) return;
    this.#behind = false;
    this.onready?.();
  };

  /** Collected as garbage, the chunks of a few answers would be more than all else that the gateway holds. */
  #freeing(spent: ArrayBuffer): (error?: Error | null) => void {
    return (error) => {
      // what was moved elsewhere, to nothing, is freed at once
      if (!error) spent.transfer(0);
      this.#taken();
    };
  }

  #over(gone: boolean): void {
    const told = this.#told;
    this.#told = undefined;
    told?.(gone);
  }
}
