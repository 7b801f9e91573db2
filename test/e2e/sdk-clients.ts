/** The official SDK clients, version 1 and 2, behind one small interface, so that one suite drives them all. */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

export interface ToolResult {
  readonly text: string;
  readonly isError: boolean;
  readonly structured: unknown;
}

/** One HTTP request of a client, as it went out and was answered. */
export interface Sent {
  readonly http: string;
  /** The JSON-RPC method; `undefined` without a body. */
  readonly method: string | undefined;
  readonly headers: Headers;
  readonly status: number;
}

export interface Connected {
  readonly protocolVersion: string | undefined;
  readonly sessionId: string | undefined;
  /** Every HTTP request so far; it grows. */
  readonly sent: readonly Sent[];
  tools(): Promise<string[]>;
  /** The whole definitions of the tools. */
  definitions(): Promise<readonly Record<string, unknown>[]>;
  prompts(): Promise<string[]>;
  resources(): Promise<string[]>;
  templates(): Promise<string[]>;
  call(
    name: string,
    args: object,
    onprogress?: (progress: number, total: number | undefined) => void,
  ): Promise<ToolResult>;
  prompt(name: string, args: Record<string, string>): Promise<unknown>;
  complete(prompt: string, argument: { name: string; value: string }): Promise<readonly string[]>;
  read(uri: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends the session, then the client. */
  close(): Promise<void>;
}

const INFO = { name: 'e2e', version: '1.0.0' };

/** The client most hosts of 2024 and 2025 are built on. @param key an API key, sent with each request */
export async function connectV1(url: string, key?: string): Promise<Connected> {
  const { sent, fetch } = recorder();
  const client = new ClientV1(INFO);
  const transport = new TransportV1(new URL(url), { fetch, ...bearing(key) });
  await client.connect(transport as Transport);
  return {
    ...common(client, sent),
    protocolVersion: transport.protocolVersion,
    sessionId: transport.sessionId,
    call: async (name, args, onprogress) =>
      toolResult(await client.callTool({ name, arguments: { ...args } }, undefined, progressOption(onprogress))),
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

/**
 * The client of the version 2 SDK.
 * @param mode how it finds the era: `legacy` as version 1 does, `auto` asks the server first, `pin` insists on modern
 * @param key an API key, sent with each request
 */
export async function connectV2(
  url: string,
  mode: 'legacy' | 'auto' | { pin: string },
  key?: string,
): Promise<Connected> {
  const { sent, fetch } = recorder();
  const client = new ClientV2(INFO, { versionNegotiation: { mode } });
  const transport = new TransportV2(new URL(url), { fetch, ...bearing(key) });
  await client.connect(transport);
  return {
    ...common(client, sent),
    protocolVersion: client.getNegotiatedProtocolVersion(),
    sessionId: transport.sessionId,
    call: async (name, args, onprogress) =>
      toolResult(await client.callTool({ name, arguments: { ...args } }, progressOption(onprogress))),
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

const bearing = (key: string | undefined) =>
  key === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${key}` } } };

/** What both clients have in the same form. */
interface Client {
  listTools(): Promise<{ tools: { name: string }[] }>;
  listPrompts(): Promise<{ prompts: { name: string }[] }>;
  listResources(): Promise<{ resources: { uri: string }[] }>;
  listResourceTemplates(): Promise<{ resourceTemplates: { uriTemplate: string }[] }>;
  getPrompt(params: { name: string; arguments: Record<string, string> }): Promise<{ messages: { content: unknown }[] }>;
  complete(params: {
    ref: { type: 'ref/prompt'; name: string };
    argument: { name: string; value: string };
  }): Promise<{ completion: { values: string[] } }>;
  readResource(params: { uri: string }): Promise<{ contents: Record<string, unknown>[] }>;
}

function common(client: Client, sent: readonly Sent[]) {
  return {
    sent,
    tools: async () => (await client.listTools()).tools.map((t) => t.name),
    definitions: async () => (await client.listTools()).tools as unknown as Record<string, unknown>[],
    prompts: async () => (await client.listPrompts()).prompts.map((p) => p.name),
    resources: async () => (await client.listResources()).resources.map((r) => r.uri),
    templates: async () => (await client.listResourceTemplates()).resourceTemplates.map((t) => t.uriTemplate),
    prompt: async (name: string, args: Record<string, string>) =>
      (await client.getPrompt({ name, arguments: args })).messages[0]?.content,
    complete: async (prompt: string, argument: { name: string; value: string }) =>
      (await client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument })).completion.values,
    read: async (uri: string) => (await client.readResource({ uri })).contents,
  };
}

function recorder() {
  const sent: Sent[] = [];
  const record = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(url, init);
    const method = typeof init.body === 'string' ? (JSON.parse(init.body) as { method?: string }).method : undefined;
    sent.push({ http: init.method ?? 'GET', method, headers: new Headers(init.headers), status: response.status });
    return response;
  };
  return { sent, fetch: record };
}

type OnProgress = Parameters<Connected['call']>[2];

const progressOption = (listener: OnProgress) =>
  listener
    ? { onprogress: (p: { progress: number; total?: number | undefined }) => listener(p.progress, p.total) }
    : {};

function toolResult(result: object): ToolResult {
  const { content, isError, structuredContent } = result as {
    content: { text?: string }[];
    isError?: boolean;
    structuredContent?: unknown;
  };
  return { text: content[0]?.text ?? '', isError: isError === true, structured: structuredContent };
}
