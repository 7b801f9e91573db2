/** Where the server is found: its endpoints, its metadata in every form that clients look for, and its pages. */

import { IncomingMessage } from 'node:http';
import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isAway } from './adapter.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import { CALLBACK, FederationRefused } from './federation.ts';
import type { Form } from './interactions.ts';
import { INTERACTION, ROUTES } from './provider.ts';
import { shapeClient } from './shaping.ts';
import { awayPage, overPage, refusedPage, type Step, StepOver } from './steps.ts';

const METADATA = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];
/** Where clients of 2025-03-26 look when they find no metadata. */
const GUESSES: Readonly<Record<string, string>> = {
  '/authorize': ROUTES.authorization,
  '/token': ROUTES.token,
  '/register': ROUTES.registration,
};
const REGISTRATION = [ROUTES.registration, '/register'];
/** Clients that are web pages register themselves as well; there is nothing in it that a cookie would change. */
const READABLE = { 'access-control-allow-origin': '*' };
const MAX_BODY = 64 * 1_024;
const MAX_FORM = 8 * 1_024;

/** @param endpoint that metadata is looked for under as well, such as `/mcp` */
export async function mountServer(app: FastifyInstance, server: AuthorizationServer, endpoint: string): Promise<void> {
  const { path } = server;
  app.addHook('onRequest', async (request, reply) => toOwnHost(server, request, reply));
  const suffixes = new Set(['', path, ...[endpoint, `${endpoint}/:profile`].flatMap((one) => [one, path + one])]);
  const metadata = METADATA.flatMap((base) =>
    [...suffixes].map((suffix) => ({ url: base + suffix, to: METADATA[1]! })),
  );
  const plain = [ROUTES.token, ROUTES.jwks, ROUTES.userinfo];
  await app.register(async (scope) => {
    // bodies are the server's own to read
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    const routes = [
      ...metadata,
      ...plain.map((url) => ({ url: url as string, to: url as string })),
      { url: '/token', to: GUESSES['/token']! },
    ];
    for (const { url, to } of routes) {
      scope.route({
        method: ['GET', 'HEAD', 'POST', 'OPTIONS'],
        url,
        handler: (request, reply) => pass(server, request, reply, to),
      });
    }
    const asking = [
      { url: ROUTES.authorization as string, to: ROUTES.authorization as string },
      { url: `${ROUTES.authorization}/:uid`, to: undefined },
      { url: '/authorize', to: GUESSES['/authorize']! },
    ];
    // a browser is sent there; what comes in a form need not be served (RFC 6749 §3.1), and is looked at nowhere
    for (const { url, to } of asking)
      scope.route({
        method: ['GET', 'HEAD', 'OPTIONS'],
        url,
        handler: (request, reply) => pass(server, request, reply, to),
      });
    scope.route({
      method: ['GET', 'HEAD', 'OPTIONS'],
      url: ROUTES.revocation,
      handler: (request, reply) => pass(server, request, reply, ROUTES.revocation),
    });
    for (const url of REGISTRATION) {
      scope.options(url, async (_request, reply) =>
        reply
          .code(204)
          .headers({
            ...READABLE,
            'access-control-allow-methods': 'POST',
            'access-control-allow-headers': '*',
            'access-control-max-age': '3600',
          })
          .send(),
      );
    }
  });
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY }, (_request, body, done) =>
      done(null, body),
    );
    scope.post(ROUTES.revocation, async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      return pass(server, request, reply, ROUTES.revocation, await server.revocation(body));
    });
    for (const url of REGISTRATION) {
      scope.post(url, (request, reply) => {
        for (const [name, value] of Object.entries(READABLE)) reply.raw.setHeader(name, value);
        return pass(server, request, reply, ROUTES.registration, shaped(request.body as Buffer));
      });
    }
  });
  await app.register(async (scope) => pages(scope, server));
}

/** Where a browser comes by itself, or by the link of a client. */
const BY_BROWSER = /^\/(oauth\/)?(authorize|interaction|federation)(\/|$)/;

/**
 * On this machine a person may have come by `localhost` where the server is at `127.0.0.1`, or the other way round. To a
 * browser these are two, with cookies of their own: it is sent on before it gets any.
 */
function toOwnHost(server: AuthorizationServer, { raw, headers }: FastifyRequest, reply: FastifyReply): unknown {
  const elsewhere = server.baseFor(headers.host) !== server.base;
  if (!elsewhere || (raw.method !== 'GET' && raw.method !== 'HEAD') || !BY_BROWSER.test(raw.url!.split('?', 1)[0]!))
    return undefined;
  return reply
    .code(307)
    .headers({ location: server.base + raw.url!, 'cache-control': 'no-store' })
    .send();
}

/** Hands a request over. The server learns from configuration alone how it was reached. */
async function pass(
  server: AuthorizationServer,
  request: FastifyRequest,
  reply: FastifyReply,
  to: string | undefined,
  body?: Buffer,
): Promise<void> {
  const query = request.raw.url!.indexOf('?');
  const url = to === undefined ? request.raw.url! : to + (query < 0 ? '' : request.raw.url!.slice(query));
  reply.hijack();
  await server.callback(forwarded(server, request, url, body), reply.raw);
}

/** @param body in place of the one that was read already */
export function forwarded(
  server: AuthorizationServer,
  { raw, ip }: Pick<FastifyRequest, 'raw' | 'ip'>,
  url: string,
  body?: Buffer,
): IncomingMessage {
  const { protocol, host } = new URL(server.base);
  let message = raw;
  if (body) {
    message = new IncomingMessage(raw.socket);
    // nothing more will come, so that its end is no accident
    Object.assign(message, {
      complete: true,
      method: raw.method,
      httpVersion: raw.httpVersion,
      rawHeaders: raw.rawHeaders,
    });
    message.headers = { ...raw.headers, 'content-length': String(body.length) };
    message.push(body);
    message.push(null);
  }
  message.url = url;
  Object.assign(message, { originalUrl: server.path + url });
  for (const name of Object.keys(message.headers))
    if (name.startsWith('x-forwarded-') || name === 'forwarded') delete message.headers[name];
  Object.assign(message.headers, {
    'x-forwarded-proto': protocol.slice(0, -1),
    'x-forwarded-host': host,
    'x-forwarded-for': ip,
  });
  return message;
}

/** What is no JSON object is refused by the server, in its own words. */
function shaped(body: Buffer): Buffer {
  try {
    const given: unknown = JSON.parse(body.toString('utf8'));
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return body;
    return Buffer.from(JSON.stringify(shapeClient(given as Record<string, unknown>)));
  } catch {
    return body;
  }
}

interface StepRequest {
  Params: { uid: string };
  Querystring: Record<string, string>;
}

async function pages(scope: FastifyInstance, server: AuthorizationServer): Promise<void> {
  await scope.register(formbody, { bodyLimit: MAX_FORM });
  const take = async (request: FastifyRequest<StepRequest>, reply: FastifyReply, step: Taker): Promise<unknown> => {
    const raw = forwarded(server, request, request.raw.url!);
    try {
      if (request.method === 'POST' && !isOwn(server, request.headers))
        throw new StepOver('the form was sent by another site');
      return send(reply, await step(raw, request.params.uid));
    } catch (error) {
      if (error instanceof StepOver) {
        server.refused(error.message, request.ip);
        return send(reply, overPage());
      }
      if (error instanceof FederationRefused)
        return send(reply, refusedPage(error, stepPath(server, request.params.uid)));
      if (isAway(error)) return send(reply, awayPage(stepPath(server, request.params.uid)));
      throw error;
    }
  };
  const at = `${INTERACTION}/:uid`;
  scope.get<StepRequest>(at, (request, reply) =>
    take(request, reply, (raw, uid) => server.interactions.show(raw, reply.raw, uid)),
  );
  scope.post<StepRequest>(`${at}/login`, (request, reply) =>
    take(request, reply, (raw, uid) =>
      server.interactions.signIn(raw, reply.raw, uid, request.body as Form, request.ip),
    ),
  );
  scope.post<StepRequest>(`${at}/consent`, (request, reply) =>
    take(request, reply, (raw, uid) =>
      server.interactions.decide(raw, reply.raw, uid, request.body as Form, request.ip),
    ),
  );
  scope.post<StepRequest>(`${at}/provider`, (request, reply) =>
    take(request, reply, async (raw, uid) => {
      const url = await server.interactions.leave(raw, reply.raw, uid, request.body as Form, request.ip);
      return { kind: 'redirect', url: url.href };
    }),
  );
  // the cookie of the step is sent to its own path alone
  scope.get<StepRequest>(CALLBACK, async (request, reply) => {
    const uid = server.federation?.stepOf(request.query.state ?? '');
    if (uid === undefined) {
      server.refused('the provider answered to what was never asked, or was answered before', request.ip);
      return send(reply, overPage());
    }
    const query = request.raw.url!.split('?', 2)[1] ?? '';
    return send(reply, {
      kind: 'redirect',
      url: `${stepPath(server, uid)}/provider?${query}`,
    });
  });
  scope.get<StepRequest>(`${at}/provider`, (request, reply) =>
    take(request, reply, (raw, uid) => {
      const query = new URLSearchParams(request.raw.url!.split('?', 2)[1]);
      return server.interactions.returned(raw, reply.raw, uid, query, request.ip);
    }),
  );
}

const stepPath = ({ path }: AuthorizationServer, uid: string): string =>
  `${path}${INTERACTION}/${encodeURIComponent(uid)}`;

type Taker = (raw: IncomingMessage, uid: string) => Promise<Step>;

/** A form is sent by a page of this server; browsers say where it was, in one way or both. */
function isOwn(server: AuthorizationServer, headers: IncomingMessage['headers']): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site === 'cross-site' || site === 'same-site') return false;
  return origin === undefined || origin === new URL(server.base).origin;
}

function send(reply: FastifyReply, step: Step): FastifyReply {
  if (step.kind === 'sent') return reply.hijack();
  if (step.kind === 'redirect')
    return reply.code(303).header('cache-control', 'no-store').header('location', step.url).send();
  return reply.code(step.status).headers(step.headers).send(step.html);
}
