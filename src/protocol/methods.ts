/** The requests of the protocol and the facts about each that other parts look up. */
import { TASKS_EXTENSION } from './meta.ts';

export interface MethodFacts {
  /** The server capability that backs it; `undefined` for what every server has. */
  readonly capability?: string;
  /** Whether the answer can hold URIs, and in which shape. */
  readonly uris?: 'content' | 'messages' | 'contents';
  /** The extension that it belongs to, which both sides have to declare. */
  readonly extension?: string;
  /** The member of params that the `Mcp-Name` header repeats. */
  readonly named?: 'name' | 'uri' | 'taskId';
}

/** Client → server requests that both eras have. */
const common: readonly (readonly [string, MethodFacts])[] = [
  ['tools/list', { capability: 'tools' }],
  ['tools/call', { capability: 'tools', uris: 'content', named: 'name' }],
  ['prompts/list', { capability: 'prompts' }],
  ['prompts/get', { capability: 'prompts', uris: 'messages', named: 'name' }],
  ['resources/list', { capability: 'resources' }],
  ['resources/templates/list', { capability: 'resources' }],
  ['resources/read', { capability: 'resources', uris: 'contents', named: 'uri' }],
  ['completion/complete', { capability: 'completions' }],
];

/** Client → server requests of the legacy era. */
export const legacyMethods: ReadonlyMap<string, MethodFacts> = new Map([
  ...common,
  ['initialize', {}],
  ['ping', {}],
  ['resources/subscribe', { capability: 'resources' }],
  ['resources/unsubscribe', { capability: 'resources' }],
  ['logging/setLevel', { capability: 'logging' }],
  ['tasks/get', { capability: 'tasks' }],
  ['tasks/result', { capability: 'tasks' }],
  ['tasks/list', { capability: 'tasks' }],
  ['tasks/cancel', { capability: 'tasks' }],
]);

/** Client → server requests of the modern era. */
export const modernMethods: ReadonlyMap<string, MethodFacts> = new Map([
  ...common,
  ['server/discover', {}],
  ['subscriptions/listen', {}],
  ['tasks/get', { extension: TASKS_EXTENSION, named: 'taskId' }],
  ['tasks/update', { extension: TASKS_EXTENSION, named: 'taskId' }],
  ['tasks/cancel', { extension: TASKS_EXTENSION, named: 'taskId' }],
]);

/** The requests in the course of which an upstream may ask the client for something (2026-07-28, multi round-trip). */
export const CAN_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);
