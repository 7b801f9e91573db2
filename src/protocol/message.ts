/**
 * One JSON-RPC message as bytes, with the places of its head members. Nothing below the top level is built; `params`,
 * `result` and `error` are spans.
 */
import { isUtf8 } from 'node:buffer';
import { applyEdits, type Edit, editedPieces } from './json/edit.ts';
import type { Pieces } from './json/pieces.ts';
import {
  DEFAULT_DEPTH,
  elements,
  isArrayAt,
  isObjectAt,
  isStringAt,
  JsonSyntaxError,
  type Member,
  memberOf,
  type ScannedObject,
  type Span,
  scanObject,
  skipSpace,
  skipValue,
} from './json/scan.ts';

/** What the `id` member of a message is. JSON-RPC and MCP allow strings and integers; the rest is kept to be refused. */
export type IdKind = 'absent' | 'string' | 'integer' | 'null' | 'other';

export interface Message extends Span {
  /** The text the spans point into; the message itself is `start`…`end`, an object. */
  readonly bytes: Buffer;
  readonly members: readonly Member[];
  /** Whether `"jsonrpc": "2.0"` is there. */
  readonly versioned: boolean;
  /** A head member that occurs twice, which two parsers could read differently. */
  readonly duplicate: string | undefined;
  readonly id: Span | undefined;
  readonly idKind: IdKind;
  /** The method's name; `undefined` when absent, `null` when it is not a string. */
  readonly method: string | null | undefined;
  readonly params: Span | undefined;
  /** The members of `params`; `undefined` when it is not there or no object. */
  readonly inParams: readonly Member[] | undefined;
  readonly result: Span | undefined;
  readonly error: Span | undefined;
}

/** The spelling of a JSON-RPC id as it came, which keeps its type: `"1"` and `1` are different ids. */
export type RawId = string;

/**
 * Reads one JSON text that holds one message or a batch.
 * @param bytes UTF-8 JSON text
 * @param depth the deepest nesting accepted
 * @returns a message; an array of messages (and of `undefined` where an element is no object); or `undefined` when the
 *   text is JSON but neither an object nor an array
 * @throws JsonSyntaxError
 */
export function readMessages(bytes: Buffer, depth = DEFAULT_DEPTH): Message | (Message | undefined)[] | undefined {
  if (!isUtf8(bytes)) throw new JsonSyntaxError('invalid UTF-8', 0);
  const start = skipSpace(bytes, 0);
  if (isObjectAt(bytes, start)) {
    const scanned = scanObject(bytes, start, depth, 'params');
    nothingAfter(bytes, scanned.end);
    return head(bytes, start, scanned);
  }
  nothingAfter(bytes, skipValue(bytes, start, depth));
  if (!isArrayAt(bytes, start)) return undefined;
  return elements(bytes, start, depth).map((element) =>
    isObjectAt(bytes, element.start)
      ? head(bytes, element.start, scanObject(bytes, element.start, depth, 'params'))
      : undefined,
  );
}

/** Reads a text that must be exactly one message. @throws JsonSyntaxError when it is anything else */
export function readMessage(bytes: Buffer, depth = DEFAULT_DEPTH): Message {
  const message = readMessages(bytes, depth);
  if (!message || Array.isArray(message)) throw new JsonSyntaxError('expected a JSON object', 0);
  return message;
}

function nothingAfter(bytes: Buffer, end: number): void {
  const rest = skipSpace(bytes, end);
  if (rest < bytes.length) throw new JsonSyntaxError('unexpected text after the value', rest);
}

function head(bytes: Buffer, start: number, { end, members: list, inside }: ScannedObject): Message {
  let versioned = false;
  let duplicate: string | undefined;
  let id: Member | undefined;
  let method: Member | undefined;
  let params: Member | undefined;
  let result: Member | undefined;
  let error: Member | undefined;
  let jsonrpc: Member | undefined;
  for (const m of list) {
    switch (m.key) {
      case 'jsonrpc':
        if (jsonrpc) duplicate = m.key;
        jsonrpc = m;
        versioned = m.end - m.start === 5 && bytes.toString('latin1', m.start, m.end) === '"2.0"';
        break;
      case 'id':
        if (id) duplicate = m.key;
        id = m;
        break;
      case 'method':
        if (method) duplicate = m.key;
        method = m;
        break;
      case 'params':
        if (params) duplicate = m.key;
        params = m;
        break;
      case 'result':
        if (result) duplicate = m.key;
        result = m;
        break;
      case 'error':
        if (error) duplicate = m.key;
        error = m;
        break;
    }
  }
  return {
    bytes,
    start,
    end,
    members: list,
    versioned,
    duplicate,
    id,
    idKind: id ? idKind(bytes, id) : 'absent',
    method: method && (isStringAt(bytes, method.start) ? (valueAt(bytes, method) as string) : null),
    params,
    inParams: inside,
    result,
    error,
  };
}

function idKind(bytes: Buffer, id: Span): IdKind {
  const c = bytes[id.start]!;
  if (c === 0x22) return 'string';
  if (c === 0x6e) return 'null';
  if (c !== 0x2d && (c < 0x30 || c > 0x39)) return 'other';
  for (let i = id.start + 1; i < id.end; i++) {
    const d = bytes[i]!;
    if (d < 0x30 || d > 0x39)
      return Number.isInteger(Number(bytes.toString('latin1', id.start, id.end))) ? 'integer' : 'other';
  }
  return 'integer';
}

/** The message's id as it was spelled. */
export const rawId = (message: Message): RawId | undefined =>
  message.id && message.bytes.toString('utf8', message.id.start, message.id.end);

/**
 * The key under which an id is looked up: equal for equal values of one type (`"a"` and `"\u0061"`, `1` and `1.0`),
 * different across types.
 */
export function idKey(raw: RawId): string {
  if (raw.startsWith('"')) return raw.includes('\\') ? JSON.stringify(JSON.parse(raw)) : raw;
  return /^(?:0|-?[1-9]\d*)$/.test(raw) ? raw : String(Number(raw));
}

/** Builds the value at a span. For control messages; relayed payloads are never built. */
export function valueAt(bytes: Buffer, span: Span): unknown {
  return JSON.parse(bytes.toString('utf8', span.start, span.end)) as unknown;
}

/** The built params of a message; empty when it has none that are an object. */
export function paramsOf({ bytes, params }: Message): Record<string, unknown> {
  return params && isObjectAt(bytes, params.start) ? (valueAt(bytes, params) as Record<string, unknown>) : {};
}

/** The digits that a number without a fraction surely has exactly. */
const SAFE_DIGITS = 15;

/** An id or token as a number, for peers that answer a number with its text; `NaN` where there is neither. */
export function numberAt(bytes: Buffer, span: Span): number {
  let plain = 0;
  let at = span.start;
  // most are plain numbers that Patchbay gave itself
  for (; at < span.end && at - span.start < SAFE_DIGITS; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    plain = plain * 10 + digit;
  }
  if (at === span.end) return plain;
  const value = valueAt(bytes, span);
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
}

/** The key of an id that stands in the params, such as `requestId`; `undefined` when there is none. See {@link idKey}. */
export function paramIdKey({ bytes, inParams }: Message, name: string): string | undefined {
  const at = inParams && memberOf(inParams, name);
  if (!at) return undefined;
  const kind = idKind(bytes, at);
  return kind === 'string' || kind === 'integer' ? idKey(bytes.toString('utf8', at.start, at.end)) : undefined;
}

/** The message's own bytes with edits applied (edits are in offsets of `message.bytes`). */
export const messageBytes = (message: Message, edits: readonly Edit[] = []): Buffer =>
  applyEdits(message.bytes, edits, message.start, message.end);

/** The same, where a large message is not copied. */
export const messagePieces = (message: Message, edits: readonly Edit[]): Pieces =>
  editedPieces(message.bytes, edits, message.start, message.end);

/** A request or notification of Patchbay's own. */
export function compose(method: string, params?: unknown, id?: number | string): Buffer {
  return Buffer.from(
    JSON.stringify({
      jsonrpc: '2.0',
      ...(id === undefined ? {} : { id }),
      method,
      ...(params === undefined ? {} : { params }),
    }),
  );
}

/** A success response of Patchbay's own; `result` is JSON text. */
export function composeResult(id: RawId, result: string | Buffer): Buffer {
  const before = Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":`);
  const body = typeof result === 'string' ? Buffer.from(result) : result;
  return Buffer.concat([before, body, CLOSE], before.length + body.length + 1);
}

/** The same, around a result in pieces. */
export function resultPieces(id: RawId, result: Pieces): Pieces {
  return [Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":`), ...result, CLOSE];
}

/** An error response; without a readable id the member is left out, never `null`. */
export function composeError(
  id: RawId | undefined,
  error: { readonly code: number; readonly message: string; readonly data?: unknown },
): Buffer {
  const { code, message, data } = error;
  const body = JSON.stringify({ code, message, ...(data === undefined ? {} : { data }) });
  return Buffer.from(`{"jsonrpc":"2.0",${id === undefined ? '' : `"id":${id},`}"error":${body}}`);
}

const CLOSE = Buffer.from('}');
