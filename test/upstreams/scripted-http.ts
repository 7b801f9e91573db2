/** A Streamable HTTP or HTTP+SSE server in this process whose every reply is up to the test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Connector } from '../../src/upstreams/connector.ts';
import type { Link } from '../../src/upstreams/link.ts';
import type { HttpSpec, Timeouts } from '../../src/upstreams/spec.ts';
import { type LogLine, memoryLog } from './memory-log.ts';
import { type Heard, hearing, initialized } from './scripted-wire.ts';
import { httpSpec } from './specs.ts';

/** One request as it arrived; `id` is the JSON-RPC id, where there is one. */
export interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly id: number | undefined;
  /** The JSON-RPC method. */
  readonly rpc: string | undefined;
}

/** Replies to a request; `false` leaves it to the usual reply. */
export type Reply = (arrived: Arrived, res: ServerResponse) => unknown;

export interface HttpServerInTest {
  readonly url: string;
  readonly arrived: readonly Arrived[];
  /** Ends it and every connection it has. */
  stop(): void;
}

export const json = (res: ServerResponse, value: object | string, headers: Record<string, string> = {}): void => {
  res.writeHead(200, { 'content-type': 'application/json', ...headers });
  res.end(typeof value === 'string' ? value : JSON.stringify({ jsonrpc: '2.0', ...value }));
};

/** Begins an event stream; `events` are its first bytes. */
export const stream = (res: ServerResponse, events: string): ServerResponse => {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.write(events);
  return res;
};

/** What a server does that has sessions, and nothing else to say. */
function usual({ method, rpc, id }: Arrived, res: ServerResponse): void {
  if (method === 'GET') return void res.writeHead(405).end();
  if (method === 'DELETE') return void res.writeHead(204).end();
  if (rpc === 'initialize') return json(res, { id, result: initialized() }, { 'mcp-session-id': 's-1' });
  if (id === undefined) return void res.writeHead(202).end();
  json(res, { id, result: { content: [] } });
}

export async function serveHttp(reply: Reply): Promise<HttpServerInTest> {
  const arrived: Arrived[] = [];
  const server = createServer(async (req, res) => {
    const body = await text(req);
    const { id, method: rpc } = body === '' ? {} : (JSON.parse(body) as { id?: number; method?: string });
    const one = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body, id, rpc };
    arrived.push(one);
    if (reply(one, res) === false) usual(one, res);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp?tenant=a`,
    arrived,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

export interface HttpLink {
  readonly link: Link;
  readonly heard: Heard;
  readonly lines: readonly LogLine[];
  close(): Promise<void>;
}

export async function openHttp(
  url: string,
  options: { transport?: HttpSpec['transport']; timeouts?: Partial<Timeouts>; maxMessageSize?: number } = {},
): Promise<HttpLink> {
  const { transport = 'streamable-http', ...rest } = options;
  const { log, lines } = memoryLog();
  const { listener, heard } = hearing();
  const connector = new Connector(
    httpSpec(url, transport, { ...rest, headers: { authorization: 'Bearer secret-1234' } }),
    log,
  );
  const identity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
  const link = await connector.open(identity, listener).catch(async (error: unknown) => {
    await connector.close();
    throw error;
  });
  return {
    link,
    heard,
    lines,
    close: async () => {
      await link.close();
      await connector.close();
    },
  };
}
