/** Stands between the gateway and an HTTP upstream, and cuts off the connections of some messages. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Rpc } from './http-stream.ts';

export interface LossyProxy {
  readonly url: string;
  /** Every message that came, in order, and whether it was lost. */
  readonly seen: readonly { readonly message: Rpc; readonly lost: boolean }[];
  close(): Promise<void>;
}

/** @param lose decides on each message that is posted, and is asked once for each time it comes */
export async function startLossyProxy(target: string, lose: (message: Rpc) => boolean): Promise<LossyProxy> {
  const seen: { message: Rpc; lost: boolean }[] = [];
  const pass = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await text(req);
    if (req.method === 'POST') {
      const message = JSON.parse(body) as Rpc;
      const lost = lose(message);
      seen.push({ message, lost });
      if (lost) return void req.socket.destroy();
    }
    const { host: _, ...headers } = req.headers;
    const onward = request(target, { method: req.method!, headers });
    onward.once('response', (answer) => {
      res.writeHead(answer.statusCode!, answer.headers);
      res.flushHeaders();
      answer.pipe(res);
    });
    res.once('close', () => onward.destroy());
    onward.on('error', () => res.destroy());
    onward.end(body);
  };
  const server = createServer((req, res) => void pass(req, res).catch(() => res.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
