/** POST from a legacy client: handshake, requests, notifications, responses and batches. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../errors.ts';
import { authorize } from '../methods/authorize.ts';
import type { Classified } from '../protocol/classify.ts';
import { accepts, SESSION_HEADER, VERSION_HEADER } from '../protocol/headers.ts';
import { composeError, composeResult, type Message, rawId } from '../protocol/message.ts';
import { ParamsError } from '../protocol/params.ts';
import { BATCH_VERSION, isLegacyVersion, LEGACY_VERSIONS } from '../protocol/versions.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { noteForeign } from './door.ts';
import type { Gateway } from './gateway.ts';
import { headerOf } from './guard.ts';
import { batch } from './legacy-batch.ts';
import { enter } from './legacy-call.ts';
import { notified, responded } from './legacy-notifications.ts';
import { openSession } from './legacy-open.ts';
import { PostReply } from './post-reply.ts';
import { passedOn, SESSIONS_HEADER } from './workers/peers.ts';

type Legacy = Extract<Classified, { kind: `legacy-${string}` }>;

/** @returns a promise where something is waited for before the reply is taken care of */
export function legacyPost(
  gateway: Gateway,
  body: Legacy,
  request: FastifyRequest,
  reply: FastifyReply,
): void | Promise<void> {
  if (!accepts(request.headers.accept, 'application/json') || !accepts(request.headers.accept, 'text/event-stream'))
    throw new Fault('notAcceptable', { need: 'application/json and text/event-stream' });
  checkVersion(request);
  if (body.kind === 'legacy-request' && body.message.method === 'initialize')
    return initialize(gateway, body.message, request, reply);

  if (body.kind === 'legacy-batch' && body.messages.some((m) => m?.method === 'initialize'))
    throw new Fault('batch', { detail: 'initialize stands alone' });

  const session = sessionOf(gateway, request);
  const { principal } = request;
  const waiting = authorize(gateway.context, { principal, client: session.client }, requestsOf(body));
  if (!waiting) return take(gateway, session, body, request, reply);
  return waiting.then(() => {
    // it may have ended, or its client hung up, while catalogs were waited for
    const still = sessionOf(gateway, request);
    if (!reply.raw.destroyed) take(gateway, still, body, request, reply);
  });
}

/** What a session does with what it may. */
function take(
  gateway: Gateway,
  session: LegacySession,
  body: Legacy,
  { principal }: FastifyRequest,
  reply: FastifyReply,
): void {
  switch (body.kind) {
    case 'legacy-request':
      reply.hijack();
      return enter(
        gateway,
        session,
        principal,
        body.message,
        new PostReply(reply.raw, session, gateway.timing, 1, false),
      );
    case 'legacy-notification':
      notified(gateway, session, body.message);
      break;
    case 'legacy-response':
      responded(gateway, session, body.message);
      break;
    case 'legacy-batch':
      if (session.version !== BATCH_VERSION)
        throw new Fault('batch', { detail: `this session speaks ${session.version}` });
      if (batch(gateway, session, principal, body.messages, reply)) return;
  }
  reply.code(202).send();
}

/** What is asked for in a body. */
function requestsOf(body: Legacy): readonly Message[] {
  const all = body.kind === 'legacy-batch' ? body.messages : [body.message];
  return all.filter((message) => message?.id !== undefined && message.method !== undefined) as Message[];
}

/** The session a request names. @throws Fault `sessionMissing` (400) or `sessionUnknown` (404) */
export function sessionOf(gateway: Gateway, request: FastifyRequest): LegacySession {
  const id = headerOf(request, SESSION_HEADER);
  if (!id) throw new Fault('sessionMissing');
  const { sessions } = gateway.context;
  noteForeign(gateway.door, request, sessions.byId(id)?.principal);
  return sessions.get(id, request.principal, request.profile.name);
}

/** A version header is optional, and lenient about which legacy version it names. */
export function checkVersion(request: FastifyRequest): void {
  const version = headerOf(request, VERSION_HEADER);
  if (version !== undefined && !isLegacyVersion(version))
    throw new Fault('protocolVersion', { version, supported: LEGACY_VERSIONS.join(', ') });
}

async function initialize(
  gateway: Gateway,
  message: Message,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  request.profile.scopes.allow(request.principal, [{ method: 'initialize' }]);
  if (isLive(gateway, request, headerOf(request, SESSION_HEADER))) throw new Fault('sessionLive');
  if (await begunElsewhere(gateway, request, reply)) return;
  const id = rawId(message)!;
  reply.type('application/json');
  try {
    const { session, result } = await openSession(gateway, request, message, { resumable: true });
    if (passedOn.has(request.raw)) reply.header(SESSIONS_HEADER, gateway.context.sessions.size);
    reply.header(SESSION_HEADER, session.id).send(composeResult(id, result));
  } catch (error) {
    if (!(error instanceof ParamsError)) throw error;
    reply.send(composeError(id, new Fault('invalidParams', { method: 'initialize', detail: error.message })));
  }
}

/** Whether another worker has fewer sessions, and has begun this one. */
async function begunElsewhere(
  { peers, context }: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  const lighter = peers && !passedOn.has(request.raw) ? peers.lighter(context.sessions.size) : undefined;
  if (lighter === undefined || !(await peers!.begin(lighter, request, reply, request.body as Buffer))) return false;
  reply.hijack();
  return true;
}

/** A stale session id on `initialize` is no reason to refuse: the client is just starting anew. */
function isLive(gateway: Gateway, { principal, profile }: FastifyRequest, id: string | undefined): boolean {
  const session = id === undefined ? undefined : gateway.context.sessions.byId(id);
  return session?.principal.key === principal.key && session.client.profile === profile.name;
}
