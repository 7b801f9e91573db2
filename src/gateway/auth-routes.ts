/** Documents by which clients find out how to sign in: for everyone, from everywhere. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../auth/auth.ts';
import { METADATA_PATH } from '../auth/resource-metadata.ts';
import type { Fault } from '../errors.ts';
import { MCP_PATH } from './pipeline.ts';

/** How long clients may keep them, seconds. */
const MAX_AGE = 300;
const METHODS = 'GET, HEAD, OPTIONS';

/** Protected resource metadata (RFC 9728), at the path with the endpoint in it and, as there is one endpoint, at the root. */
export function authRoutes(app: FastifyInstance, auth: Auth): void {
  const { path } = auth.addresses;
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const document = auth.metadata(request.headers.host, MCP_PATH);
    readableByAll(reply);
    if (!document) return reply.code(404).send({ error: 'not_found', message: 'No token is needed here.' });
    return reply.header('cache-control', `public, max-age=${MAX_AGE}`).send(document);
  };
  const urls = new Set([METADATA_PATH, `${METADATA_PATH}${MCP_PATH}`, `${METADATA_PATH}${path}${MCP_PATH}`]);
  for (const url of urls) {
    app.route({ method: ['GET', 'HEAD'], url, handler: answer });
    app.options(url, async (_request, reply) => preflightOfAll(reply));
  }
}

/** Tells a client that is refused how to sign in, or what to ask for. */
export function challenge(auth: Auth, request: FastifyRequest, reply: FastifyReply, fault: Fault): void {
  const value = auth.challenge(fault, request.headers.host, MCP_PATH);
  if (value !== undefined) reply.header('www-authenticate', value);
}

function preflightOfAll(reply: FastifyReply): FastifyReply {
  return readableByAll(reply)
    .code(204)
    .header('allow', METHODS)
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', '*, Authorization')
    .header('access-control-max-age', '7200')
    .send();
}

/** No cookie and no address of the caller changes what is in them. */
const readableByAll = (reply: FastifyReply): FastifyReply => reply.header('access-control-allow-origin', '*');
