/** How a task is spelled for clients of each era. */
import { exposeInput } from '../bridge/expose-request.ts';
import type { Call } from '../protocol/call.ts';
import { TASK_KEY } from '../protocol/meta.ts';
import { isSole, type MethodContext } from './context.ts';
import { HostedTask, type TaskRecord } from './hosted-task.ts';
import { sealTask } from './task-ids.ts';

/** After which time clients may ask again, milliseconds. */
const POLL = 500;

const iso = (time: number): string => new Date(time).toISOString();

/** A task of 2025-11-25; a tool that says it failed is a failed task there. */
export function legacyTask(
  context: MethodContext,
  call: Pick<Call, 'principal' | 'client'>,
  task: TaskRecord,
): Record<string, unknown> {
  return {
    taskId: sealTask(context, call, { upstream: undefined, id: task.id }, task.worker),
    status: task.status === 'completed' && task.end?.isError ? 'failed' : task.status,
    ...(task.statusMessage === undefined ? {} : { statusMessage: task.statusMessage }),
    createdAt: iso(task.createdAt),
    lastUpdatedAt: iso(task.updatedAt),
    ttl: task.ttl,
    pollInterval: POLL,
  };
}

/** The members of a task of the extension, as JSON text; with its end, or what it asks, where `detailed`. */
export function modernTask(
  context: MethodContext,
  call: Pick<Call, 'principal' | 'client'>,
  task: TaskRecord,
  detailed: boolean,
): string {
  const head = {
    taskId: sealTask(context, call, { upstream: undefined, id: task.id }, task.worker),
    status: task.status,
    ...(task.statusMessage === undefined ? {} : { statusMessage: task.statusMessage }),
    createdAt: iso(task.createdAt),
    lastUpdatedAt: iso(task.updatedAt),
    ttlMs: task.ttl,
    pollIntervalMs: POLL,
  };
  const parts = [JSON.stringify(head).slice(0, -1)];
  if (detailed && task.end && task.status !== 'cancelled') parts.push(`"${task.end.kind}":${task.end.json}`);
  if (detailed && task.status === 'input_required' && task instanceof HostedTask) {
    const upstream = task.target!.upstream;
    const { uris } = context.view(call);
    const rules = {
      label: isSole(context) ? undefined : upstream,
      exposeUri: (uri: string) => uris.exposeUri(upstream, uri, context.learned(call.principal.key)),
      exposeElicitation: (id: string) => id,
    };
    const asked = [...task.inputs].map(([key, request]) => `${JSON.stringify(key)}:${exposeInput(request, rules)}`);
    parts.push(`"inputRequests":{${asked.join(',')}}`);
  }
  return `${parts.join(',')}}`;
}

/** The `_meta` members that tell which task a result is of (2025-11-25). */
export function relatedTask(context: MethodContext, call: Call, { id, worker }: TaskRecord): string {
  const taskId = sealTask(context, call, { upstream: undefined, id }, worker);
  return `"${TASK_KEY}":${JSON.stringify({ taskId })}`;
}
