/**
 * What the upstream of the benchmarks answers, in either era, apart from how it gets there. Tools: `echo` returns a text of
 * a size, `notify` tells its progress before, `wait` takes its time, `ask` asks the person first.
 */
export type Id = string | number;

export interface Message {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly protocolVersion?: string;
    readonly arguments?: ToolArguments;
    readonly _meta?: { readonly progressToken?: Id };
    /** Modern: what the person said. */
    readonly inputResponses?: Readonly<Record<string, unknown>>;
  };
  readonly result?: unknown;
}

interface ToolArguments {
  readonly text?: string;
  /** Length of the text in the result. */
  readonly bytes?: number;
  /** `notify`: so many notifications. */
  readonly count?: number;
  /** `wait`: for so long. */
  readonly ms?: number;
}

export interface Reply {
  readonly status: number;
  /** JSON text; empty for a notification. */
  readonly body: string;
  /** Messages that come before it, which make it a stream. */
  readonly before?: readonly string[];
  /** Milliseconds until it is sent. */
  readonly after?: number;
  /** The request to the client that has to be answered before, as JSON text with its id. */
  readonly ask?: { readonly id: string; readonly body: string };
}

export const MODERN = '2026-07-28';
const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const DEFAULT_BYTES = 200;
const INFO = { name: 'bench-upstream', version: '1.0.0' };
const CAPABILITIES = { tools: {} };
const CACHE = { ttlMs: 300_000, cacheScope: 'public' };
const FORM = {
  mode: 'form',
  message: 'Go on?',
  requestedSchema: { type: 'object', properties: { yes: { type: 'boolean' } }, required: ['yes'] },
};

const tool = (name: string, properties: object) => ({
  name,
  description: `Returns \`text\`, padded to \`bytes\` bytes (${name}).`,
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string' }, bytes: { type: 'integer', minimum: 0 }, ...properties },
  },
});
const TOOLS = [
  tool('echo', {}),
  tool('notify', { count: { type: 'integer' } }),
  tool('wait', { ms: { type: 'integer' } }),
  tool('ask', {}),
];

/** A tool as real ones are: a sentence or two, a handful of arguments. */
const filler = (i: number) => ({
  name: `record_${i}`,
  description: `Works on records of kind ${i}: finds them by their fields, changes what is named, and returns what is left.`,
  inputSchema: {
    type: 'object',
    properties: {
      query: { type: 'string', description: 'What to look for, in the words of a person.' },
      limit: { type: 'integer', minimum: 1, maximum: 100, description: 'How many at most.' },
      fields: { type: 'array', items: { type: 'string' }, description: 'Which of them to return.' },
    },
    required: ['query'],
  },
});

/** Padding already built, by length; a benchmark asks for a handful of lengths. */
const paddings = new Map<number, string>();

function padding(length: number): string {
  let text = paddings.get(length);
  if (text === undefined) {
    text = 'x'.repeat(length);
    paddings.set(length, text);
  }
  return text;
}

export class Answers {
  readonly #modern: boolean;
  readonly #tools: string;
  #asked = 0;

  /** @param fillers tools beside the ones that do something */
  constructor(modern: boolean, fillers = 0) {
    this.#modern = modern;
    this.#tools = JSON.stringify([...TOOLS, ...Array.from({ length: fillers }, (_, i) => filler(i))]);
  }

  /** @param message one that belongs to the era */
  of(message: Message): Reply {
    const { id, method, params } = message;
    if (id === undefined || method === undefined) return { status: 202, body: '' };
    if (method === 'initialize') return this.#result(id, initialized(params?.protocolVersion));
    if (method === 'server/discover')
      return this.#result(id, { supportedVersions: [MODERN], capabilities: CAPABILITIES, ...CACHE });
    if (method === 'tools/list') return this.#text(id, `"tools":${this.#tools}`, CACHE);
    if (method === 'tools/call') return this.#call(id, params);
    if (method === 'ping') return this.#result(id, {});
    return failure(200, -32601, `no such method: ${method}`, id);
  }

  /** The measured path: everything but the id and the padded text is constant. */
  #call(id: Id, params: Message['params']): Reply {
    const name = params?.name;
    const { text = '', bytes = DEFAULT_BYTES, count = 0, ms = 0 } = params?.arguments ?? {};
    const padded = JSON.stringify(text + padding(Math.max(0, bytes - Buffer.byteLength(text))));
    const reply = this.#text(id, `"content":[{"type":"text","text":${padded}}]`);
    if (name === 'echo') return reply;
    if (name === 'wait') return { ...reply, after: ms };
    if (name === 'notify') return { ...reply, before: progress(params?._meta?.progressToken, count) };
    if (name === 'ask') return this.#ask(id, params, reply);
    return failure(200, -32602, `unknown tool: ${String(name)}`, id);
  }

  #ask(id: Id, params: Message['params'], reply: Reply): Reply {
    if (!this.#modern) {
      this.#asked += 1;
      const ask = `ask-${this.#asked}`;
      const body = JSON.stringify({ jsonrpc: '2.0', id: ask, method: 'elicitation/create', params: FORM });
      return { ...reply, ask: { id: ask, body } };
    }
    if (params?.inputResponses !== undefined) return reply;
    const inputRequests = { go: { method: 'elicitation/create', params: FORM } };
    return this.#result(id, { resultType: 'input_required', inputRequests, requestState: 's' });
  }

  #result(id: Id, value: object): Reply {
    const { resultType = 'complete', ...rest } = value as { resultType?: string };
    const result = this.#modern
      ? { resultType, ...rest, _meta: { 'io.modelcontextprotocol/serverInfo': INFO } }
      : value;
    return { status: 200, body: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}` };
  }

  /** A result whose text is there already. @param cache for how long, where the era has that */
  #text(id: Id, members: string, cache?: object): Reply {
    const more = this.#modern
      ? `,"resultType":"complete"${cache ? `,${JSON.stringify(cache).slice(1, -1)}` : ''},"_meta":{"io.modelcontextprotocol/serverInfo":${JSON.stringify(INFO)}}`
      : '';
    return { status: 200, body: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${members}${more}}}` };
  }
}

const initialized = (requested = '') => ({
  protocolVersion: VERSIONS.includes(requested) ? requested : VERSIONS[0],
  capabilities: CAPABILITIES,
  serverInfo: INFO,
});

function progress(token: Id | undefined, count: number): string[] {
  if (token === undefined) return [];
  const params = (done: number) => ({ progressToken: token, progress: done, total: count, message: 'on its way' });
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: params(i + 1) }),
  );
}

/** A JSON-RPC error with a status of HTTP. */
export function failure(status: number, code: number, message: string, id?: Id): Reply {
  return { status, body: JSON.stringify({ jsonrpc: '2.0', id: id ?? null, error: { code, message } }) };
}

/** @returns the message in a JSON text, or `undefined` */
export function readMessage(text: string): Message | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
