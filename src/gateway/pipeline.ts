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
import type { Principal } from '../protocol/call.ts';
import { type Message, rawId } from '../protocol/message.ts';
import { classifyBody, Rejected } from './body.ts';
import type { Gateway } from './gateway.ts';
import { legacyPost } from './legacy-post.ts';
import type { Admit } from './limits.ts';
import { modernPost } from './modern-post.ts';
import { passedOn } from './workers/peers.ts';

/**
 * What every request goes through when its head is there. A preflight carries no credentials.
 * @returns a promise where credentials have to be checked, which those that are known are not; nothing is waited for else
 */
export function arrive(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  admit?: Admit,
): void | Promise<void> {
  gateway.guard(request, reply);
  if (request.method === 'OPTIONS') return;
  request.profile = profileOf(gateway, request);
  const principal = gateway.auth.authenticate(request, request.profile.path);
  if (!(principal instanceof Promise)) return letIn(gateway, request, principal, admit);
  return principal.then((checked) => letIn(gateway, request, checked, admit));
}

function letIn(gateway: Gateway, request: FastifyRequest, principal: Principal, admit?: Admit): void {
  request.principal = principal;
  request.profile.scopes.admit(principal);
  gateway.door.arrived?.(principal, request);
  // what another worker has counted is not counted twice
  if (admit && !passedOn.get(request.raw)?.counted) admit(request);
}

/** What a request for figures goes through: where clients sign in, it needs a key or token for that. */
export async function arriveForMetrics(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  gateway.guard(request, reply);
  if (gateway.open) return;
  request.profile = gateway.context.profiles.usual;
  const principal = await gateway.auth.authenticate(request, request.profile.path);
  request.principal = principal;
  request.profile.scopes.allowMetrics(principal);
  gateway.door.arrived?.(principal, request);
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

/**
 * Everything a POST goes through once its head passed the guard.
 * @returns a promise where something is waited for before the reply is taken care of
 */
export function post(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): void | Promise<void> {
  if (gateway.draining()) throw new Fault('draining');
  const classified = classifyBody(request, gateway.maxDepth);
  switch (classified.kind) {
    case 'rejected':
      throw new Rejected(classified);
    case 'modern-request':
    case 'modern-notification':
      return named(classified.message, () => modernPost(gateway, classified, request, reply));
    default:
      return named(classified.kind === 'legacy-request' ? classified.message : undefined, () =>
        legacyPost(gateway, classified, request, reply),
      );
  }
}

/** A refusal names the request that it answers. */
function named(request: Message | undefined, serve: () => void | Promise<void>): void | Promise<void> {
  const refused = (error: unknown): never => {
    if (error instanceof Fault && request?.id) error.id = rawId(request);
    throw error;
  };
  try {
    return serve()?.catch(refused);
  } catch (error) {
    return refused(error);
  }
}
