/** The HTTP server: Fastify with bodies kept as bytes and every error spelled as JSON-RPC. */
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Fault } from '../errors.ts';
import { SERVED_METHODS } from '../protocol/headers.ts';
import { composeError } from '../protocol/message.ts';
import { challenge } from './auth-routes.ts';
import { neverSniffed } from './browser-headers.ts';
import { noteRefusal } from './door.ts';
import type { Gateway } from './gateway.ts';
import { bodyReader } from './read-body.ts';
import { type Readiness, type RouteOptions, routes } from './routes.ts';
import { divert } from './workers/divert.ts';

export interface AppSettings extends RouteOptions {
  /** Bytes. */
  readonly maxBodySize: number;
  /** Addresses and networks of proxies whose word counts for where a request comes from. */
  readonly trustProxy: readonly string[];
}

/** How long a client may take to send a request, milliseconds. */
const REQUEST_TIMEOUT = 60_000;
/** How much longer than announced an idle connection stays open, milliseconds. */
const KEEP_ALIVE_GRACE = 15_000;
/** No route has a schema, bodies are bytes; what would compile schemas is a large part of what a start loads. */
const noSchemas = (): never => {
  throw new Error('routes have no schemas');
};
const RETRY_AFTER: Readonly<Record<number, string>> = { 429: '10', 503: '2' };

export function createApp(gateway: Gateway, settings: AppSettings, readiness: Readiness): FastifyInstance {
  const app = Fastify({
    bodyLimit: settings.maxBodySize,
    requestTimeout: REQUEST_TIMEOUT,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: true,
    return503OnClosing: false,
    schemaController: { compilersFactory: { buildValidator: () => noSchemas, buildSerializer: () => noSchemas } },
    trustProxy: settings.trustProxy.length > 0 ? [...settings.trustProxy] : false,
  });
  neverSniffed(app);
  if (gateway.peers) divert(app, gateway.peers, gateway.signIn !== undefined);
  // clients are told when an idle connection will be closed; one that is late by a moment must not find it reset
  app.server.keepAliveTimeoutBuffer = KEEP_ALIVE_GRACE;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', bodyReader(settings.maxBodySize));

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const found = isServed(request.method) ? asFault(error, settings) : notServed(request.method);
    const fault = noteRefusal(gateway.door, request, found);
    if (fault.fault === 'internal') gateway.log.error({ err: error, method: request.method }, 'a request failed');
    else gateway.log.debug({ fault: fault.fault, status: fault.status, reason: fault.message }, 'request refused');
    challenge(gateway, request, reply, fault);
    // Fastify would close the connection, over which the rest of the body still comes; it is read to its end (read-body.ts)
    if (error instanceof Fault && error.fault === 'bodyTooLarge') reply.removeHeader('connection');
    sendFault(reply, fault);
  });
  // what is no JSON is read all the same, so that its size is judged before its type
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(new Fault('contentType')));

  app.setNotFoundHandler((request: FastifyRequest, reply) => {
    if (/^\/mcp(\/[^/]*)?$/.test(request.url.split('?', 1)[0]!)) {
      return sendFault(reply, notServed(request.method));
    }
    reply.code(404).send({
      error: 'not_found',
      message: 'Nothing is served here. The MCP endpoint is /mcp, that of a profile /mcp/NAME.',
    });
  });
  routes(app, gateway, settings, readiness);
  return app;
}

const isServed = (method: string): boolean => SERVED_METHODS.split(', ').includes(method);

const notServed = (method: string): Fault => new Fault('methodNotAllowed', { method, allow: SERVED_METHODS });

function asFault(error: FastifyError, settings: AppSettings): Fault {
  if (error instanceof Fault) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Fault('bodyTooLarge', { limit: settings.maxBodySize });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Fault('contentType');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'ECONNRESET': // the client hung up in the middle of it
      return new Fault('parse', { detail: 'the body does not have the length it announces' });
    default:
      return new Fault('internal');
  }
}

function sendFault(reply: FastifyReply, fault: Fault): void {
  if (fault.fault === 'methodNotAllowed' && !reply.hasHeader('allow')) reply.header('allow', SERVED_METHODS);
  const retry = fault.details.seconds ?? RETRY_AFTER[fault.status];
  if (retry !== undefined) reply.header('retry-after', String(retry));
  // the next connection may reach the gateway that takes over
  if (fault.fault === 'draining') reply.header('connection', 'close');
  // before dispatch an internal error is an HTTP error as well
  const status = fault.fault === 'internal' ? 500 : fault.status;
  reply.code(status).type('application/json').send(composeError(fault.id, fault));
}
