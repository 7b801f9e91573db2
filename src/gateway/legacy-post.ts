/** POST from a legacy client: handshake, requests, notifications, responses and batches (protocol.md §1.4, §1.7). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../errors.ts';
import { initializeResult } from '../methods/initialize.ts';
import type { Principal } from '../protocol/call.ts';
import { type Classified, malformed } from '../protocol/classify.ts';
import { accepts, SESSION_HEADER, VERSION_HEADER } from '../protocol/headers.ts';
import { isObjectAt } from '../protocol/json/scan.ts';
import { composeError, composeResult, idKey, type Message, rawId, valueAt } from '../protocol/message.ts';
import { BATCH_VERSION, isLegacyVersion, LEGACY_VERSIONS, negotiate } from '../protocol/versions.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { headerOf } from './guard.ts';
import { LegacyCall } from './legacy-call.ts';
import { dispatch, type Gateway } from './pipeline.ts';
import { PostReply } from './post-reply.ts';

type Legacy = Extract<Classified, { kind: `legacy-${string}` }>;

export async function legacyPost(
  gateway: Gateway,
  principal: Principal,
  body: Legacy,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (!accepts(request.headers.accept, 'application/json') || !accepts(request.headers.accept, 'text/event-stream'))
    throw new Fault('notAcceptable', { need: 'application/json and text/event-stream' });
  checkVersion(request);
  if (body.kind === 'legacy-request' && body.message.method === 'initialize')
    return initialize(gateway, principal, body.message, request, reply);

  const session = sessionOf(gateway, principal, request);
  switch (body.kind) {
    case 'legacy-request':
      reply.hijack();
      return call(gateway, session, body.message, new PostReply(reply.raw, gateway.heartbeat, 1, false));
    case 'legacy-notification':
      notified(session, body.message);
      break;
    case 'legacy-response':
      gateway.log.debug({ id: rawId(body.message) }, 'ignored an answer that nobody waits for');
      break;
    case 'legacy-batch':
      if (session.version !== BATCH_VERSION)
        throw new Fault('batch', { detail: `this session speaks ${session.version}` });
      if (batch(gateway, session, body.messages, reply)) return;
  }
  reply.code(202).send();
}

/** The session a request names. @throws Fault `sessionMissing` (400) or `sessionUnknown` (404) */
export function sessionOf(gateway: Gateway, principal: Principal, request: FastifyRequest): LegacySession {
  const id = headerOf(request, SESSION_HEADER);
  if (!id) throw new Fault('sessionMissing');
  return gateway.sessions.get(id, principal);
}

/** A version header is optional, and lenient about which legacy version it names. */
export function checkVersion(request: FastifyRequest): void {
  const version = headerOf(request, VERSION_HEADER);
  if (version !== undefined && !isLegacyVersion(version))
    throw new Fault('protocolVersion', { version, supported: LEGACY_VERSIONS.join(', ') });
}

async function initialize(
  gateway: Gateway,
  principal: Principal,
  message: Message,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (isLive(gateway, principal, headerOf(request, SESSION_HEADER))) throw new Fault('sessionLive');
  const id = rawId(message)!;
  const { bytes, params } = message;
  const asked = params && isObjectAt(bytes, params.start) ? (valueAt(bytes, params) as Record<string, unknown>) : {};
  if (typeof asked.protocolVersion !== 'string') {
    const fault = new Fault('invalidParams', { method: 'initialize', detail: '"protocolVersion" must be a string' });
    reply.type('application/json').send(composeError(id, fault));
    return;
  }
  const version = negotiate(asked.protocolVersion);
  const client = {
    era: 'legacy' as const,
    version,
    capabilities: asObject(asked.capabilities) ?? {},
    info: asObject(asked.clientInfo),
  };
  const session = gateway.sessions.create(principal, client, version);
  gateway.log.info({ client: client.info?.name, clientVersion: client.info?.version, version }, 'session opened');
  const result = await initializeResult(gateway.context, version);
  reply.header(SESSION_HEADER, session.id).type('application/json').send(composeResult(id, result));
}

/** A stale session id on `initialize` is no reason to refuse: the client is just starting anew. */
function isLive(gateway: Gateway, principal: Principal, id: string | undefined): boolean {
  if (!id) return false;
  try {
    gateway.sessions.get(id, principal);
    return true;
  } catch {
    return false;
  }
}

function call(gateway: Gateway, session: LegacySession, message: Message, reply: PostReply): void {
  const entered = new LegacyCall(session, message, reply);
  if (session.inFlight.size >= gateway.maxInFlight) {
    const error = new Fault('tooManyInFlight', { limit: gateway.maxInFlight });
    return entered.done({ kind: 'error', error });
  }
  if (!entered.enter()) return entered.done({ kind: 'error', error: new Fault('duplicateId', { id: entered.id }) });
  dispatch(gateway, entered);
}

function notified(session: LegacySession, message: Message): void {
  switch (message.method) {
    case 'notifications/initialized':
      session.initialized = true;
      return;
    case 'notifications/cancelled': {
      const { bytes, params } = message;
      if (!params || !isObjectAt(bytes, params.start)) return;
      const { requestId, reason } = valueAt(bytes, params) as Record<string, unknown>;
      if (typeof requestId !== 'string' && typeof requestId !== 'number') return;
      const target = session.inFlight.get(idKey(JSON.stringify(requestId)));
      if (target instanceof LegacyCall) target.cancel(typeof reason === 'string' ? reason : undefined);
    }
  }
}

/** @returns whether the batch holds anything to answer, in which case the reply is taken care of */
function batch(
  gateway: Gateway,
  session: LegacySession,
  messages: readonly (Message | undefined)[],
  reply: FastifyReply,
): boolean {
  if (messages.some((m) => m?.method === 'initialize')) throw new Fault('batch', { detail: 'initialize stands alone' });
  const faults = messages.map((m) => (m ? malformed(m) : 'expected an object'));
  const asks = messages.filter((m, i) => faults[i] !== undefined || (m?.id && m.method !== undefined));
  const shared = asks.length > 0 ? new PostReply(reply.hijack().raw, gateway.heartbeat, asks.length, true) : undefined;
  for (const [i, message] of messages.entries()) {
    const fault = faults[i];
    const badId = message?.method !== undefined && (message.idKind === 'null' || message.idKind === 'other');
    if (fault !== undefined || badId) {
      const echo =
        message && (message.idKind === 'string' || message.idKind === 'integer') ? rawId(message) : undefined;
      const error = badId ? new Fault('invalidId') : new Fault('invalidRequest', { detail: fault ?? '' });
      shared?.respond(composeError(echo, error));
    } else if (message?.method === undefined) continue;
    else if (message.id) call(gateway, session, message, shared!);
    else notified(session, message);
  }
  return shared !== undefined;
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
