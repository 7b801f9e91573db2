/**
 * An upstream's input request as the client may see it: under the gateway's id and progress token, with
 * exposed URIs and elicitation ids, and with the name of the upstream that asks. Everything else stays as it came.
 */
import type { InputRequest } from '../protocol/call.ts';
import { applyEdits, type Edit } from '../protocol/json/edit.ts';
import { isObjectAt, isStringAt, type Member, memberOf, members, textOf } from '../protocol/json/scan.ts';
import { contentUris } from './content-uris.ts';

export interface RequestRules {
  /** The upstream's name, put before messages to people; `undefined` where there is only one upstream. */
  readonly label: string | undefined;
  exposeUri(uri: string): string;
  exposeElicitation(id: string): string;
}

/** @returns the whole JSON-RPC request under the id `id`, which is its progress token as well */
export function exposeRequest({ method, params }: InputRequest, id: number, rules: RequestRules): Buffer {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
  if (!params) return Buffer.from(`${head}}`);
  const list = members(params, 0);
  const edits: Edit[] = [];
  const replace = ({ start, end }: Member, text: string): void => {
    edits.push({ start, end, text });
  };
  const strings = (key: string, change: (text: string) => string): void => {
    const at = memberOf(list, key);
    if (!at || !isStringAt(params, at.start)) return;
    const before = textOf(params, at.start, at.end);
    const after = change(before);
    if (after !== before) replace(at, JSON.stringify(after));
  };

  const token = progressToken(params, list);
  if (token) replace(token, String(id));
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
      if (exposed !== known) replace(at, JSON.stringify(exposed));
    });
  }
  return Buffer.concat([Buffer.from(`${head},"params":`), applyEdits(params, edits), Buffer.from('}')]);
}

function progressToken(params: Buffer, list: readonly Member[]): Member | undefined {
  const meta = memberOf(list, '_meta');
  if (!meta || !isObjectAt(params, meta.start)) return undefined;
  return memberOf(members(params, meta.start), 'progressToken');
}
