/** Which worker a request is for, where several serve one port: told by the handle that it names. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Fault } from '../../errors.ts';
import { SESSION_HEADER } from '../../protocol/headers.ts';
import { isObjectAt, isStringAt, type Member, memberOf, members, textOf } from '../../protocol/json/scan.ts';
import type { Message } from '../../protocol/message.ts';
import type { Params } from '../../protocol/params.ts';
import { ownerOf } from '../../sessions/owner.ts';
import { atHome, type Peers, passedOn, SIGN_IN_WORKER } from './peers.ts';

/** Whatever else there is belongs to the sign-in. */
const EVERYWHERE = /^\/(?:mcp|sse|messages|healthz|readyz|metrics)(?:[/?]|$)/;
const DOOR_ID = /[?&]sessionId=([^&]*)/;

/**
 * Passes requests on whose head says that another worker holds their session, unread: it is that one who judges them. To
 * be called before there are other hooks.
 * @param signIn whether people and clients sign in here
 */
export function divert(app: FastifyInstance, peers: Peers, signIn: boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    if (passedOn.has(raw)) return done();
    const owner = ownerOfHead(request, signIn);
    if (!peers.isOther(owner)) {
      atHome(raw);
      return done();
    }
    peers
      .pass(owner, request, reply)
      .then((answered) => {
        if (answered) reply.hijack();
        // it ended a moment ago, and with it what was read of the body
        else if (raw.method === 'POST') done(new Fault(owner === SIGN_IN_WORKER ? 'workerLost' : 'sessionUnknown'));
        else done();
      })
      .catch(done);
  });
}

function ownerOfHead({ raw, headers }: FastifyRequest, signIn: boolean): number | undefined {
  const url = raw.url!;
  const session = headers[SESSION_HEADER];
  if (typeof session === 'string') return ownerOf(session);
  if (url.startsWith('/messages')) return ownerOf(DOOR_ID.exec(url)?.[1] ?? '');
  return signIn && !EVERYWHERE.test(url) ? SIGN_IN_WORKER : undefined;
}

/** The worker that holds what the body of a modern request is about; `undefined` when any may serve it. */
export function ownerOfBody({ bytes, method }: Message, params: Params): number | undefined {
  const textAt = (list: readonly Member[], key: string): string => {
    const member = memberOf(list, key);
    return member && isStringAt(bytes, member.start) ? textOf(bytes, member.start, member.end) : '';
  };
  if (method?.startsWith('tasks/')) return ownerOf(textAt(params.members, 'taskId'));
  if (method !== 'subscriptions/listen') return ownerOf(textAt(params.members, 'requestState'));
  // of all that a client listens to, tasks alone are in one place
  const filter = memberOf(params.members, 'notifications');
  const tasks =
    filter && isObjectAt(bytes, filter.start) ? memberOf(members(bytes, filter.start), 'taskIds') : undefined;
  if (!tasks) return undefined;
  const ids = JSON.parse(bytes.toString('utf8', tasks.start, tasks.end)) as unknown;
  const owners = Array.isArray(ids) ? ids.map((id) => (typeof id === 'string' ? ownerOf(id) : undefined)) : [];
  return owners.find((owner) => owner !== undefined);
}
