/** Every request method and what the gateway does for it. Being in this table is being served. */
import type { Era } from '../protocol/versions.ts';
import { complete } from './complete.ts';
import type { Method } from './context.ts';
import { discover } from './discover.ts';
import { legacyTasks } from './legacy-tasks.ts';
import { listMethods } from './list.ts';
import { modernTasks } from './modern-tasks.ts';
import { callTool, getPrompt } from './named.ts';
import { readResource } from './read-resource.ts';
import { setLevel } from './set-level.ts';
import { subscribe, unsubscribe } from './subscribe.ts';

/** Answered by the gateway, never forwarded. */
const ping: Method = (_context, call) => call.sink.done({ kind: 'local', result: '{}' });

/** Requests that both eras have. */
const common: readonly (readonly [string, Method])[] = [
  ...listMethods,
  ['tools/call', callTool],
  ['prompts/get', getPrompt],
  ['resources/read', readResource],
  ['completion/complete', complete],
];

/** `initialize` is not here: it makes the session that every other method needs. */
const legacy: ReadonlyMap<string, Method> = new Map<string, Method>([
  ...common,
  ['ping', ping],
  ['logging/setLevel', setLevel],
  ['resources/subscribe', subscribe],
  ['resources/unsubscribe', unsubscribe],
  ...legacyTasks,
]);

/** `subscriptions/listen` is not here: it is not answered once, but goes on. */
const modern: ReadonlyMap<string, Method> = new Map<string, Method>([
  ...common,
  ['server/discover', discover],
  ...modernTasks,
]);

/** The methods that clients of each era may call. */
export const methods: Readonly<Record<Era, ReadonlyMap<string, Method>>> = { legacy, modern };
