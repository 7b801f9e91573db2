/**
 * What a call goes through, in order. The first failure answers.
 *
 *   guard          {@link arrive}: method, Host, Origin (guard.ts)
 *   profile        {@link arrive}: which one the URL names (auth/profiles.ts)
 *   authenticate   {@link arrive}: who calls, and whether with the scopes that every token needs (auth/authenticate.ts,
 *                  auth/scopes.ts)
 *   admit          {@link arrive}: how often (limits.ts); only now is the body read, within its limits (app.ts)
 *   classify       {@link post}: which era, and what it is (body.ts, protocol/classify.ts)
 *   authorize      whether the scopes are enough for what is asked (methods/authorize.ts)
 *   open           the session, the call and its reply (legacy-post.ts, legacy-call.ts, post-reply.ts)
 *   resolve        exposed name or URI → upstream and upstream name (dispatch.ts → methods/, namespace/)
 *   lease          a link by the upstream's sharing rule (methods/route-one.ts, methods/scope.ts, upstreams/pool.ts)
 *   call           out under an id of the link's own (upstreams/legacy-link.ts, protocol/legacy/codec.ts)
 *   relay          progress, logs and rounds to the call's own sink (legacy-call.ts, bridge/)
 *   finish         the answer under the client's own id (protocol/legacy/answer.ts)
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Profile } from '../auth/profiles.ts';
import { Fault } from '../errors.ts';
import { type Message, rawId } from '../protocol/message.ts';
import { classifyBody, Rejected } from './body.ts';
import type { Gateway } from './gateway.ts';
import { legacyPost } from './legacy-post.ts';
import type { Admit } from './limits.ts';
import { modernPost } from './modern-post.ts';
import { passedOn } from './workers/peers.ts';

/** What every request goes through when its head is there. A preflight carries no credentials. */
export async function arrive(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  admit?: Admit,
): Promise<void> {
  gateway.guard(request, reply);
  if (request.method === 'OPTIONS') return;
  request.profile = profileOf(gateway, request);
  const principal = gateway.auth.authenticate(request, request.profile.path);
  request.principal = principal instanceof Promise ? await principal : principal;
  request.profile.scopes.admit(request.principal);
  gateway.door.arrived?.(request.principal, request);
  // what another worker has counted is not counted twice
  if (admit && !passedOn.get(request.raw)?.counted) await admit(request);
}

/** The profile that a request is for. @throws Fault `profileUnknown` */
function profileOf({ context: { profiles }, open }: Gateway, { params }: FastifyRequest): Profile {
  const { profile: name } = params as { profile?: string };
  const found = profiles.at(name);
  if (found) return found;
  // who has not signed in is not told what there is
  const others = open ? [...profiles.all()].map(({ path }) => path) : [profiles.usual.path];
  throw new Fault('profileUnknown', { profile: name!, others: others.join(', ') });
}

/** Everything a POST goes through once its head passed the guard. */
export async function post(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (gateway.draining()) throw new Fault('draining');
  const classified = classifyBody(request, gateway.maxDepth);
  switch (classified.kind) {
    case 'rejected':
      throw new Rejected(classified);
    case 'modern-request':
    case 'modern-notification':
      return named(modernPost(gateway, classified, request, reply), classified.message);
    default:
      return named(
        legacyPost(gateway, classified, request, reply),
        classified.kind === 'legacy-request' ? classified.message : undefined,
      );
  }
}

/** A refusal names the request that it answers. */
async function named(served: Promise<void>, request: Message | undefined): Promise<void> {
  try {
    await served;
  } catch (error) {
    if (error instanceof Fault && request?.id) error.id = rawId(request);
    throw error;
  }
}
