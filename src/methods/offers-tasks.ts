/** Which servers have tasks, of whichever kind, and which clients take them. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import { TASKS_EXTENSION } from '../protocol/meta.ts';

/** Whether a server takes calls of tools as tasks. */
export function offersTasks({ era, capabilities }: ServerFacts): boolean {
  if (era === 'modern') return Object.hasOwn((capabilities.extensions ?? {}) as object, TASKS_EXTENSION);
  const { requests } = (capabilities.tasks ?? {}) as { requests?: { tools?: { call?: unknown } } };
  return typeof requests?.tools?.call === 'object';
}

/** Whether the client of a call takes tasks in place of results. */
export function takesTasks({ client }: Pick<Call, 'client'>): boolean {
  const { extensions } = client.capabilities as { extensions?: object };
  return typeof extensions === 'object' && extensions !== null && Object.hasOwn(extensions, TASKS_EXTENSION);
}

/** The error for a client that asks about tasks and does not take any. */
export function tasksNeeded(): Fault {
  const needed = { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } };
  return new Fault('missingCapability', { detail: `the extension ${TASKS_EXTENSION}` }, needed);
}
