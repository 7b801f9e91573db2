/** tasks/get, tasks/result, tasks/list and tasks/cancel of 2025-11-25: of the tasks that are hosted here. */
import { Fault } from '../errors.ts';
import type { Call, InputRequest, Outcome, Round } from '../protocol/call.ts';
import { applyEdits, insertMember } from '../protocol/json/edit.ts';
import { isObjectAt, memberOf, members } from '../protocol/json/scan.ts';
import { readMessage } from '../protocol/message.ts';
import type { Params } from '../protocol/params.ts';
import type { Method, MethodContext } from './context.ts';
import type { HostedTask, TaskRecord } from './hosted-task.ts';
import { legacyTask, relatedTask } from './task-answers.ts';
import { openTask } from './task-ids.ts';

/** The only version with tasks of this kind. */
export const TASKS_VERSION = '2025-11-25';

/** @throws Fault when it is not known, or tasks are not of this client's version */
function taskOf(context: MethodContext, call: Call, params: Params): TaskRecord {
  ofVersion(call);
  const { text } = params.string('taskId');
  const name = openTask(context, call, text);
  const task = name && name.upstream === undefined ? context.tasks.get(name.id, call.principal) : undefined;
  if (!task) throw new Fault('unknownTask', { task: text });
  return task;
}

function ofVersion(call: Call): void {
  if (call.client.version !== TASKS_VERSION) throw new Fault('methodNotFound', { method: call.method });
}

const get: Method = (context, call, params) => {
  const task = taskOf(context, call, params);
  call.sink.done({ kind: 'local', result: JSON.stringify(legacyTask(context, call, task)) });
};

const list: Method = (context, call) => {
  ofVersion(call);
  const tasks = context.tasks.list(call.principal, call.client.profile).map((task) => legacyTask(context, call, task));
  call.sink.done({ kind: 'local', result: JSON.stringify({ tasks }) });
};

const cancel: Method = async (context, call, params) => {
  const task = taskOf(context, call, params);
  const running = context.tasks.running(task.id, call.principal);
  const { elsewhere, worker } = context;
  const cancelled =
    running || !elsewhere || task.worker === undefined || task.worker === worker
      ? running?.cancel('the client cancelled the task')
      : await elsewhere.cancelTask(task.worker, task.id, call.principal.key);
  if (!cancelled) {
    const detail = 'the task is over already';
    throw new Fault('invalidParams', { method: call.method, detail });
  }
  call.sink.done({
    kind: 'local',
    result: JSON.stringify(legacyTask(context, call, context.tasks.get(task.id, call.principal) ?? task)),
  });
};

const result: Method = async (context, call, params) => {
  const task = taskOf(context, call, params);
  const running = context.tasks.running(task.id, call.principal);
  if (running && !running.ended) {
    call.target = running.target;
    call.scope = running.scope;
    const meta = relatedTask(context, call, task);
    const deaf = running.listen((requests) => call.sink.input(roundOf(running, requests, meta)));
    await running.over();
    deaf();
    if (call.ended) return;
  } else if (!running) await overElsewhere(context, call, task.id);
  call.sink.done(endOf(context, call, context.tasks.get(task.id, call.principal) ?? task));
};

/** How often the end of a task of another worker is looked for, milliseconds. */
const LOOK = 250;

/** Waits for the end of a task that another worker hosts; what that asks is asked in the session that began it. */
async function overElsewhere(context: MethodContext, call: Call, id: string): Promise<void> {
  while (!call.ended) {
    const task = context.tasks.get(id, call.principal);
    if (!task || task.end) return;
    await new Promise((done) => setTimeout(done, LOOK));
  }
}

/** What the client is asked on the stream of `tasks/result`; each request says which task it is of. */
function roundOf(task: HostedTask, requests: ReadonlyMap<string, InputRequest>, meta: string): Round {
  return {
    upstream: task.target!.upstream,
    requests: new Map([...requests].map(([key, request]) => [key, related(request, meta)])),
    certain: true,
    answer: (key, answer) => void task.answer(key, answer),
    progress: () => undefined,
    abandon: (reason) => {
      for (const key of requests.keys()) task.abandon(key, reason);
    },
    // whoever asks for the result next is asked again
    drop: () => undefined,
    elsewhere: () => false,
    onwithdrawn: undefined,
  };
}

function related({ method, params }: InputRequest, meta: string): InputRequest {
  return { method, params: Buffer.from(withMeta(params?.toString('utf8') ?? '{}', meta)) };
}

function endOf(context: MethodContext, call: Call, task: TaskRecord): Outcome {
  const { end } = task;
  if (!end) return { kind: 'error', error: new Fault('internal') };
  const json = end.kind === 'result' ? withMeta(end.json, relatedTask(context, call, task)) : end.json;
  return { kind: 'complete', message: readMessage(Buffer.from(`{"jsonrpc":"2.0","id":0,"${end.kind}":${json}}`)) };
}

/** An object with a further member in its `_meta`. @param more JSON text `"key":value` */
function withMeta(json: string, more: string): string {
  const bytes = Buffer.from(json);
  const all = members(bytes, 0);
  const meta = memberOf(all, '_meta');
  if (!meta || !isObjectAt(bytes, meta.start))
    return applyEdits(bytes, [insertMember({ start: 0, end: bytes.length }, all, '_meta', `{${more}}`)]).toString();
  const comma = members(bytes, meta.start).length > 0 ? ',' : '';
  return applyEdits(bytes, [{ start: meta.start + 1, end: meta.start + 1, text: `${more}${comma}` }]).toString();
}

export const legacyTasks: readonly (readonly [string, Method])[] = [
  ['tasks/get', get],
  ['tasks/result', result],
  ['tasks/list', list],
  ['tasks/cancel', cancel],
];
