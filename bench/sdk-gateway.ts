/**
 * What a gateway costs that is built on the classes of the official SDK, version 1, as most are: a `Server` and its
 * transport for each client session, a `Client` and its transport for the upstream behind it, and handlers that pass
 * requests from one to the other. Nothing else is done: no sign-in, no names, one upstream.
 *
 * Run: `node bench/sdk-gateway.ts http://127.0.0.1:PORT/mcp`; it prints the listening line (announce.ts) and serves
 * until SIGTERM.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolRequestSchema,
  CompatibilityCallToolResultSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { announce } from './announce.ts';

const INFO = { name: 'bench-sdk-gateway', version: '1.0.0' };
const given = process.argv[2];
if (given === undefined) throw new Error('usage: node bench/sdk-gateway.ts UPSTREAM_URL');
const upstream = new URL(given);
const sessions = new Map<string, StreamableHTTPServerTransport>();

/** A session: the upstream's client on one side, the host's server on the other. */
async function openSession(): Promise<StreamableHTTPServerTransport> {
  const client = new Client(INFO);
  await client.connect(new StreamableHTTPClientTransport(upstream) as Transport);
  const server = new Server(INFO, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => client.listTools(params));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { sendNotification, _meta }) => {
    const token = _meta?.progressToken;
    const onprogress = (progress: { progress: number; total?: number | undefined }): void =>
      void sendNotification({
        method: 'notifications/progress',
        params: { ...progress, progressToken: token! },
      } as never);
    return client.callTool(params, CompatibilityCallToolResultSchema, token === undefined ? {} : { onprogress });
  });
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await server.connect(transport as Transport);
  return transport;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const id = request.headers['mcp-session-id'];
  const transport = typeof id === 'string' ? sessions.get(id) : await openSession();
  if (transport === undefined) return void response.writeHead(404).end();
  await transport.handleRequest(request, response, body);
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => announce(server.address(), '/mcp'));
process.once('SIGTERM', () => process.exit(0));
