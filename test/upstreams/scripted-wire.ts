/** An upstream in memory: a transport whose other end is a function, and a real legacy link on it. */

import type { Round } from '../../src/protocol/call.ts';
import { type Pieces, whole } from '../../src/protocol/json/pieces.ts';
import type { Message } from '../../src/protocol/message.ts';
import { LegacyLink } from '../../src/upstreams/legacy-link.ts';
import type { LinkListener, ListKind } from '../../src/upstreams/link.ts';
import type { Wire, WireFault, WireListener } from '../../src/upstreams/wire.ts';
import { type LogLine, memoryLog } from './memory-log.ts';

/** A message that the link sent. */
export interface Sent {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Gives the result of a request, a {@link Failure}, `null` to stay silent, or `undefined` for what is usual. */
export type Script = (sent: Sent) => object | null | undefined;

export class ScriptedWire implements Wire {
  readonly separate = false;
  /** Everything the link sent, in order. */
  readonly sent: Sent[] = [];
  /** The same as text. */
  readonly raw: string[] = [];
  readonly forgotten: number[] = [];
  readonly aborted: number[] = [];
  readonly held: [of: number, still: boolean][] = [];
  closed = false;
  readyFor: string | undefined;
  #listener: WireListener | undefined;
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  get listener(): WireListener {
    return this.#listener!;
  }

  async start(listener: WireListener): Promise<void> {
    this.#listener = listener;
  }

  send(message: Buffer | Pieces): void {
    const text = (Buffer.isBuffer(message) ? message : whole(message)).toString();
    this.raw.push(text);
    const sent = JSON.parse(text) as Sent;
    this.sent.push(sent);
    const { id, method } = sent;
    if (id === undefined || method === undefined) return;
    const answer = this.#script(sent);
    if (!answer) return;
    const body =
      answer instanceof Failure ? { error: { code: answer.code, message: answer.message } } : { result: answer };
    queueMicrotask(() => this.say({ id, ...body }));
  }

  abort(of: number): void {
    this.aborted.push(of);
  }

  /** The upstream says something: members of a message, or a text to be sent as it is. */
  say(message: object | string, of?: number): void {
    const text = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message });
    this.listener.message(Buffer.from(text), of);
  }

  ready(version: string): void {
    this.readyFor = version;
  }

  forget(of: number): void {
    this.forgotten.push(of);
  }

  hold(of: number, still: boolean): void {
    this.held.push([of, still]);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** An answer that is a JSON-RPC error. */
export class Failure extends Error {
  readonly code: number;

  constructor(code: number, message = 'no') {
    super(message);
    this.code = code;
  }
}

/** The answer to `initialize` of a server with these capabilities. */
export const initialized = (capabilities: object = { tools: {} }, protocolVersion: unknown = '2025-11-25'): object => ({
  protocolVersion,
  capabilities,
  serverInfo: { name: 'scripted', version: '1' },
});

/** What a link told its listener. */
export interface Heard {
  readonly listChanged: ListKind[];
  readonly logs: Message[];
  readonly updated: Message[];
  readonly rounds: Round[];
  readonly silent: string[];
  readonly closed: (WireFault | undefined)[];
}

/** A listener that writes down what it is told. */
export function hearing(): { listener: LinkListener; heard: Heard } {
  const heard: Heard = { listChanged: [], logs: [], updated: [], rounds: [], silent: [], closed: [] };
  const listener: LinkListener = {
    listChanged: (kind) => void heard.listChanged.push(kind),
    missed: () => void heard.listChanged.push('tools', 'prompts', 'resources'),
    log: (message) => void heard.logs.push(message),
    updated: (message) => void heard.updated.push(message),
    tasked: () => undefined,
    elicited: () => undefined,
    input: (round) => void heard.rounds.push(round),
    answered: () => undefined,
    silent: (reason) => void heard.silent.push(reason),
    closed: (fault) => void heard.closed.push(fault),
  };
  return { listener, heard };
}

export interface ScriptedOptions {
  /** What the upstream answers; `initialize` is answered by {@link initialized} unless the script does. */
  readonly script?: Script;
  /** Capabilities of the server. */
  readonly capabilities?: object;
  /** Capabilities the server is told of. */
  readonly declared?: Readonly<Record<string, unknown>>;
  readonly openTimeout?: number;
  readonly upstream?: string;
  readonly signal?: AbortSignal;
  /** What the wire is, for a test that needs it although the link does not open. */
  readonly wired?: (wire: ScriptedWire) => void;
}

export interface Scripted {
  readonly link: LegacyLink;
  readonly wire: ScriptedWire;
  readonly heard: Heard;
  readonly lines: LogLine[];
}

/** Opens a link to a scripted upstream. @throws WireFault */
export async function openScripted(options: ScriptedOptions = {}): Promise<Scripted> {
  const {
    script = () => undefined,
    capabilities,
    declared = {},
    openTimeout = 2_000,
    upstream = 'up',
    signal,
  } = options;
  const { log, lines } = memoryLog();
  const { listener, heard } = hearing();
  const wire = new ScriptedWire((sent) => {
    const answer = script(sent);
    return answer === undefined && sent.method === 'initialize' ? initialized(capabilities) : answer;
  });
  options.wired?.(wire);
  const link = await new LegacyLink({
    upstream,
    wire,
    log,
    listener,
    deadline: () => ({ idle: 5_000, total: 10_000, knob: 'timeouts.request' }),
    client: { audience: 'a', capabilities: declared, info: { name: 'patchbay', version: '0' } },
    openTimeout,
    ...(signal ? { control: { signal } } : {}),
  }).open();
  return { link, wire, heard, lines };
}
