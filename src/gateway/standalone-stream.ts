/** The standalone GET stream of a legacy session: what belongs to no live request (protocol.md §1.6.2). */
import type { ServerResponse } from 'node:http';
import { SSE_KEEPALIVE, sseMessage } from '../protocol/sse.ts';
import type { StandaloneStream } from '../sessions/legacy-session.ts';
import type { Heartbeat } from './heartbeat.ts';
import { SSE_HEAD } from './post-reply.ts';

export class GetStream implements StandaloneStream {
  readonly #raw: ServerResponse;

  /** @param closed called when the connection ends, whoever ends it */
  constructor(raw: ServerResponse, heartbeat: Heartbeat, closed: (stream: GetStream) => void) {
    this.#raw = raw;
    raw.writeHead(200, SSE_HEAD);
    raw.write(SSE_KEEPALIVE);
    heartbeat.add(this);
    raw.once('close', () => {
      heartbeat.delete(this);
      closed(this);
    });
  }

  send(message: Buffer): void {
    if (!this.#raw.destroyed) this.#raw.write(sseMessage(message));
  }

  close(): void {
    this.#raw.end();
  }

  beat(): void {
    if (!this.#raw.destroyed) this.#raw.write(SSE_KEEPALIVE);
  }
}
