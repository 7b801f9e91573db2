/** Every request method and what the gateway does for it. Being in this table is being served. */
import { complete } from './complete.ts';
import type { Method } from './context.ts';
import { listMethods } from './list.ts';
import { callTool, getPrompt } from './named.ts';
import { readResource } from './read-resource.ts';
import { setLevel } from './set-level.ts';
import { subscribe, unsubscribe } from './subscribe.ts';

/** Answered by the gateway, never forwarded. */
const ping: Method = (_context, call) => call.sink.done({ kind: 'local', result: '{}' });

/** `initialize` is not here: it makes the session that every other method needs. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['ping', ping],
  ...listMethods,
  ['tools/call', callTool],
  ['prompts/get', getPrompt],
  ['resources/read', readResource],
  ['completion/complete', complete],
  ['logging/setLevel', setLevel],
  ['resources/subscribe', subscribe],
  ['resources/unsubscribe', unsubscribe],
]);
