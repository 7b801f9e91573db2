/** Changes of tasks: told to the legacy client that began one, and to the modern clients that listen to it. */
import type { MethodContext } from '../methods/context.ts';
import type { HostedTask } from '../methods/hosted-task.ts';
import { legacyTask, modernTask } from '../methods/task-answers.ts';
import { taskEdits } from '../methods/task-ids.ts';
import { isObjectAt } from '../protocol/json/scan.ts';
import { compose, type Message, messageBytes, paramsOf, readMessage } from '../protocol/message.ts';
import type { LinkName } from '../upstreams/upstream-links.ts';

/** A task that is hosted here has changed. */
export function taskChanged(context: MethodContext, task: HostedTask): void {
  const session = task.session === undefined ? undefined : context.sessions.byId(task.session);
  session?.standalone.send(compose('notifications/tasks/status', legacyTask(context, session, task)));
  for (const id of context.taskListeners.of({ upstream: undefined, id: task.id })) {
    const listener = context.listeners.get(id);
    if (listener) listener.tasked(JSON.parse(modernTask(context, listener, task, true)) as Record<string, unknown>);
  }
}

/** A task of an upstream has changed. */
export function relayTask(context: MethodContext, { upstream }: LinkName, { bytes, params }: Message): void {
  if (!params || !isObjectAt(bytes, params.start)) return;
  // spelled like a result, it is put into the terms of a client like one
  const text = bytes.toString('utf8', params.start, params.end);
  const message = readMessage(Buffer.from(`{"jsonrpc":"2.0","id":0,"result":${text}}`));
  const { taskId } = paramsOf(readMessage(Buffer.from(`{"jsonrpc":"2.0","method":"","params":${text}}`)));
  for (const id of context.taskListeners.of({ upstream, id: String(taskId) })) {
    const listener = context.listeners.get(id);
    if (!listener) continue;
    const told = messageBytes(message, taskEdits(context, { ...listener, upstream }, message));
    listener.tasked((JSON.parse(told.toString('utf8')) as { result: Record<string, unknown> }).result);
  }
}
