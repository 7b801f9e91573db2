/** The checks that come before anything else, for every endpoint an MCP client talks to. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from '../config/loopback.ts';
import { Fault } from '../errors.ts';
import { withoutBlanks } from '../protocol/header-value.ts';
import { allowedHeaders, EXPOSED_HEADERS, SERVED_METHODS } from '../protocol/headers.ts';

export interface GuardSettings {
  /** The address the server listens on. */
  readonly host: string;
  readonly publicUrl: URL | undefined;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const METHODS = new Set(SERVED_METHODS.split(', '));
const PREFLIGHT_MAX_AGE = '7200';

/**
 * @returns the check, to be run when the head of a request is there and its body is not read yet
 */
export function createGuard(settings: GuardSettings): (request: FastifyRequest, reply: FastifyReply) => void {
  const { publicUrl, host } = settings;
  const hosts = new Set(settings.allowedHosts.map((h) => h.toLowerCase()));
  if (publicUrl) hosts.add(publicUrl.host).add(publicUrl.hostname);
  const origins = new Set(settings.allowedOrigins);
  if (publicUrl) origins.add(publicUrl.origin);
  const local = isLoopback(host);

  // most requests name the host that the one before named
  let last: string | undefined;
  const hostAllowed = (value: string): boolean => {
    if (value === last) return true;
    const name = value.toLowerCase();
    const bare = name.replace(/:\d+$/, '');
    const allowed = LOOPBACK.has(bare) || hosts.has(name) || hosts.has(bare);
    if (allowed) last = value;
    return allowed;
  };
  const originAllowed = (value: string): boolean => {
    if (origins.has(value)) return true;
    // a page of this machine may talk to a gateway of this machine (MCP Inspector does)
    return local && value !== 'null' && URL.canParse(value) && LOOPBACK.has(new URL(value).hostname);
  };

  return (request, reply) => {
    const { method, headers } = request;
    if (!METHODS.has(method)) {
      reply.header('allow', SERVED_METHODS);
      throw new Fault('methodNotAllowed', { method, allow: SERVED_METHODS });
    }
    if (!hostAllowed(headers.host ?? '')) throw new Fault('hostRefused', { host: headers.host ?? '' });
    const { origin } = headers;
    if (origin === undefined) return;
    if (!originAllowed(origin)) throw new Fault('originRefused', { origin });
    // on the raw response: it is written without the framework where streams are concerned
    reply.raw.setHeader('access-control-allow-origin', origin);
    reply.raw.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
    reply.raw.setHeader('vary', 'Origin, Access-Control-Request-Headers');
  };
}

/** Answers OPTIONS; never asks for credentials. */
export function preflight(request: FastifyRequest, reply: FastifyReply): void {
  reply
    .code(204)
    .header('allow', SERVED_METHODS)
    .header('access-control-allow-methods', SERVED_METHODS)
    .header('access-control-allow-headers', allowedHeaders(headerOf(request, 'access-control-request-headers')))
    .header('access-control-max-age', PREFLIGHT_MAX_AGE)
    .send();
}

/** The value of a request header without the blanks around it; `undefined` when it is absent. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? withoutBlanks(value) : undefined;
}
