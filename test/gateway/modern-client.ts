/** A modern client by hand, over plain HTTP: every request describes itself. */
import { encodeHeaderValue } from '../../src/protocol/header-value.ts';
import { type Exchange, type SendOptions, send } from './exchange.ts';

export const MODERN = '2026-07-28';
const KEY = 'io.modelcontextprotocol';
export const TASKS = `${KEY}/tasks`;

export interface Request {
  readonly params?: Readonly<Record<string, unknown>>;
  /** What is declared with this request; default what the client declares. */
  readonly capabilities?: object;
  readonly id?: string | number;
  readonly logLevel?: string;
  readonly progressToken?: string | number;
  /** Beside the usual ones; `undefined` leaves one of those out. */
  readonly headers?: SendOptions['headers'];
  /** In place of members of `_meta`; `undefined` leaves one out. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

export class ModernClient {
  readonly url: string;
  readonly capabilities: object;
  readonly #headers: NonNullable<SendOptions['headers']>;
  #last = 0;

  /** @param headers sent with every request */
  constructor(url: string, capabilities: object = {}, headers: SendOptions['headers'] = {}) {
    this.url = url;
    this.capabilities = capabilities;
    this.#headers = headers;
  }

  /** Sends a request; resolves when the head of the answer is there. */
  send(method: string, request: Request = {}): Promise<Exchange> {
    const { params = {}, capabilities = this.capabilities, id = ++this.#last, logLevel, progressToken } = request;
    const name = params[NAMED[method] ?? ''];
    const _meta = {
      [`${KEY}/protocolVersion`]: MODERN,
      [`${KEY}/clientCapabilities`]: capabilities,
      [`${KEY}/clientInfo`]: { name: 'by hand', version: '1.0.0' },
      ...(logLevel === undefined ? {} : { [`${KEY}/logLevel`]: logLevel }),
      ...(progressToken === undefined ? {} : { progressToken }),
      ...request.meta,
    };
    return send(this.url, {
      headers: {
        'mcp-protocol-version': MODERN,
        'mcp-method': method,
        ...(typeof name === 'string' ? { 'mcp-name': encodeHeaderValue(name) } : {}),
        ...this.#headers,
        ...request.headers,
      },
      body: { jsonrpc: '2.0', id, method, params: { ...params, _meta } },
    });
  }

  /** Sends a request and waits for the end of the answer. */
  async ask(method: string, request: Request = {}): Promise<Exchange> {
    const answer = await this.send(method, request);
    await answer.ended();
    return answer;
  }

  /** The result of a request. @throws Error when there is none */
  async result(method: string, request: Request = {}): Promise<Record<string, unknown>> {
    const answer = await this.ask(method, request);
    const final = answer.messages.at(-1);
    if (!final?.result) throw new Error(`HTTP ${answer.status}: ${JSON.stringify(final ?? answer.text)}`);
    return final.result as Record<string, unknown>;
  }

  /** Calls a tool, or goes on with a call. */
  call(name: string, args: object = {}, more: Omit<Request, 'params'> & { readonly retry?: object } = {}) {
    const { retry = {}, ...others } = more;
    return this.result('tools/call', { ...others, params: { name, arguments: args, ...retry } });
  }
}
