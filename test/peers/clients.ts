/**
 * The official SDK clients, version 1 and 2, that can be asked everything and hear of every change, behind one interface.
 * What each answers holds its name.
 */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

export interface CallOptions {
  readonly onprogress?: (progress: number) => void;
  readonly signal?: AbortSignal;
}

export interface PeerClient {
  readonly name: string;
  readonly version: string | undefined;
  readonly session: string | undefined;
  /** The methods of what it was asked, in order. */
  readonly asked: readonly string[];
  /** The URIs of the resources that it was told have changed, in order. */
  readonly updated: readonly string[];
  /** The lists that it was told have changed, in order. */
  readonly changed: readonly string[];
  tools(): Promise<string[]>;
  resources(): Promise<string[]>;
  /** Calls a tool. @returns all text of its result @throws Error when the result is an error */
  call(name: string, args: object, options?: CallOptions): Promise<string>;
  /** Wants to hear of changes of a resource. @returns what ends that */
  subscribe(uri: string): Promise<() => Promise<unknown>>;
  /** Wants to hear of changes of lists. @returns what ends that */
  follow(): Promise<() => Promise<unknown>>;
  close(): Promise<void>;
}

/** No request runs into the client's own time limit. */
const PATIENT = { timeout: 120_000 };
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } };

/** What a client hears and answers, whichever version it is. */
function recorder(name: string) {
  const asked: string[] = [];
  const updated: string[] = [];
  const changed: string[] = [];
  const answer = <T>(method: string, result: T) => {
    asked.push(method);
    return result;
  };
  return {
    asked,
    updated,
    changed,
    elicit: () => {
      const content = { name, username: name, email: `${name}@example.com` };
      return answer('elicitation/create', { action: 'accept' as const, content });
    },
    sample: () => {
      const content = { type: 'text' as const, text: `sampled by ${name}` };
      return answer('sampling/createMessage', { role: 'assistant' as const, model: 'a model', content });
    },
    roots: () => answer('roots/list', { roots: [{ uri: `file:///home/${name}`, name }] }),
    told: async ({ method, params }: { method: string; params?: object | undefined }) => {
      const list = /^notifications\/(\w+)\/list_changed$/.exec(method)?.[1];
      if (list) changed.push(list);
      if (method === 'notifications/resources/updated') updated.push((params as { uri: string }).uri);
    },
  };
}

/** The client most hosts of 2024 and 2025 are built on. */
export async function connectV1(url: string, name: string): Promise<PeerClient> {
  const heard = recorder(name);
  const client = new ClientV1({ name, version: '1.0.0' }, { capabilities: CAPABILITIES });
  client.setRequestHandler(ElicitRequestSchema, heard.elicit);
  client.setRequestHandler(CreateMessageRequestSchema, heard.sample);
  client.setRequestHandler(ListRootsRequestSchema, heard.roots);
  client.fallbackNotificationHandler = heard.told;
  const transport = new TransportV1(new URL(url));
  await client.connect(transport as Transport, PATIENT);
  return {
    ...heard,
    name,
    version: transport.protocolVersion,
    session: transport.sessionId,
    tools: async () => (await client.listTools(undefined, PATIENT)).tools.map((tool) => tool.name),
    resources: async () => (await client.listResources(undefined, PATIENT)).resources.map(({ uri }) => uri),
    call: async (tool, args, options) =>
      textOf(await client.callTool({ name: tool, arguments: { ...args } }, undefined, requestOptions(options))),
    subscribe: async (uri) => {
      await client.subscribeResource({ uri }, PATIENT);
      return () => client.unsubscribeResource({ uri }, PATIENT);
    },
    follow: async () => async () => undefined,
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

/** The client of the version 2 SDK. @param mode how it finds the era */
export async function connectV2(
  url: string,
  name: string,
  mode: 'legacy' | 'auto' | { pin: string },
): Promise<PeerClient> {
  const heard = recorder(name);
  // clients of one principal that can do the same share a link; some servers remember there what the first one said
  const roots = { listChanged: typeof mode === 'string' };
  const options = { capabilities: { ...CAPABILITIES, roots }, versionNegotiation: { mode } };
  const client = new ClientV2({ name, version: '1.0.0' }, options);
  client.setRequestHandler('elicitation/create', heard.elicit);
  client.setRequestHandler('sampling/createMessage', heard.sample);
  client.setRequestHandler('roots/list', heard.roots);
  client.fallbackNotificationHandler = heard.told;
  const transport = new TransportV2(new URL(url));
  await client.connect(transport, PATIENT);
  const modern = client.getProtocolEra() === 'modern';
  const fresh = { ...PATIENT, cacheMode: 'refresh' as const };
  const listen = async (filter: Parameters<typeof client.listen>[0]) => {
    const subscription = await client.listen(filter, PATIENT);
    if (JSON.stringify(subscription.honoredFilter) !== JSON.stringify(filter))
      throw new Error(`agreed to ${JSON.stringify(subscription.honoredFilter)} of ${JSON.stringify(filter)}`);
    return () => subscription.close();
  };
  return {
    ...heard,
    name,
    version: client.getNegotiatedProtocolVersion(),
    session: transport.sessionId,
    tools: async () => (await client.listTools(undefined, fresh)).tools.map((tool) => tool.name),
    resources: async () => (await client.listResources(undefined, fresh)).resources.map(({ uri }) => uri),
    call: async (tool, args, options) =>
      textOf(await client.callTool({ name: tool, arguments: { ...args } }, requestOptions(options))),
    subscribe: async (uri) => {
      if (modern) return listen({ resourceSubscriptions: [uri] });
      await client.subscribeResource({ uri }, PATIENT);
      return () => client.unsubscribeResource({ uri }, PATIENT);
    },
    follow: async () =>
      modern ? listen({ toolsListChanged: true, resourcesListChanged: true }) : async () => undefined,
    close: async () => {
      if (!modern) await transport.terminateSession();
      await client.close();
    },
  };
}

function requestOptions({ onprogress, signal }: CallOptions = {}) {
  return {
    ...PATIENT,
    ...(onprogress ? { onprogress: ({ progress }: { progress: number }) => onprogress(progress) } : {}),
    ...(signal ? { signal } : {}),
  };
}

function textOf(result: object): string {
  const { content, isError } = result as { content: { text?: string }[]; isError?: boolean };
  const text = content.map((block) => block.text ?? '').join('\n');
  if (isError) throw new Error(text);
  return text;
}
