/**
 * What a call goes through, in order (design.md §2): one function per stage, the first failure answers. `guard` and
 * `authenticate` run when the head of the request is there; the body is read after them.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../errors.ts';
import { VERSION_HEADER } from '../protocol/headers.ts';
import { LEGACY_VERSIONS } from '../protocol/versions.ts';
import { classifyBody, Rejected } from './body.ts';
import { type Gateway, principalOf } from './gateway.ts';
import { headerOf } from './guard.ts';
import { legacyPost } from './legacy-post.ts';

/** Everything a POST goes through once its head passed the guard. */
export async function post(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (gateway.draining()) throw new Fault('draining');
  const principal = principalOf(gateway, request);
  const classified = classifyBody(request, gateway.maxDepth);
  switch (classified.kind) {
    case 'rejected':
      throw new Rejected(classified);
    case 'modern-request':
    case 'modern-notification':
      throw new Fault('protocolVersion', {
        version: headerOf(request, VERSION_HEADER) ?? '',
        supported: LEGACY_VERSIONS.join(', '),
      });
    default:
      return legacyPost(gateway, principal, classified, request, reply);
  }
}
