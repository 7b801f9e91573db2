/**
 * Which era a POSTed body belongs to, and what it is. Pure: the body decides, the version header is a
 * cross-check, and the answer is a value.
 */
import { isObjectAt, memberOf, members } from './json/scan.ts';
import { type Message, valueAt } from './message.ts';
import { CAPABILITIES_KEY, VERSION_KEY } from './meta.ts';
import { isModernVersion } from './versions.ts';

export type Body = Message | readonly (Message | undefined)[] | undefined;

export type Classified =
  | { readonly kind: 'legacy-request' | 'legacy-notification' | 'legacy-response'; readonly message: Message }
  | { readonly kind: 'legacy-batch'; readonly messages: readonly (Message | undefined)[] }
  | { readonly kind: 'modern-request'; readonly message: Message; readonly claim: unknown }
  | { readonly kind: 'modern-notification'; readonly message: Message }
  | Rejection;

/** A body that is answered at once. `echo` tells whether the request's id may be echoed. */
export interface Rejection {
  readonly kind: 'rejected';
  readonly fault: 'invalidRequest' | 'invalidId' | 'batch' | 'headerMismatch' | 'modernEnvelope';
  readonly detail: string;
  readonly echo: boolean;
  readonly message?: Message;
}

const MODERN_ONLY = new Set(['server/discover', 'subscriptions/listen']);
const NEEDED = `params._meta must hold "${VERSION_KEY}" and "${CAPABILITIES_KEY}"`;

/**
 * @param body what {@link readMessages} made of the POSTed text
 * @param header the `MCP-Protocol-Version` header, trimmed, or `undefined` when absent
 */
export function classify(body: Body, header: string | undefined): Classified {
  const modernHeader = header !== undefined && isModernVersion(header);
  if (isBatch(body)) return classifyBatch(body, modernHeader);
  if (!body) return reject('invalidRequest', 'expected an object');
  const fault = malformed(body);
  if (fault) return reject('invalidRequest', fault, body);

  if (body.method === undefined) {
    if (modernHeader) return reject('invalidRequest', 'clients send no responses in this protocol version', body);
    return { kind: 'legacy-response', message: body };
  }
  const claim = versionClaim(body);
  if (body.idKind === 'absent') {
    const modern = claim !== undefined || modernHeader;
    return { kind: modern ? 'modern-notification' : 'legacy-notification', message: body };
  }
  if (body.idKind !== 'string' && body.idKind !== 'integer') return reject('invalidId', '', body);
  if (claim !== undefined) {
    if (header === undefined) return reject('headerMismatch', 'MCP-Protocol-Version is missing', body, true);
    if (header !== claim)
      return reject('headerMismatch', 'MCP-Protocol-Version is not the version in _meta', body, true);
    return { kind: 'modern-request', message: body, claim };
  }
  if (modernHeader) {
    if (body.method !== 'initialize') return reject('modernEnvelope', NEEDED, body, true);
    return reject('headerMismatch', 'initialize belongs to versions before 2026-07-28', body, true);
  }
  if (body.method !== null && MODERN_ONLY.has(body.method ?? '')) return reject('modernEnvelope', NEEDED, body, true);
  return { kind: 'legacy-request', message: body };
}

/** Why a message is no JSON-RPC 2.0 message; `undefined` when it is one. */
export function malformed(message: Message): string | undefined {
  if (!message.versioned) return '"jsonrpc" must be "2.0"';
  if (message.duplicate) return `"${message.duplicate}" occurs twice`;
  if (message.method === null) return '"method" must be a string';
  if (message.method !== undefined) return undefined;
  if (message.id === undefined) return 'neither "method" nor "id"';
  if (!message.result === !message.error) return 'a response has either "result" or "error"';
  return undefined;
}

function classifyBatch(messages: readonly (Message | undefined)[], modernHeader: boolean): Classified {
  if (messages.length === 0) return reject('invalidRequest', 'the batch is empty');
  if (messages.some((m) => m && versionClaim(m) !== undefined))
    return reject('batch', 'a batch must not hold requests of protocol version 2026-07-28 or later');
  if (modernHeader) return reject('batch', 'the MCP-Protocol-Version header names a later one');
  return { kind: 'legacy-batch', messages };
}

/** The version a message claims in `params._meta`, of whatever type; `undefined` when the key is not there. */
function versionClaim(message: Message): unknown {
  const { bytes, inParams } = message;
  const meta = inParams && memberOf(inParams, '_meta');
  if (!meta || !isObjectAt(bytes, meta.start)) return undefined;
  const claim = memberOf(members(bytes, meta.start), VERSION_KEY);
  return claim && valueAt(bytes, claim);
}

const isBatch = (body: Body): body is readonly (Message | undefined)[] => Array.isArray(body);

function reject(fault: Rejection['fault'], detail: string, message?: Message, echo = false): Rejection {
  return { kind: 'rejected', fault, detail, echo, ...(message ? { message } : {}) };
}
