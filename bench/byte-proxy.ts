/**
 * The baseline of the benchmarks: the least that an HTTP hop in Fastify and undici can do. The body and the headers an
 * MCP call needs go to the upstream, the reply comes back; nothing is parsed, logged or checked.
 *
 * Run: `node bench/byte-proxy.ts http://127.0.0.1:PORT/mcp`; it prints the listening line (announce.ts) and serves
 * until SIGTERM.
 */
import type { IncomingHttpHeaders } from 'node:http';
import fastify from 'fastify';
import { Pool } from 'undici';
import { announce } from './announce.ts';

/** Upper bound of upstream connections; above what the benchmarks keep in flight, so that no call waits for one. */
const CONNECTIONS = 2_048;
const REQUEST_HEADERS = ['content-type', 'accept', 'mcp-session-id', 'mcp-protocol-version'] as const;

const upstream = new URL(process.argv[2] ?? missingUpstream());
const pool = new Pool(upstream.origin, { connections: CONNECTIONS, pipelining: 1, keepAliveTimeout: 60_000 });
const app = fastify({ logger: false, bodyLimit: 16 * 1024 * 1024 });

function missingUpstream(): never {
  throw new Error('usage: node bench/byte-proxy.ts UPSTREAM_URL');
}

function requestHeaders(given: IncomingHttpHeaders): string[] {
  const headers: string[] = [];
  for (const name of REQUEST_HEADERS) {
    const value = given[name];
    if (typeof value === 'string') headers.push(name, value);
  }
  return headers;
}

app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/mcp', async (request, reply) => {
  const answer = await pool.request({
    method: 'POST',
    path: upstream.pathname,
    headers: requestHeaders(request.headers),
    body: request.body as Buffer,
  });
  const body = Buffer.from(await answer.body.arrayBuffer());
  reply.code(answer.statusCode);
  const type = answer.headers['content-type'];
  if (type !== undefined) reply.header('content-type', type);
  const session = answer.headers['mcp-session-id'];
  if (session !== undefined) reply.header('mcp-session-id', session);
  return reply.send(body);
});

await app.listen({ port: 0, host: '127.0.0.1' });
announce(app.server.address(), '/mcp');
process.once('SIGTERM', () => process.exit(0));
