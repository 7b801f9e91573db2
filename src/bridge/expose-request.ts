/**
 * An upstream's input request as the client may see it: under the gateway's id and progress token, with
 * exposed URIs and elicitation ids, and with the name of the upstream that asks. Everything else stays as it came.
 */
import type { InputRequest } from '../protocol/call.ts';
import { applyEdits, type Edit, removeMembers } from '../protocol/json/edit.ts';
import { isObjectAt, isStringAt, type Member, memberOf, members, textOf } from '../protocol/json/scan.ts';
import { contentUris } from './content-uris.ts';

export interface RequestRules {
  /** The upstream's name, put before messages to people; `undefined` where there is only one upstream. */
  readonly label: string | undefined;
  exposeUri(uri: string): string;
  exposeElicitation(id: string): string;
}

/** @returns the whole JSON-RPC request under the id `id`, which is its progress token as well */
export function exposeRequest(request: InputRequest, id: number, rules: RequestRules): Buffer {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(request.method)}`;
  const { params } = request;
  if (!params) return Buffer.from(`${head}}`);
  const list = members(params, 0);
  const edits = exposedEdits(request.method, params, list, rules);
  const token = progressToken(params, list);
  if (token) edits.push({ start: token.start, end: token.end, text: String(id) });
  return Buffer.concat([Buffer.from(`${head},"params":`), applyEdits(params, edits), Buffer.from('}')]);
}

/** What belongs to the era that asks by requests, and has no meaning in an input request of the other. */
const REQUEST_ONLY = new Set(['_meta', 'task', 'elicitationId']);

/** @returns the request as a value of `inputRequests`: the JSON text of `{method, params}` (2026-07-28) */
export function exposeInput({ method, params }: InputRequest, rules: RequestRules): string {
  const head = `{"method":${JSON.stringify(method)}`;
  if (!params) return `${head}}`;
  const list = members(params, 0);
  const edits = exposedEdits(method, params, list, { ...rules, exposeElicitation: (id) => id });
  edits.push(...removeMembers(list, ({ key }) => REQUEST_ONLY.has(key)));
  return `${head},"params":${applyEdits(params, edits)}}`;
}

/** The edits that put what a client may see into the params of a request; `params` begins at its first byte. */
export function exposedEdits(method: string, params: Buffer, list: readonly Member[], rules: RequestRules): Edit[] {
  const edits: Edit[] = [];
  const strings = (key: string, change: (text: string) => string): void => {
    const at = memberOf(list, key);
    if (!at || !isStringAt(params, at.start)) return;
    const before = textOf(params, at.start, at.end);
    const after = change(before);
    if (after !== before) edits.push({ start: at.start, end: at.end, text: JSON.stringify(after) });
  };
  const { label } = rules;
  if (method === 'elicitation/create') {
    if (label !== undefined) strings('message', (text) => `[${label}] ${text}`);
    strings('elicitationId', (known) => rules.exposeElicitation(known));
  }
  if (method === 'sampling/createMessage') {
    // "this server" and "all servers" would mean the whole gateway to the client
    if (label !== undefined) strings('includeContext', () => 'none');
    const messages = memberOf(list, 'messages');
    contentUris(params, messages, 'messages', (at) => {
      const known = textOf(params, at.start, at.end);
      const exposed = rules.exposeUri(known);
      if (exposed !== known) edits.push({ start: at.start, end: at.end, text: JSON.stringify(exposed) });
    });
  }
  return edits;
}

function progressToken(params: Buffer, list: readonly Member[]): Member | undefined {
  const meta = memberOf(list, '_meta');
  if (!meta || !isObjectAt(params, meta.start)) return undefined;
  return memberOf(members(params, meta.start), 'progressToken');
}
