/** Which calls become tasks, and what an upstream of the older kind of tasks (2025-11-25) is asked for. */
import type { Call, Target } from '../protocol/call.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import type { Edit } from '../protocol/json/edit.ts';
import { isObjectAt } from '../protocol/json/scan.ts';
import { type CatalogItem, itemNamed } from '../upstreams/catalog.ts';
import type { MethodContext } from './context.ts';
import { HostedTask } from './hosted-task.ts';
import { TASKS_VERSION } from './legacy-tasks.ts';
import { offersTasks, takesTasks } from './offers-tasks.ts';
import { legacyTask, modernTask } from './task-answers.ts';

/** How long a task is kept when nobody says, and at most, milliseconds. */
const USUAL_TTL = 3_600_000;
const LONGEST_TTL = 86_400_000;

type Support = 'required' | 'optional' | 'forbidden';

/** What a tool says of being called as a task. */
export function supportOf(server: ServerFacts, tool: CatalogItem | undefined): Support {
  if (!tool || !offersTasks(server)) return 'forbidden';
  // the modern era decides call by call, and says nothing in its lists
  if (server.era === 'modern') return 'optional';
  const known = supports.get(tool);
  if (known) return known;
  const found = readSupport(tool);
  supports.set(tool, found);
  return found;
}

/** Tools are read once. */
const supports = new WeakMap<CatalogItem, Support>();

function readSupport(tool: CatalogItem): Support {
  const { execution } = JSON.parse(tool.raw.toString('utf8')) as { execution?: { taskSupport?: unknown } | null };
  const support = execution?.taskSupport;
  return support === 'required' || support === 'optional' ? support : 'forbidden';
}

/**
 * Makes a task of a call where its client asks for one or takes one that the upstream insists on. The client is answered
 * with it at once.
 * @returns the call that goes on in its place; `undefined` when it stays what it is
 */
export function hosted(
  context: MethodContext,
  call: Call,
  target: Pick<Target, 'upstream' | 'name'>,
): Call | undefined {
  const asked = call.params.find('task');
  const legacy = call.client.era === 'legacy';
  if (legacy ? !asked || call.client.version !== TASKS_VERSION : !takesTasks(call)) return undefined;
  const catalog = context.view(call).catalogs.find(({ upstream }) => upstream === target.upstream);
  if (!catalog) return undefined;
  const support = supportOf(catalog.server, itemNamed(catalog.items.tools, target.name));
  // what a modern upstream makes a task of is one there
  if (legacy ? support === 'forbidden' : catalog.server.era === 'modern' || support !== 'required') return undefined;
  const task = new HostedTask(call, legacy ? ttlOf(call) : USUAL_TTL, context.worker);
  context.tasks.add(task);
  if (legacy) {
    call.sink.done({ kind: 'local', result: JSON.stringify({ task: legacyTask(context, call, task) }) });
  } else {
    call.sink.done({ kind: 'local', result: modernTask(context, call, task, false), resultType: 'task' });
  }
  return task;
}

function ttlOf(call: Call): number {
  const task = call.params.value('task') as { ttl?: unknown } | undefined;
  return typeof task?.ttl === 'number' && task.ttl > 0 ? Math.min(task.ttl, LONGEST_TTL) : USUAL_TTL;
}

/** Asks a legacy upstream for a task where it takes the tool in no other way. */
export function askForTask(context: MethodContext, call: Call): void {
  const { upstream, name } = call.target!;
  const catalog = context.view(call).catalogs.find((known) => known.upstream === upstream);
  const { params, bytes } = call.message;
  if (!catalog || catalog.server.era === 'modern' || !params || !isObjectAt(bytes, params.start)) return;
  // a legacy client that can ask for a task itself gets what its upstream says
  if (supportOf(catalog.server, itemNamed(catalog.items.tools, name)) !== 'required') return;
  const at = params.start + 1;
  call.edits.push({ start: at, end: at, text: TASK });
}

const TASK = `"task":{"ttl":${USUAL_TTL}},`;

/** Whether an edit of a call asks for a task. */
export const isTask = ({ text }: Edit): boolean => text === TASK;
