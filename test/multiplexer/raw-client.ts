/** A legacy client by hand: every POST and GET of it is a connection of its own that a test can hold up or cut off. */
import { HttpStream, type Rpc } from './http-stream.ts';

export interface RawOptions {
  /** The protocol version asked for; default 2025-11-25. */
  readonly version?: string;
  readonly capabilities?: object;
  readonly name?: string;
  /** Whether to send `notifications/initialized` (default true). */
  readonly ready?: boolean;
}

export interface CallOptions {
  readonly id?: string | number;
  readonly progressToken?: string | number;
}

/** What clients that can do everything declare. */
export const ABLE = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: { listChanged: true },
};

const POST = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export class RawClient {
  readonly url: string;
  readonly session: string;
  /** The result of `initialize`. */
  readonly server: Readonly<Record<string, unknown>>;
  #last = 1_000;

  private constructor(url: string, session: string, server: Readonly<Record<string, unknown>>) {
    this.url = url;
    this.session = session;
    this.server = server;
  }

  /** @throws Error when the handshake gives no session */
  static async open(url: string, options: RawOptions = {}): Promise<RawClient> {
    const { version = '2025-11-25', capabilities = {}, name = 'raw', ready = true } = options;
    const params = { protocolVersion: version, capabilities, clientInfo: { name, version: '1.0.0' } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const answer = await (await HttpStream.open(url, { method: 'POST', headers: POST, body })).ended(30_000);
    const session = answer.headers['mcp-session-id'];
    const result = answer.messages[0]?.result;
    if (typeof session !== 'string' || !result) throw new Error(`no session: HTTP ${answer.status} ${answer.text}`);
    const client = new RawClient(url, session, result);
    if (ready) await client.notify('notifications/initialized');
    return client;
  }

  /** POSTs one message; resolves when the head of the answer is there. */
  post(message: object): Promise<HttpStream> {
    const headers = { ...POST, 'mcp-session-id': this.session };
    return HttpStream.open(this.url, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  }

  /** Calls a tool; resolves when the head of the answer is there. */
  call(name: string, args: object = {}, { id = ++this.#last, progressToken }: CallOptions = {}): Promise<HttpStream> {
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
    return this.post({ id, method: 'tools/call', params: { name, arguments: args, ...meta } });
  }

  /** Sends a request and waits for its response. */
  async request(method: string, params: object = {}): Promise<Rpc> {
    const id = ++this.#last;
    return (await this.post({ id, method, params })).response(id);
  }

  /** Calls a tool. @returns its structured content @throws Error when it is answered with an error */
  async tool(name: string, args: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const { result, error } = await this.request('tools/call', { name, arguments: args });
    // versions without structured content have it as text
    const [block] = (result?.content ?? []) as { text?: string }[];
    const content = (result?.structuredContent ?? (block?.text && JSON.parse(block.text))) as
      | Readonly<Record<string, unknown>>
      | undefined;
    if (!content) throw new Error(`${name}: ${JSON.stringify(error ?? result)}`);
    return content;
  }

  /** Answers a request of the server. @returns the HTTP status */
  async answer(id: unknown, response: { result: object } | { error: object }): Promise<number> {
    return (await (await this.post({ id, ...response })).ended()).status;
  }

  /** Sends a notification. @throws Error when it is not accepted */
  async notify(method: string, params: object = {}): Promise<void> {
    const { status, text } = await (await this.post({ method, params })).ended();
    if (status !== 202) throw new Error(`${method}: HTTP ${status} ${text}`);
  }

  /** GET; resolves when the head of the answer is there. @param lastEventId where to go on with a stream */
  listen(lastEventId?: string): Promise<HttpStream> {
    const resume: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const headers = { accept: 'text/event-stream', 'mcp-session-id': this.session, ...resume };
    return HttpStream.open(this.url, { method: 'GET', headers });
  }

  /** Ends the session. @returns the HTTP status */
  async end(): Promise<number> {
    const headers = { 'mcp-session-id': this.session };
    return (await (await HttpStream.open(this.url, { method: 'DELETE', headers })).ended()).status;
  }
}
