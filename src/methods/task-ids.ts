/**
 * Task ids as clients know them: sealed, bound to the principal and its profile, and always the same for the same task, since clients
 * compare them (extension io.modelcontextprotocol/tasks).
 */
import { contentUris } from '../bridge/content-uris.ts';
import { exposedEdits } from '../bridge/expose-request.ts';
import type { Call } from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
import { isObjectAt, isStringAt, memberOf, members, textOf } from '../protocol/json/scan.ts';
import type { Message } from '../protocol/message.ts';
import { isSole, type MethodContext } from './context.ts';
import type { TaskName } from './task-listeners.ts';

type Owner = Pick<Call, 'principal' | 'client'>;

const boundTo = ({ principal, client }: Owner): string => `task\0${principal.key}\0${client.profile}`;

/** @param worker the one that has the task, where that is hosted */
export function sealTask(context: MethodContext, call: Owner, { upstream, id }: TaskName, worker?: number): string {
  // a task of a process is known to the worker that runs the process; one of a server elsewhere to all
  const isLocal = upstream !== undefined && context.upstreams.get(upstream)?.process !== undefined;
  const text = JSON.stringify([upstream ?? null, id]);
  return context.sealer.sealId(text, boundTo(call), isLocal ? context.worker : worker);
}

/** `undefined` for whatever is not the id of a task of this principal. */
export function openTask(context: MethodContext, call: Owner, text: string): TaskName | undefined {
  const opened = context.sealer.open(text, boundTo(call));
  if (opened === undefined) return undefined;
  const [upstream, id] = JSON.parse(opened) as [string | null, string];
  return { upstream: upstream ?? undefined, id };
}

/** The edits that put what a modern upstream says of a task into the terms of the client. */
export function taskEdits(
  context: MethodContext,
  { principal, client, upstream }: Owner & { readonly upstream: string },
  { bytes, result }: Message,
): Edit[] {
  const list = members(bytes, result!.start);
  const id = memberOf(list, 'taskId');
  if (!id || !isStringAt(bytes, id.start)) return [];
  const sealed = sealTask(context, { principal, client }, { upstream, id: textOf(bytes, id.start, id.end) });
  const edits: Edit[] = [{ start: id.start, end: id.end, text: JSON.stringify(sealed) }];
  if (isSole(context)) return edits;
  const { uris } = context.view({ principal, client });
  const learned = context.learned(principal.key);
  const exposeUri = (uri: string): string => uris.exposeUri(upstream, uri, learned);
  const inner = memberOf(list, 'result');
  if (inner && isObjectAt(bytes, inner.start))
    contentUris(bytes, memberOf(members(bytes, inner.start), 'content'), 'content', ({ start, end }) => {
      const uri = textOf(bytes, start, end);
      const exposed = exposeUri(uri);
      if (exposed !== uri) edits.push({ start, end, text: JSON.stringify(exposed) });
    });
  const asked = memberOf(list, 'inputRequests');
  if (asked && isObjectAt(bytes, asked.start))
    for (const { start } of members(bytes, asked.start)) edits.push(...askedEdits(bytes, start, upstream, exposeUri));
  return edits;
}

/** One request of a task, the object that begins at `at`. */
function askedEdits(bytes: Buffer, at: number, upstream: string, exposeUri: (uri: string) => string): Edit[] {
  const request = isObjectAt(bytes, at) ? members(bytes, at) : [];
  const [method, params] = [memberOf(request, 'method'), memberOf(request, 'params')];
  if (!method || !isStringAt(bytes, method.start) || !params || !isObjectAt(bytes, params.start)) return [];
  const part = bytes.subarray(params.start, params.end);
  const rules = { label: upstream, exposeUri, exposeElicitation: (id: string) => id };
  return exposedEdits(textOf(bytes, method.start, method.end), part, members(part, 0), rules).map((edit) => ({
    start: edit.start + params.start,
    end: edit.end + params.start,
    text: edit.text,
  }));
}
