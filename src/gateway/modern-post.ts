/** POST from a modern client: what a request must be like before it is served, in the order in which that is judged. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { audienceOf, declaredCapabilities } from '../bridge/declare.ts';
import { Fault } from '../errors.ts';
import { authorize } from '../methods/authorize.ts';
import { isSole } from '../methods/context.ts';
import { serves } from '../methods/discover.ts';
import type { ClientFacts } from '../protocol/call.ts';
import type { Classified } from '../protocol/classify.ts';
import { decodeHeaderValue, withoutBlanks } from '../protocol/header-value.ts';
import { accepts, METHOD_HEADER, NAME_HEADER, PARAM_PREFIX } from '../protocol/headers.ts';
import { isStringAt, memberOf, textOf } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';
import { modernMethods } from '../protocol/methods.ts';
import { type Envelope, readEnvelope } from '../protocol/modern/envelope.ts';
import { Params, ParamsError } from '../protocol/params.ts';
import { isSupportedModern, MODERN_VERSIONS } from '../protocol/versions.ts';
import { LOG_LEVELS } from '../sessions/log-level.ts';
import type { Gateway } from './gateway.ts';
import { headerOf } from './guard.ts';
import { serveModern } from './modern-call.ts';
import { openListen } from './modern-listen.ts';
import { ownerOfBody } from './workers/divert.ts';
import { type Peers, passedOn } from './workers/peers.ts';

type Modern = Extract<Classified, { kind: `modern-${string}` }>;

/** @throws Fault for a request that is refused before it is served */
export async function modernPost(
  gateway: Gateway,
  body: Modern,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (body.kind === 'modern-notification') {
    // ids are the client's own and not unique: what it wants to cancel, it cancels by hanging up
    reply.code(202).send();
    return;
  }
  const { message, claim } = body;
  const method = message.method!;
  if (!isSupportedModern(claim))
    throw new Fault(
      'unsupportedVersion',
      { version: String(claim), supported: MODERN_VERSIONS.join(', ') },
      { supported: MODERN_VERSIONS, requested: claim },
    );
  const { params, envelope } = read(message);
  checkHeaders(message, params, request);
  const { peers } = gateway;
  const owner = peers && !passedOn.has(request.raw) ? ownerOfBody(message, params) : undefined;
  if (peers?.isOther(owner) && (await elsewhere(peers, owner, request, reply))) return;
  const { principal, profile } = request;
  const client = factsOf(gateway, envelope, profile.name);
  if (!(await serves(gateway.context, { principal, client }, method))) throw new Fault('methodNotServed', { method });
  const { logLevel } = envelope;
  if (logLevel !== undefined && !(LOG_LEVELS as readonly unknown[]).includes(logLevel))
    throw new Fault('invalidEnvelope', { detail: `the log level must be one of ${LOG_LEVELS.join(', ')}` });
  if (!accepts(request.headers.accept, 'application/json') && !accepts(request.headers.accept, 'text/event-stream'))
    throw new Fault('notAcceptable', { need: 'application/json and text/event-stream' });
  const waiting = authorize(gateway.context, { principal, client }, [message]);
  if (waiting) await waiting;
  // it may have hung up while the catalogs were waited for
  if (reply.raw.destroyed) return;
  reply.hijack();
  const asked = {
    principal,
    client,
    message,
    logLevel: logLevel as string | undefined,
    paramHeaders: paramHeadersOf(request),
  };
  if (method === 'subscriptions/listen') openListen(gateway, asked, params, reply.raw);
  else serveModern(gateway, asked, reply.raw);
}

/** Whether the worker that holds what the request is about has answered it. */
async function elsewhere(peers: Peers, owner: number, request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
  if (!(await peers.pass(owner, request, reply, request.body as Buffer))) return false;
  reply.hijack();
  return true;
}

function read(message: Message): { params: Params; envelope: Envelope } {
  try {
    const params = new Params(message);
    return { params, envelope: readEnvelope(message, params) };
  } catch (error) {
    if (error instanceof ParamsError) throw new Fault('invalidEnvelope', { detail: error.message });
    throw error;
  }
}

/** Headers repeat what the body says, so that what stands in between need not read it; they must not say otherwise. */
function checkHeaders({ bytes, method }: Message, params: Params, request: FastifyRequest): void {
  const named = headerOf(request, METHOD_HEADER);
  if (named === undefined) throw mismatch('Mcp-Method is missing');
  if (named !== method) throw mismatch('Mcp-Method is not the method of the request');
  const key = modernMethods.get(method ?? '')?.named;
  const member = key && memberOf(params.members, key);
  // what is no string is told by the method itself
  if (!key || !member || !isStringAt(bytes, member.start)) return;
  const header = headerOf(request, NAME_HEADER);
  if (header === undefined) throw mismatch('Mcp-Name is missing');
  const name = decodeHeaderValue(header);
  if (name === undefined) throw mismatch('Mcp-Name is no proper header value');
  if (name !== textOf(bytes, member.start, member.end)) throw mismatch(`Mcp-Name is not params.${key}`);
}

const mismatch = (detail: string): Fault => new Fault('headerMismatch', { detail });

function paramHeadersOf({ headers }: FastifyRequest): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(headers))
    if (name.startsWith(PARAM_PREFIX)) found[name] = withoutBlanks(String(headers[name]));
  return found;
}

/** Clients send the same capabilities with every request: what follows from them is kept. */
const audiences = new Map<string, string>();
const MOST_AUDIENCES = 1_000;

function factsOf(
  { context }: Gateway,
  { version, capabilities, declared, info }: Envelope,
  profile: string,
): ClientFacts {
  const key = `${isSole(context)}${declared}`;
  let audience = audiences.get(key);
  if (audience === undefined) {
    audience = audienceOf(declaredCapabilities(capabilities, isSole(context)));
    if (audiences.size >= MOST_AUDIENCES) audiences.clear();
    if (key.length < 4_096) audiences.set(key, audience);
  }
  return { era: 'modern', version, capabilities, info, profile, audience };
}
