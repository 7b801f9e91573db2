/** Serves documents with their real headers, and keeps what forms send. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** One answer. */
export interface Served {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Posted {
  readonly path: string;
  readonly origin: string | undefined;
  /** The fields in the order in which they came. */
  readonly fields: readonly (readonly [string, string])[];
}

export interface PageServer {
  readonly url: string;
  /** What forms sent so far; it grows. */
  readonly posted: readonly Posted[];
  /** Every request so far, as `GET /path`; it grows. */
  readonly asked: readonly string[];
  /** What is served at a path from now on; every other path answers 404. */
  serve(path: string, served: Served): void;
  close(): Promise<void>;
}

/** Listens on any port of 127.0.0.1. */
export async function startPageServer(): Promise<PageServer> {
  const pages = new Map<string, Served>();
  const posted: Posted[] = [];
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    const path = new URL(request.url!, 'http://localhost').pathname;
    asked.push(`${method} ${path}`);
    if (method === 'POST')
      posted.push({ path, origin: headers.origin, fields: [...new URLSearchParams(await text(request))] });
    const { status = 200, headers: sent = {}, body = '' } = pages.get(path) ?? { status: 404 };
    response.writeHead(status, sent).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    posted,
    asked,
    serve: (path, served) => void pages.set(path, served),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
