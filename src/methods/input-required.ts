/** A modern upstream's request for input on its way to a modern client: nothing of it is kept here. */
import { randomUUID } from 'node:crypto';
import { addModern } from '../bridge/convert/eras.ts';
import { canBeAsked } from '../bridge/declare.ts';
import type { Wanted } from '../bridge/driven-round.ts';
import { exposedEdits } from '../bridge/expose-request.ts';
import type { Call } from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
import { memberOf, members } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';
import { isSole, type MethodContext, serverInfo } from './context.ts';
import { LONGEST_STATE, sealState } from './request-state.ts';

/** @returns the edits of the result, or why the client cannot be given it */
export function sealedInput(
  context: MethodContext,
  call: Call,
  message: Message,
  { requests, state }: Wanted,
): Edit[] | string {
  const { bytes, result } = message;
  const { upstream, name, exposed } = call.target!;
  const list = members(bytes, result!.start);
  const edits = addModern(message, { resultType: 'input_required', server: serverInfo(context, call.client) });
  for (const [, { method, params }] of requests) {
    const values = params ? (JSON.parse(params.toString('utf8')) as Record<string, unknown>) : {};
    if (!canBeAsked(call.client.capabilities, method, values))
      return `it asked for ${method}, which this client does not declare`;
    if (!params) continue;
    const offset = params.byteOffset - bytes.byteOffset;
    const { uris } = context.view(call);
    const learned = context.learned(call.principal.key);
    const rules = {
      label: isSole(context) ? undefined : upstream,
      exposeUri: (uri: string) => uris.exposeUri(upstream, uri, learned),
      exposeElicitation: (id: string) => id,
    };
    for (const edit of exposedEdits(method, params, members(params, 0), rules))
      edits.push({ start: edit.start + offset, end: edit.end + offset, text: edit.text });
  }
  const at = memberOf(list, 'requestState');
  if (at && state !== undefined) {
    if (state.length > LONGEST_STATE) return 'its requestState is too long';
    const sealed = sealState(context, call, exposed, { kind: 'forward', id: randomUUID(), upstream, name, state });
    edits.push({ start: at.start, end: at.end, text: JSON.stringify(sealed) });
  }
  return edits;
}
