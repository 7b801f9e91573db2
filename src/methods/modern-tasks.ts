/** tasks/get, tasks/update and tasks/cancel of the extension io.modelcontextprotocol/tasks. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import { TASKS_EXTENSION } from '../protocol/meta.ts';
import type { Method } from './context.ts';
import { routeOne } from './route-one.ts';
import { openTask } from './task-ids.ts';

/** Passes a request on to the upstream that has the task. */
const pass: Method = (context, call, params) => {
  if (!takesTasks(call)) {
    const needed = { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } };
    throw new Fault('missingCapability', { detail: `the extension ${TASKS_EXTENSION}` }, needed);
  }
  const { text, span } = params.string('taskId');
  const task = openTask(context, call, text);
  if (task?.upstream === undefined || !context.upstreams.has(task.upstream))
    throw new Fault('unknownTask', { task: text });
  // answers are for the task, not for a round of this request
  const answers = params.find('inputResponses');
  if (answers) {
    const inputResponses = call.message.bytes.toString('utf8', answers.start, answers.end);
    call.continuation = { inputResponses, requestState: undefined };
  }
  routeOne(context, call, { upstream: task.upstream, exposed: text, name: task.id }, span);
};

/** Whether the client of a call takes tasks in place of results. */
export function takesTasks({ client }: Call): boolean {
  const { extensions } = client.capabilities as { extensions?: object };
  return extensions !== undefined && extensions !== null && Object.hasOwn(extensions, TASKS_EXTENSION);
}

export const modernTasks = ['tasks/get', 'tasks/update', 'tasks/cancel'].map((method) => [method, pass] as const);
