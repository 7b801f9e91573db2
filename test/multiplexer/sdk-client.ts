/** The official client, version 1, that answers what it is asked with a secret of its own and remembers what it was told. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type ClientCapabilities,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  type Progress,
} from '@modelcontextprotocol/sdk/types.js';
import { Agent, type RequestInit as UndiciInit, fetch as undiciFetch } from 'undici';
import type { PlayOutcome, Step } from '../fixtures/peer/play.ts';
import { ABLE } from './raw-client.ts';

/** Something that the client was asked or told. */
export interface Heard {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface SdkOptions {
  /** Default: everything. */
  readonly capabilities?: ClientCapabilities;
  /** How to reach the gateway; default `http`. */
  readonly transport?: 'http' | 'sse';
  /** What its answers hold. */
  readonly secret: string;
}

export interface PlayOptions {
  readonly onprogress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface Played {
  readonly tag: string;
  readonly outcomes: readonly PlayOutcome[];
  /** What its messages hold, where it was signed. */
  readonly nonce: string;
}

/** Many clients at once on a busy machine wait for their connections. */
const dispatcher = new Agent({ connect: { timeout: 60_000 }, bodyTimeout: 0, headersTimeout: 0 });
const patientFetch = (input: string | URL, init?: RequestInit): Promise<Response> =>
  undiciFetch(input, { ...(init as unknown as UndiciInit), dispatcher }) as unknown as Promise<Response>;

/** No request of a test runs into the client's own time limit. */
const LONG_MS = 120_000;

export class SdkClient {
  readonly client: Client;
  readonly secret: string;
  /** What the server asked, in order. */
  readonly asked: Heard[] = [];
  /** Notifications other than progress, in order. */
  readonly told: Heard[] = [];
  /** Its requests as they were sent, ids and progress tokens included, in order. */
  readonly sent: string[] = [];
  /** The HTTP methods of its requests, in order; not recorded over HTTP+SSE. */
  readonly requests: string[] = [];
  /** What it waits for before it answers an elicitation. */
  answerAfter: Promise<void> | undefined;
  readonly #transport: StreamableHTTPClientTransport | SSEClientTransport;

  private constructor({ secret, capabilities = ABLE, transport = 'http' }: SdkOptions, url: string) {
    this.secret = secret;
    this.client = new Client({ name: 'sdk', version: '1.0.0' }, { capabilities });
    const record = (input: string | URL, init?: RequestInit): Promise<Response> => {
      this.requests.push(init?.method ?? 'GET');
      return patientFetch(input, init);
    };
    this.#transport =
      transport === 'sse'
        ? new SSEClientTransport(new URL(url))
        : new StreamableHTTPClientTransport(new URL(url), { fetch: record });
    const hear = ({ method, params = {} }: { method: string; params?: object | undefined }) =>
      void this.asked.push({ method, params: { ...params } });
    if (capabilities.elicitation)
      this.client.setRequestHandler(ElicitRequestSchema, async (request) => {
        hear(request);
        await this.answerAfter;
        return { action: 'accept', ...(request.params.mode === 'url' ? {} : { content: { secret } }) };
      });
    if (capabilities.sampling)
      this.client.setRequestHandler(CreateMessageRequestSchema, (request) => {
        hear(request);
        return { role: 'assistant', model: 'test', content: { type: 'text', text: secret } };
      });
    if (capabilities.roots)
      this.client.setRequestHandler(ListRootsRequestSchema, (request) => {
        hear(request);
        return { roots: [{ uri: `file:///${secret}` }] };
      });
    this.client.fallbackNotificationHandler = async ({ method, params = {} }) =>
      void this.told.push({ method, params });
  }

  static async connect(url: string, options: SdkOptions): Promise<SdkClient> {
    const own = new SdkClient(options, url);
    const transport = own.#transport as Transport;
    const send = transport.send.bind(transport);
    transport.send = (message, sending) => {
      if ('method' in message && 'id' in message) own.sent.push(JSON.stringify(message));
      return send(message, sending);
    };
    await own.client.connect(transport, { timeout: LONG_MS });
    return own;
  }

  /** The params of all notifications of one kind so far. */
  of(method: string): Readonly<Record<string, unknown>>[] {
    return this.told.filter((heard) => heard.method === method).map(({ params }) => params);
  }

  /** Calls a tool. @returns its structured content */
  async tool(name: string, args: object = {}, options: PlayOptions = {}): Promise<Readonly<Record<string, unknown>>> {
    const params = { name, arguments: { ...args } };
    const result = await this.client.callTool(params, undefined, { timeout: LONG_MS, ...options });
    if (!result.structuredContent) throw new Error(`${name}: ${JSON.stringify(result)}`);
    return result.structuredContent as Readonly<Record<string, unknown>>;
  }

  /** Lets an upstream run steps in the course of a call. @param sign whether all its messages hold its nonce */
  async play(
    upstream: string,
    tag: string,
    steps: readonly Step[],
    options: PlayOptions & { readonly sign?: boolean } = {},
  ): Promise<Played> {
    const { sign, ...others } = options;
    return (await this.tool(
      `${upstream}__play`,
      { tag, steps, ...(sign ? { sign } : {}) },
      others,
    )) as unknown as Played;
  }

  /** Ends the session, then the client. */
  async close(): Promise<void> {
    if (this.#transport instanceof StreamableHTTPClientTransport) await this.#transport.terminateSession();
    await this.client.close();
  }
}
