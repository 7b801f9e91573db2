/** The keep-alive connections to where an HTTP upstream is. */
import type { Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';

export class OriginPool {
  readonly origin: string;
  readonly pool: Pool;
  readonly #connecting = new Set<Socket>();

  /** @param timeout how long connecting may take, milliseconds */
  constructor(origin: string, timeout: number) {
    this.origin = origin;
    // it gives the socket, which its type does not say
    const connector = buildConnector({ timeout }) as (...args: Parameters<buildConnector.connector>) => unknown;
    const connect: buildConnector.connector = (options, callback) => {
      const socket = connector(options, (...outcome) => {
        this.#connecting.delete(socket);
        callback(...outcome);
      }) as Socket;
      this.#connecting.add(socket);
    };
    // the deadlines of calls are the link's; the pool must not end a stream that is merely quiet
    this.pool = new Pool(origin, { headersTimeout: 0, bodyTimeout: 0, connect });
  }

  /** Ends all connections, those too that are not made yet: the pool by itself would wait for these. */
  async destroy(): Promise<void> {
    const destroyed = this.pool.destroy();
    for (const socket of this.#connecting) socket.destroy();
    await destroyed;
  }
}
