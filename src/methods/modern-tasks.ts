/** tasks/get, tasks/update and tasks/cancel of the extension io.modelcontextprotocol/tasks. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import { isObjectAt } from '../protocol/json/scan.ts';
import type { Params } from '../protocol/params.ts';
import type { Method, MethodContext } from './context.ts';
import { takesTasks, tasksNeeded } from './offers-tasks.ts';
import { routeOne } from './route-one.ts';
import { modernTask } from './task-answers.ts';
import { openTask } from './task-ids.ts';

/** A request about a task: at its upstream, or here. */
const about: Method = (context, call, params) => {
  if (!takesTasks(call)) throw tasksNeeded();
  const { text, span } = params.string('taskId');
  const name = openTask(context, call, text);
  if (!name) throw new Fault('unknownTask', { task: text });
  if (name.upstream === undefined) return here(context, call, params, name.id, text);
  if (!context.upstreams.has(name.upstream) || !context.view(call).concerns(name.upstream))
    throw new Fault('unknownTask', { task: text });
  // answers are for the task, not for a round of this request
  const answers = params.find('inputResponses');
  if (answers) {
    const inputResponses = call.message.bytes.toString('utf8', answers.start, answers.end);
    call.continuation = { inputResponses, requestState: undefined };
  }
  routeOne(context, call, { upstream: name.upstream, exposed: text, name: name.id }, span);
};

function here(context: MethodContext, call: Call, params: Params, id: string, text: string): void {
  const task = context.tasks.get(id, call.principal);
  if (!task) throw new Fault('unknownTask', { task: text });
  const running = context.tasks.running(id, call.principal);
  if (call.method === 'tasks/get')
    return call.sink.done({ kind: 'local', result: modernTask(context, call, task, true) });
  if (call.method === 'tasks/cancel') running?.cancel('the client cancelled the task');
  else if (running) {
    const { bytes } = call.message;
    for (const { key, start, end } of params.object('inputResponses') ?? [])
      if (isObjectAt(bytes, start)) running.answer(key, { kind: 'result', json: bytes.subarray(start, end) });
  }
  call.sink.done({ kind: 'local', result: '{}' });
}

export const modernTasks = ['tasks/get', 'tasks/update', 'tasks/cancel'].map((method) => [method, about] as const);
