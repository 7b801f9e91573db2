/** An upstream's JSON-RPC error as the client may see it. */
import type { Call, Outcome } from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
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
import { isSole, type MethodContext, viewOf } from './context.ts';

const URL_ELICITATION_REQUIRED = -32042;

/** The outcome for an error: the upstream's own bytes, with exposed URIs and elicitation ids in its data. */
export function relayedError(context: MethodContext, call: Call, message: Message): Outcome {
  const { bytes } = message;
  const error = isObjectAt(bytes, message.error!.start) ? members(bytes, message.error!.start) : [];
  const code = memberOf(error, 'code');
  const data = memberOf(error, 'data');
  if (code && valueAt(bytes, code) === URL_ELICITATION_REQUIRED)
    return elicitationRequired(context, call, message, data);
  if (!data || !isObjectAt(bytes, data.start) || isSole(context)) return { kind: 'complete', message };
  const uri = memberOf(members(bytes, data.start), 'uri');
  if (!uri || !isStringAt(bytes, uri.start)) return { kind: 'complete', message };
  const known = textOf(bytes, uri.start, uri.end);
  const exposed = viewOf(context, call).uris.exposeUri(call.target!.upstream, known);
  return { kind: 'complete', message, edits: exposed === known ? [] : [replace(uri, exposed)] };
}

/** −32042: the client is to visit URLs first. One that cannot is told in a tool result, without them. */
function elicitationRequired(context: MethodContext, call: Call, message: Message, data: Member | undefined): Outcome {
  const { elicitation } = call.client.capabilities as { elicitation?: { url?: unknown } };
  if (typeof elicitation?.url !== 'object') {
    const text = `${call.target!.upstream} needs you to visit a web page first, which this client cannot show.`;
    if (call.method === 'tools/call')
      return { kind: 'local', result: JSON.stringify({ content: [{ type: 'text', text }], isError: true }) };
    return { kind: 'complete', message };
  }
  const { bytes } = message;
  const list = data && isObjectAt(bytes, data.start) ? memberOf(members(bytes, data.start), 'elicitations') : undefined;
  if (!list || !isArrayAt(bytes, list.start) || call.session === undefined) return { kind: 'complete', message };
  const { upstream } = call.target!;
  const edits = elements(bytes, list.start).flatMap((entry): Edit[] => {
    const id = isObjectAt(bytes, entry.start) ? memberOf(members(bytes, entry.start), 'elicitationId') : undefined;
    if (!id || !isStringAt(bytes, id.start)) return [];
    const known = textOf(bytes, id.start, id.end);
    return [replace(id, context.elicitations.expose({ upstream, scope: call.scope! }, known, call.session!))];
  });
  return { kind: 'complete', message, edits };
}

const replace = ({ start, end }: Member, text: string): Edit => ({ start, end, text: JSON.stringify(text) });
