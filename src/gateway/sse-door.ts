/**
 * The front door for hosts that speak HTTP+SSE of 2024-11-05 only: one event stream, messages posted beside it. The
 * stream is the session: when it closes, the session ends.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DEFAULT_PROFILE, type Profile } from '../auth/profiles.ts';
import { Fault } from '../errors.ts';
import { authorize } from '../methods/authorize.ts';
import type { Principal } from '../protocol/call.ts';
import { type Pieces, whole } from '../protocol/json/pieces.ts';
import { composeError, composeResult, type Message, rawId } from '../protocol/message.ts';
import { ParamsError } from '../protocol/params.ts';
import { SSE_HEAD, SSE_KEEPALIVE } from '../protocol/sse.ts';
import { hangUp } from '../sessions/connection.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { owned } from '../sessions/owner.ts';
import type { Pressure } from '../sessions/pressure.ts';
import type { SessionStream } from '../sessions/session-stream.ts';
import { classifyBody, Rejected } from './body.ts';
import { noteForeign } from './door.ts';
import { whenExpired } from './expiry.ts';
import type { Gateway } from './gateway.ts';
import { enter } from './legacy-call.ts';
import { notified, responded } from './legacy-notifications.ts';
import { openSession } from './legacy-open.ts';
import type { Reply } from './reply.ts';

/** How long a client may take from opening its stream to its `initialize`, milliseconds. */
const HANDSHAKE = 60_000;

interface Door {
  readonly principal: Principal;
  readonly profile: Profile;
  readonly raw: FastifyReply['raw'];
  /** Gives its place among the sessions of its principal back. */
  readonly leave: () => void;
  session: LegacySession | undefined;
  /** Whether the client has said `initialize`. */
  opening: boolean;
  beat(): void;
}

export class SseDoor {
  readonly #gateway: Gateway;
  readonly #doors = new Map<string, Door>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /**
   * GET /sse: opens the stream and names the address to post to.
   * @throws Fault `sessionLimit`, since every open stream is a session to be
   */
  open(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#gateway.draining()) throw new Fault('draining');
    const { sessions } = this.#gateway.context;
    const { streams } = this.#gateway.timing;
    const { principal, profile } = request;
    const leave = sessions.claim(principal);
    const id = owned(randomUUID(), this.#gateway.context.worker);
    const { raw } = reply.hijack();
    const door: Door = { principal, profile, raw, leave, session: undefined, opening: false, beat: () => beat(raw) };
    this.#doors.set(id, door);
    const patience = Math.min(HANDSHAKE, sessions.idleTimeout);
    const late = setTimeout(() => {
      if (door.session) return;
      if (door.opening) return void late.refresh();
      this.#gateway.log.info({ patience }, 'closed a stream whose client sent no initialize');
      hangUp(raw);
    }, patience).unref();
    raw.once('close', () => {
      clearTimeout(late);
      stop();
      streams.delete(door);
      this.#doors.delete(id);
      leave();
      if (door.session) sessions.end(door.session, 'the client closed its stream');
    });
    const stop = whenExpired(
      () => door.session?.principal ?? door.principal,
      () => hangUp(raw),
    );
    raw.writeHead(200, SSE_HEAD);
    const at = profile.name === DEFAULT_PROFILE ? '' : `/${profile.name}`;
    raw.write(`event: endpoint\ndata: ${this.#gateway.basePath}/messages${at}?sessionId=${id}\n\n`);
    streams.add(door);
  }

  /** POST /messages?sessionId=…: the answer comes on the stream. */
  async post(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.#gateway.draining()) throw new Fault('draining');
    const { sessionId } = request.query as { sessionId?: unknown };
    if (typeof sessionId !== 'string') throw new Fault('sessionMissing');
    const door = this.#doors.get(sessionId);
    noteForeign(this.#gateway.door, request, door?.principal);
    if (!door || door.principal.key !== request.principal.key || door.profile.name !== request.profile.name)
      throw new Fault('sessionUnknown');
    const body = classifyBody(request, this.#gateway.maxDepth);
    switch (body.kind) {
      case 'rejected':
        throw new Rejected(body);
      case 'legacy-request':
        await this.#request(door, request, body.message);
        break;
      case 'legacy-notification':
        notified(this.#gateway, this.#session(door, request.principal), body.message);
        break;
      case 'legacy-response':
        responded(this.#gateway, this.#session(door, request.principal), body.message);
        break;
      default:
        throw new Fault('invalidRequest', { detail: 'one legacy message at a time' });
    }
    reply.code(202).send();
  }

  async #request(door: Door, request: FastifyRequest, message: Message): Promise<void> {
    const { principal, profile } = request;
    if (message.method !== 'initialize') {
      const { client } = this.#session(door, principal);
      const waiting = authorize(this.#gateway.context, { principal, client }, [message]);
      if (waiting) await waiting;
      const session = this.#session(door, principal);
      return enter(this.#gateway, session, principal, message, new DoorReply(session));
    }
    profile.scopes.allow(principal, [{ method: 'initialize' }]);
    if (door.opening) throw new Fault('sessionLive');
    door.opening = true;
    const id = rawId(message)!;
    try {
      const transport = { resumable: false, place: door.leave };
      const { session, result } = await openSession(this.#gateway, request, message, transport);
      door.session = session;
      session.watch(door.raw);
      session.standalone.attach(door.raw);
      const { streams } = this.#gateway.timing;
      streams.delete(door);
      streams.add(session.standalone);
      door.raw.once('close', () => streams.delete(session.standalone));
      session.standalone.send(composeResult(id, result), 'answer');
      if (door.raw.destroyed) this.#gateway.context.sessions.end(session, 'the client closed its stream');
    } catch (error) {
      door.opening = false;
      if (!(error instanceof ParamsError)) throw error;
      const fault = new Fault('invalidParams', { method: 'initialize', detail: error.message });
      door.raw.write(`event: message\ndata: ${composeError(id, fault)}\n\n`);
    }
  }

  #session(door: Door, principal: Principal): LegacySession {
    if (!door.session) throw new Fault('sessionMissing');
    return this.#gateway.context.sessions.get(door.session.id, principal, door.profile.name);
  }
}

function beat(raw: FastifyReply['raw']): void {
  if (!raw.destroyed && !raw.writableEnded) raw.write(SSE_KEEPALIVE);
}

/** Everything goes on the one stream. */
class DoorReply implements Reply {
  readonly pressure: Pressure;
  readonly #stream: SessionStream;

  constructor({ standalone, pressure }: LegacySession) {
    this.pressure = pressure;
    this.#stream = standalone;
  }

  log(message: Buffer): void {
    this.#stream.send(message, 'log');
  }

  progress(token: string, message: Buffer): void {
    this.#stream.send(message, 'progress', token);
  }

  respond(message: Pieces): void {
    this.#stream.send(whole(message), 'answer');
  }

  drop(): void {
    // the stream stays
  }

  stream(): SessionStream {
    return this.#stream;
  }

  away(): void {
    // this transport cannot resume
  }
}
