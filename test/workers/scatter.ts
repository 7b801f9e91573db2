/** Stands before a gateway and opens a connection for each request, so that workers take turns. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

export interface Scatter {
  /** In place of the URL of the gateway. */
  readonly url: string;
  close(): void;
}

/** @param target the URL of the gateway's endpoint */
export async function startScatter(target: string): Promise<Scatter> {
  const { hostname, port, pathname } = new URL(target);
  const server = createServer((incoming, reply) => {
    const { method, url, headers } = incoming;
    const out = request({
      hostname,
      port,
      method,
      path: url,
      headers: { ...headers, connection: 'close' },
      agent: false,
    });
    out.on('response', (answer) => {
      const { connection: _, 'transfer-encoding': __, ...kept } = answer.headers;
      reply.writeHead(answer.statusCode!, kept);
      reply.flushHeaders();
      pipeline(answer, reply, () => undefined);
    });
    out.on('error', () => reply.destroy());
    reply.on('close', () => out.destroy());
    pipeline(incoming, out, () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
