/** An upstream's JSON-RPC error as the client may see it. */
import { code, Fault } from '../errors.ts';
import type { Call, Outcome } from '../protocol/call.ts';
import { type Edit, insertMember } from '../protocol/json/edit.ts';
import {
  elements,
  isArrayAt,
  isObjectAt,
  isStringAt,
  type Member,
  memberOf,
  members,
  textOf,
} from '../protocol/json/scan.ts';
import { type Message, valueAt } from '../protocol/message.ts';
import { isSole, type MethodContext } from './context.ts';
import { sealState } from './request-state.ts';

/** Codes that the protocol leaves to implementations, and that mean nothing to others. */
const MEANINGLESS = (number: number): boolean => number <= -32000 && number >= -32019;

/** The outcome for an error: the upstream's own bytes, with what the client's era or names make different. */
export function relayedError(context: MethodContext, call: Call, message: Message): Outcome {
  const { bytes } = message;
  const error = members(bytes, message.error!.start);
  const codeAt = memberOf(error, 'code');
  const data = memberOf(error, 'data');
  const value = codeAt && valueAt(bytes, codeAt);
  // what is no number is left as it is
  const number = typeof value === 'number' ? value : 0;
  if (number === code.urlElicitationRequired)
    return call.client.era === 'modern'
      ? visitFirst(context, call, message, data)
      : elicitationRequired(context, call, message, data);
  if (call.client.era === 'modern' && call.lacking !== undefined) return lacking(call, call.lacking);
  const edits = exposedUri(context, call, message, data);
  const told =
    call.client.era === 'modern' ? forModern(call, bytes, number, data) : forLegacy(call, bytes, number, data);
  if (told instanceof Fault) return { kind: 'error', error: told };
  if (typeof told === 'string') return { kind: 'local', result: failed(told) };
  if (told !== number && codeAt) {
    edits.push({ start: codeAt.start, end: codeAt.end, text: String(told) });
    // what it was is not lost
    if (told === code.internalError && !data)
      edits.push(insertMember(message.error!, error, 'data', JSON.stringify({ upstream: { code: number } })));
  }
  if (told === code.invalidParams && number === code.resourceNotFound && !data) {
    const uri = call.target!.exposed;
    edits.push(insertMember(message.error!, error, 'data', JSON.stringify({ uri })));
  }
  return { kind: 'complete', message, edits };
}

/** The code for a modern client, or what it is told instead. */
function forModern(call: Call, bytes: Buffer, number: number, data: Member | undefined): number | Fault {
  if (number === code.missingCapability) return missing(call, bytes, number, data);
  if (number === code.resourceNotFound && call.method === 'resources/read') return code.invalidParams;
  return isOurs(number) || MEANINGLESS(number) ? code.internalError : number;
}

function missing(call: Call, bytes: Buffer, number: number, data: Member | undefined): number | Fault {
  const { requiredCapabilities } = (data ? valueAt(bytes, data) : {}) as { requiredCapabilities?: unknown };
  const required = Object.keys((requiredCapabilities ?? {}) as object);
  const undeclared = required.some((name) => !Object.hasOwn(call.client.capabilities, name));
  if (undeclared || required.length === 0) return number;
  // to be told to declare what it has declared would send the client round in circles
  const detail = `it needs ${required.join(', ')}, which it is not offered here`;
  return new Fault('notBridged', { upstream: call.target!.upstream, detail });
}

/** The code for a legacy client, or the text of a tool result. */
function forLegacy(call: Call, bytes: Buffer, number: number, data: Member | undefined): number | string {
  if (number === code.missingCapability) {
    const { requiredCapabilities } = (data ? valueAt(bytes, data) : {}) as { requiredCapabilities?: object };
    const names = Object.keys(requiredCapabilities ?? {}).join(', ') || 'a capability';
    const text = `${call.target!.upstream} needs ${names}, which this client does not support.`;
    return call.method === 'tools/call' ? text : code.internalError;
  }
  const hasUri = data && isObjectAt(bytes, data.start) && memberOf(members(bytes, data.start), 'uri');
  if (number === code.invalidParams && call.method === 'resources/read' && hasUri) return code.resourceNotFound;
  return number === code.headerMismatch || number === code.unsupportedVersion ? code.internalError : number;
}

/** The upstream failed after it was refused something: the client may declare that, unless it has and it was withheld. */
function lacking(call: Call, capability: string): Outcome {
  const { upstream } = call.target!;
  if (Object.hasOwn(call.client.capabilities, capability)) {
    const detail = `it needs ${capability}, which it is not offered here`;
    return { kind: 'error', error: new Fault('notBridged', { upstream, detail }) };
  }
  const data = { requiredCapabilities: { [capability]: {} } };
  return { kind: 'error', error: new Fault('missingCapability', { detail: capability }, data) };
}

/** What the gateway did wrong, not the client. */
const isOurs = (number: number): boolean =>
  number === code.parseError ||
  number === code.invalidRequest ||
  number === code.headerMismatch ||
  number === code.unsupportedVersion;

const failed = (text: string): string => JSON.stringify({ content: [{ type: 'text', text }], isError: true });

function exposedUri(context: MethodContext, call: Call, { bytes }: Message, data: Member | undefined): Edit[] {
  if (!data || !isObjectAt(bytes, data.start) || isSole(context)) return [];
  const uri = memberOf(members(bytes, data.start), 'uri');
  if (!uri || !isStringAt(bytes, uri.start)) return [];
  const known = textOf(bytes, uri.start, uri.end);
  const exposed = context.view(call).uris.exposeUri(call.target!.upstream, known);
  return exposed === known ? [] : [replace(uri, exposed)];
}

/** −32042: the client is to visit URLs first. One that cannot is told in a tool result, without them. */
function elicitationRequired(context: MethodContext, call: Call, message: Message, data: Member | undefined): Outcome {
  const { elicitation } = call.client.capabilities as { elicitation?: { url?: unknown } };
  if (typeof elicitation?.url !== 'object') {
    const text = `${call.target!.upstream} needs you to visit a web page first, which this client cannot show.`;
    if (call.method === 'tools/call') return { kind: 'local', result: failed(text) };
    return { kind: 'complete', message };
  }
  const { upstream } = call.target!;
  const edits = listed(message.bytes, data).flatMap(({ start }): Edit[] => {
    const { bytes } = message;
    const id = memberOf(members(bytes, start), 'elicitationId');
    if (!id || !isStringAt(bytes, id.start) || call.session === undefined) return [];
    const known = textOf(bytes, id.start, id.end);
    return [replace(id, context.elicitations.expose({ upstream, scope: call.scope! }, known, call.session))];
  });
  return { kind: 'complete', message, edits };
}

/** The same for a modern client, which is asked to visit them before it makes the request again. */
function visitFirst(context: MethodContext, call: Call, { bytes }: Message, data: Member | undefined): Outcome {
  const { elicitation } = call.client.capabilities as { elicitation?: { url?: unknown } };
  if (typeof elicitation?.url !== 'object') {
    const needed = { requiredCapabilities: { elicitation: { url: {} } } };
    return { kind: 'error', error: new Fault('missingCapability', { detail: 'elicitation.url' }, needed) };
  }
  const { upstream, exposed } = call.target!;
  const elicitations: { key: string; id: string }[] = [];
  const inputRequests: Record<string, object> = {};
  for (const [i, entry] of listed(bytes, data).entries()) {
    const { url, message, elicitationId } = valueAt(bytes, entry) as Record<string, unknown>;
    const key = `url_${i + 1}`;
    const text = isSole(context) ? String(message ?? '') : `[${upstream}] ${String(message ?? '')}`;
    elicitations.push({ key, id: String(elicitationId ?? '') });
    inputRequests[key] = { method: 'elicitation/create', params: { mode: 'url', message: text, url: String(url) } };
  }
  if (elicitations.length === 0) {
    const detail = 'it wants a web page to be visited and names none';
    return { kind: 'error', error: new Fault('notBridged', { upstream, detail }) };
  }
  const requestState = sealState(context, call, exposed, { kind: 'url', upstream, elicitations });
  return { kind: 'local', result: JSON.stringify({ inputRequests, requestState }), resultType: 'input_required' };
}

function listed(bytes: Buffer, data: Member | undefined): { start: number; end: number }[] {
  const list = data && isObjectAt(bytes, data.start) ? memberOf(members(bytes, data.start), 'elicitations') : undefined;
  if (!list || !isArrayAt(bytes, list.start)) return [];
  return elements(bytes, list.start).filter(({ start }) => isObjectAt(bytes, start));
}

const replace = ({ start, end }: Member, text: string): Edit => ({ start, end, text: JSON.stringify(text) });
