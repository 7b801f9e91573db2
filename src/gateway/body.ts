/** From the body of a POST to what it is. */
import type { FastifyRequest } from 'fastify';
import { Fault } from '../errors.ts';
import { type Classified, classify } from '../protocol/classify.ts';
import { VERSION_HEADER } from '../protocol/headers.ts';
import { JsonSyntaxError } from '../protocol/json/scan.ts';
import { rawId, readMessages } from '../protocol/message.ts';
import { headerOf } from './guard.ts';

const EMPTY = Buffer.alloc(0);

/** Reads the body and decides what it is. @throws Fault `parse` or `bodyTooDeep` */
export function classifyBody(request: FastifyRequest, maxDepth: number): Classified {
  const body = request.body instanceof Buffer ? request.body : EMPTY;
  try {
    return classify(readMessages(body, maxDepth), headerOf(request, VERSION_HEADER));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    if (error.tooDeep) throw new Fault('bodyTooDeep', { limit: maxDepth });
    throw new Fault('parse', { detail: error.message });
  }
}

/** A body that is answered at once with its id, where that may be echoed. */
export class Rejected extends Fault {
  readonly rejection: Extract<Classified, { kind: 'rejected' }>;

  constructor(rejection: Extract<Classified, { kind: 'rejected' }>) {
    super(rejection.fault, { detail: rejection.detail });
    this.rejection = rejection;
    if (rejection.echo && rejection.message) this.id = rawId(rejection.message);
  }
}
