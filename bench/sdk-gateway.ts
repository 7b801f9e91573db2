/**
 * What a gateway costs that is built on the classes of the official SDK, version 1, as most are: a `Server` and its
 * transport for each client session, a `Client` and its transport for the upstream behind it, and handlers that pass
 * requests from one to the other.
 *
 * Run: `node bench/sdk-gateway.ts http://127.0.0.1:PORT/mcp [--issuer URL --audience NAME]`; it prints the listening line
 * (announce.ts) and serves until SIGTERM. Without an issuer nothing is done but what the classes do, on `node:http`. With
 * one it is put together as the SDK proposes: its Express app, and its check of access tokens in front of each request.
 * Either way there are no limits, no policy, no figures, no audit trail, and one upstream, whose names pass as they are.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolRequestSchema,
  CompatibilityCallToolResultSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { announce } from './announce.ts';
import { readFlags } from './flags.ts';

const INFO = { name: 'bench-sdk-gateway', version: '1.0.0' };
const [given, ...rest] = process.argv.slice(2);
if (given === undefined)
  throw new Error('usage: node bench/sdk-gateway.ts UPSTREAM_URL [--issuer URL --audience NAME]');
const flags = readFlags(rest, { issuer: { type: 'text' }, audience: { type: 'text' } });
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

/** @param body the request's, where it was read already */
async function serve(request: IncomingMessage, response: ServerResponse, read?: unknown): Promise<void> {
  const body = read ?? (await bodyOf(request));
  const id = request.headers['mcp-session-id'];
  const transport = typeof id === 'string' ? sessions.get(id) : await openSession();
  if (transport === undefined) return void response.writeHead(404).end();
  await transport.handleRequest(request, response, body);
}

function failed(response: ServerResponse, error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
  if (!response.headersSent) response.writeHead(500);
  response.end();
}

const bare: RequestListener = (request, response) => {
  serve(request, response).catch((error: unknown) => failed(response, error));
};

/** As the SDK proposes it. */
function signedIn(issuer: string): RequestListener {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const verifyAccessToken = async (token: string) => {
    const { payload } = await jwtVerify(token, keys, { issuer, ...(flags.audience && { audience: flags.audience }) });
    const { client_id, scope, exp } = payload;
    return { token, clientId: String(client_id), scopes: String(scope).split(' '), expiresAt: exp! };
  };
  const app = createMcpExpressApp();
  app.use(requireBearerAuth({ verifier: { verifyAccessToken }, requiredScopes: ['mcp'] }));
  app.all('/mcp', (request: IncomingMessage & { body?: unknown }, response: ServerResponse) =>
    serve(request, response, request.body).catch((error: unknown) => failed(response, error)),
  );
  return app;
}

const server = createServer(flags.issuer === undefined ? bare : signedIn(flags.issuer));
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => announce(server.address(), '/mcp'));
process.once('SIGTERM', () => process.exit(0));
