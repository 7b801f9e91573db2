/** Documents by which clients find out how to sign in: for everyone, from everywhere. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MCP_PATH } from '../auth/profiles.ts';
import { METADATA_PATH } from '../auth/resource-metadata.ts';
import type { Fault } from '../errors.ts';
import type { Gateway } from './gateway.ts';

/** How long clients may keep them, seconds. */
const MAX_AGE = 300;
const METHODS = 'GET, HEAD, OPTIONS';

/** Protected resource metadata (RFC 9728), at the path with the endpoint in it; that of the default profile at the root, too. */
export function authRoutes(app: FastifyInstance, gateway: Gateway): void {
  const { profiles } = gateway.context;
  const { path } = gateway.auth.addresses;
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const profile = profiles.at((request.params as { profile?: string }).profile);
    const document = profile && gateway.auth.metadata(request.headers.host, profile);
    readableByAll(reply);
    if (!profile) return reply.code(404).send({ error: 'not_found', message: 'There is no such profile here.' });
    if (!document) return reply.code(404).send({ error: 'not_found', message: 'No token is needed here.' });
    return reply.header('cache-control', `public, max-age=${MAX_AGE}`).send(document);
  };
  const endpoints = [MCP_PATH, `${MCP_PATH}/:profile`].flatMap((endpoint) => [endpoint, `${path}${endpoint}`]);
  const urls = new Set(['', ...endpoints].map((endpoint) => METADATA_PATH + endpoint));
  for (const url of urls) {
    app.route({ method: ['GET', 'HEAD'], url, handler: answer });
    app.options(url, async (_request, reply) => preflightOfAll(reply));
  }
}

/** Tells a client that is refused how to sign in, or what to ask for. */
export function challenge(
  { auth, context }: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  fault: Fault,
): void {
  const value = auth.challenge(fault, request.headers.host, request.profile ?? context.profiles.usual);
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
