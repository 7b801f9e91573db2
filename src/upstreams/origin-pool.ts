/** The keep-alive connections to where an HTTP upstream is. */
import type { Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';

/**
 * How long a connection is kept without use where the server does not say (`Keep-Alive: timeout`), milliseconds: servers
 * that say nothing close after 5 s, and a call that meets the end of its connection is lost.
 */
const UNUSED = 4_000;

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
    this.pool = new Pool(origin, {
      connect,
      // the deadlines of calls are the link's; the pool must not end a stream that is merely quiet
      headersTimeout: 0,
      bodyTimeout: 0,
      // a call may take minutes: none waits behind another, and how many there are is limited elsewhere (maxLinks, maxInFlight)
      connections: null,
      pipelining: 1,
      keepAliveTimeout: UNUSED,
    });
  }

  /** Ends all connections, those too that are not made yet: the pool by itself would wait for these. */
  async destroy(): Promise<void> {
    const destroyed = this.pool.destroy();
    for (const socket of this.#connecting) socket.destroy();
    await destroyed;
  }
}
