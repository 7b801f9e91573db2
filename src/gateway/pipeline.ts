/**
 * What a call goes through, in order (design.md §2): one function per stage, the first failure answers. `guard` and
 * `authenticate` run when the head of the request is there; the body is read after them.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate } from '../auth/authenticate.ts';
import { Fault } from '../errors.ts';
import type { MethodContext } from '../methods/context.ts';
import { methods } from '../methods/table.ts';
import type { Call, Principal } from '../protocol/call.ts';
import { type Classified, classify } from '../protocol/classify.ts';
import { VERSION_HEADER } from '../protocol/headers.ts';
import { JsonSyntaxError } from '../protocol/json/scan.ts';
import { readMessages } from '../protocol/message.ts';
import { Params, ParamsError } from '../protocol/params.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import type { Logger } from '../telemetry/log.ts';
import { headerOf } from './guard.ts';
import type { Heartbeat } from './heartbeat.ts';
import { legacyPost } from './legacy-post.ts';

export interface Gateway {
  readonly context: MethodContext;
  readonly sessions: SessionStore;
  readonly heartbeat: Heartbeat;
  readonly log: Logger;
  readonly maxDepth: number;
  readonly maxInFlight: number;
  readonly authenticate: Authenticate;
  guard(request: FastifyRequest, reply: FastifyReply): void;
  /** Whether the gateway takes no new work any more. */
  draining(): boolean;
}

/** Everything a POST goes through once its head passed the guard. */
export async function post(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (gateway.draining()) throw new Fault('draining');
  const principal = gateway.authenticate(request.headers);
  const classified = classifyBody(gateway, request);
  switch (classified.kind) {
    case 'rejected':
      throw new Rejected(classified);
    case 'modern-request':
    case 'modern-notification':
      throw new Fault('protocolVersion', { version: headerOf(request, VERSION_HEADER) ?? '', supported: SUPPORTED });
    default:
      return legacyPost(gateway, principal, classified, request, reply);
  }
}

/** Reads the body and decides what it is. @throws Fault `parse` or `bodyTooDeep` */
function classifyBody(gateway: Gateway, request: FastifyRequest): Classified {
  const body = request.body instanceof Buffer ? request.body : EMPTY;
  try {
    return classify(readMessages(body, gateway.maxDepth), headerOf(request, VERSION_HEADER));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    if (error.tooDeep) throw new Fault('bodyTooDeep', { limit: gateway.maxDepth });
    throw new Fault('parse', { detail: error.message });
  }
}

/** Runs one request to its method. Whatever goes wrong ends as the call's own error. */
export function dispatch(gateway: Gateway, call: Call): void {
  try {
    const method = methods.get(call.method);
    if (!method) throw new Fault('methodNotFound', { method: call.method });
    const params = new Params(call.message);
    (call as { progressToken: Call['progressToken'] }).progressToken = params.progressToken();
    const later = method(gateway.context, call, params);
    if (later) later.catch((error: unknown) => fail(gateway, call, error));
  } catch (error) {
    fail(gateway, call, error);
  }
}

function fail(gateway: Gateway, call: Call, error: unknown): void {
  if (error instanceof Fault) return call.sink.done({ kind: 'error', error });
  if (error instanceof ParamsError) {
    const fault = new Fault('invalidParams', { method: call.method, detail: error.message });
    return call.sink.done({ kind: 'error', error: fault });
  }
  gateway.log.error({ err: error, method: call.method }, 'a call failed inside the gateway');
  call.sink.done({ kind: 'error', error: new Fault('internal') });
}

/** A body that is answered at once with its id, where that may be echoed. */
export class Rejected extends Fault {
  readonly rejection: Extract<Classified, { kind: 'rejected' }>;

  constructor(rejection: Extract<Classified, { kind: 'rejected' }>) {
    super(rejection.fault, { detail: rejection.detail });
    this.rejection = rejection;
  }
}

/** Who calls, for the requests without a body. */
export const principalOf = (gateway: Gateway, request: FastifyRequest): Principal =>
  gateway.authenticate(request.headers);

const EMPTY = Buffer.alloc(0);
const SUPPORTED = '2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25';
