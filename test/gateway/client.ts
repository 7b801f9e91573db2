/** A legacy client by hand, over plain HTTP. */
import { type Exchange, exchange, type Rpc, type SendOptions, send } from './exchange.ts';

export interface OpenOptions {
  /** The version asked for; default 2025-11-25. */
  readonly version?: string;
  readonly name?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether to send `notifications/initialized` (default true). */
  readonly ready?: boolean;
}

/** What one tools/call is, beside the tool and its arguments. */
export interface CallOptions {
  readonly id?: string | number;
  readonly progressToken?: string | number;
}

/** The `initialize` request. */
export const initializeMessage = (version: unknown = '2025-11-25', name = 'test client', id: unknown = 0) => ({
  jsonrpc: '2.0',
  id,
  method: 'initialize',
  params: { protocolVersion: version, capabilities: {}, clientInfo: { name, version: '1.0.0' } },
});

export class Session {
  readonly url: string;
  readonly id: string;
  /** The result of `initialize`. */
  readonly server: Readonly<Record<string, unknown>>;
  readonly #headers: Readonly<Record<string, string>>;
  #last = 1_000;

  private constructor(url: string, id: string, server: Readonly<Record<string, unknown>>, headers = {}) {
    this.url = url;
    this.id = id;
    this.server = server;
    this.#headers = headers;
  }

  /** @throws Error when the handshake gives no session */
  static async open(url: string, { version, name, headers = {}, ready = true }: OpenOptions = {}): Promise<Session> {
    const answer = await exchange(url, { headers, body: initializeMessage(version, name) });
    const id = answer.headers['mcp-session-id'];
    const { result } = answer.message;
    if (typeof id !== 'string' || !result) throw new Error(`no session: HTTP ${answer.status} ${answer.text}`);
    const session = new Session(url, id, result, headers);
    if (ready) await session.notify('notifications/initialized');
    return session;
  }

  /** A session that was opened otherwise. */
  static async adopt(url: string, id: string): Promise<Session> {
    const session = new Session(url, id, {});
    await session.notify('notifications/initialized');
    return session;
  }

  /** Sends anything with the session's headers; resolves when the head of the answer is there. */
  send({ headers = {}, ...options }: SendOptions): Promise<Exchange> {
    return send(this.url, { ...options, headers: { ...this.#headers, 'mcp-session-id': this.id, ...headers } });
  }

  /** POSTs a body and waits for the end of the answer. */
  async post(body: unknown, headers: SendOptions['headers'] = {}): Promise<Exchange> {
    const answer = await this.send({ body, headers });
    await answer.ended();
    return answer;
  }

  /** Sends a request. @returns its response, a result or an error */
  async request(method: string, params?: object, id: string | number = ++this.#last): Promise<Rpc> {
    return (await this.post({ jsonrpc: '2.0', id, method, ...(params ? { params } : {}) })).response(id);
  }

  /** Sends a request. @returns its result @throws Error when it is answered with an error */
  async result(method: string, params?: object): Promise<Readonly<Record<string, unknown>>> {
    const { result, error } = await this.request(method, params);
    if (!result) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  /** Calls a tool; resolves when the head of the answer is there. */
  call(name: string, args: object = {}, { id = ++this.#last, progressToken }: CallOptions = {}): Promise<Exchange> {
    return this.send({ body: callMessage(id, name, args, progressToken) });
  }

  /** Calls a tool. @returns the text of the first block of its result @throws Error when it is answered with an error */
  async callText(name: string, args: object = {}): Promise<string> {
    return firstText(await this.result('tools/call', { name, arguments: args }));
  }

  /** Sends a notification. @throws Error when it is not accepted with 202 */
  async notify(method: string, params?: object): Promise<void> {
    const { status, text } = await this.post({ jsonrpc: '2.0', method, ...(params ? { params } : {}) });
    if (status !== 202) throw new Error(`${method}: HTTP ${status} ${text}`);
  }

  /** Opens the session's GET stream. @throws Error when it is refused */
  async listen(): Promise<Exchange> {
    const stream = await this.send({ method: 'GET', headers: { accept: 'text/event-stream' } });
    if (stream.status !== 200) throw new Error(`GET: HTTP ${stream.status}`);
    return stream;
  }

  /** The names in a list, by default of tools. */
  async names(method = 'tools/list', list = 'tools', key = 'name'): Promise<string[]> {
    return itemsOf(await this.result(method), list).map((item) => String(item[key]));
  }

  /** Ends the session. */
  async end(): Promise<Exchange> {
    const answer = await this.send({ method: 'DELETE' });
    await answer.ended();
    return answer;
  }
}

/** A `tools/call` request. */
export const callMessage = (id: unknown, name: string, args: object = {}, progressToken?: string | number) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args, ...(progressToken === undefined ? {} : { _meta: { progressToken } }) },
});

/** The text of the first block of a tool result. */
export function firstText(result: Readonly<Record<string, unknown>>): string {
  const [block] = itemsOf(result, 'content');
  if (typeof block?.text !== 'string') throw new Error(`no text in ${JSON.stringify(result)}`);
  return block.text;
}

/** The objects in a list of a result. */
export function itemsOf(result: Readonly<Record<string, unknown>>, list: string): Readonly<Record<string, unknown>>[] {
  const items = result[list];
  if (!Array.isArray(items)) throw new Error(`no ${list} in ${JSON.stringify(result)}`);
  return items as Readonly<Record<string, unknown>>[];
}
