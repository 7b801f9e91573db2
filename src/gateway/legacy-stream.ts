/** GET and DELETE of a legacy client. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../errors.ts';
import { accepts, VERSION_HEADER } from '../protocol/headers.ts';
import { isModernVersion } from '../protocol/versions.ts';
import { whenExpired } from './expiry.ts';
import type { Gateway } from './gateway.ts';
import { headerOf } from './guard.ts';
import { checkVersion, sessionOf } from './legacy-post.ts';

/**
 * Opens the session's standalone stream, where a newer connection takes the place of an older one; or, with
 * `Last-Event-ID`, goes on with the stream that event was on.
 */
export function openStream(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): void {
  refuseModern(request, reply);
  if (gateway.draining()) throw new Fault('draining');
  if (!request.headers.accept || !accepts(request.headers.accept, 'text/event-stream'))
    throw new Fault('notAcceptable', { need: 'text/event-stream' });
  checkVersion(request);
  const session = sessionOf(gateway, request);
  const { raw } = reply;
  const lastEventId = headerOf(request, 'last-event-id');
  const stream = lastEventId ? session.resume(lastEventId, raw) : session.standalone;
  if (!stream) throw new Fault('eventUnknown');
  // tells a client that would come back for ever to stay away (WHATWG HTML §9.2)
  if (stream === 'over') return void reply.code(204).send();
  reply.hijack();
  session.watch(raw);
  if (!lastEventId) stream.attach(raw);
  const { streams } = gateway.timing;
  streams.add(stream);
  // with newer credentials the client comes back, and misses nothing
  const stop = whenExpired(
    () => session.principal,
    () => stream.pause(gateway.retry),
  );
  raw.once('close', () => {
    stop();
    if (!stream.attached) streams.delete(stream);
    session.usedAt = Date.now();
  });
}

/** Ends the session and everything under it. */
export function endSession(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): void {
  refuseModern(request, reply);
  checkVersion(request);
  gateway.context.sessions.end(sessionOf(gateway, request), 'the client closed it');
  reply.code(200).send();
}

function refuseModern(request: FastifyRequest, reply: FastifyReply): void {
  const version = headerOf(request, VERSION_HEADER);
  if (version === undefined || !isModernVersion(version)) return;
  reply.header('allow', 'POST');
  throw new Fault('methodNotAllowed', { method: `${request.method} with this protocol version`, allow: 'POST' });
}
