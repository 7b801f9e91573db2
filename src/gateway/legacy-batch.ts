/** Batches of version 2025-03-26: every element on its own, one reply for all. */
import type { FastifyReply } from 'fastify';
import { Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import { malformed } from '../protocol/classify.ts';
import { composeError, type Message, rawId } from '../protocol/message.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { Gateway } from './gateway.ts';
import { enter } from './legacy-call.ts';
import { notified, responded } from './legacy-notifications.ts';
import { PostReply } from './post-reply.ts';
import type { Reply } from './reply.ts';

type Element = Message | undefined;

/** @returns whether the batch holds anything to answer, in which case the reply is taken care of */
export function batch(
  gateway: Gateway,
  session: LegacySession,
  principal: Principal,
  elements: readonly Element[],
  reply: FastifyReply,
): boolean {
  const faults = elements.map(faultOf);
  const answers = elements.filter((m, i) => faults[i] || (m?.id && m.method !== undefined)).length;
  if (answers === 0) {
    for (const message of elements) silent(gateway, session, message!);
    return false;
  }
  const shared = new PostReply(reply.hijack().raw, session, gateway.timing, answers, true);
  for (const [i, message] of elements.entries()) {
    const fault = faults[i];
    if (fault) refuse(shared, message, fault);
    else if (message!.id && message!.method !== undefined) enter(gateway, session, principal, message!, shared);
    else silent(gateway, session, message!);
  }
  return true;
}

function faultOf(message: Element): Fault | undefined {
  const detail = message ? malformed(message) : 'expected an object';
  if (detail !== undefined) return new Fault('invalidRequest', { detail });
  const { idKind, method } = message!;
  return method !== undefined && (idKind === 'null' || idKind === 'other') ? new Fault('invalidId') : undefined;
}

function refuse(reply: Reply, message: Element, fault: Fault): void {
  const readable = message && (message.idKind === 'string' || message.idKind === 'integer');
  reply.respond([composeError(readable ? rawId(message) : undefined, fault)]);
}

/** What asks for no answer. */
function silent(gateway: Gateway, session: LegacySession, message: Message): void {
  if (message.method === undefined) responded(gateway, session, message);
  else notified(gateway, session, message);
}
