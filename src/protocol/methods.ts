/** The requests of the protocol and the facts about each that other parts look up. */

export interface MethodFacts {
  /** The server capability that backs it; `undefined` for what every server has. */
  readonly capability: string | undefined;
  /** Whether the answer can hold URIs, and in which shape. */
  readonly uris?: 'content' | 'messages' | 'contents';
}

/** Client → server requests of the legacy era. */
export const legacyMethods: ReadonlyMap<string, MethodFacts> = new Map<string, MethodFacts>([
  ['initialize', { capability: undefined }],
  ['ping', { capability: undefined }],
  ['tools/list', { capability: 'tools' }],
  ['tools/call', { capability: 'tools', uris: 'content' }],
  ['prompts/list', { capability: 'prompts' }],
  ['prompts/get', { capability: 'prompts', uris: 'messages' }],
  ['resources/list', { capability: 'resources' }],
  ['resources/templates/list', { capability: 'resources' }],
  ['resources/read', { capability: 'resources', uris: 'contents' }],
  ['resources/subscribe', { capability: 'resources' }],
  ['resources/unsubscribe', { capability: 'resources' }],
  ['completion/complete', { capability: 'completions' }],
  ['logging/setLevel', { capability: 'logging' }],
]);
