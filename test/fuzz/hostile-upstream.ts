/**
 * An upstream that says what its caller tells it to say, byte for byte, however wrong.
 *
 *     node test/fuzz/hostile-upstream.ts stdio      over HTTP: startHostile() in this process
 *
 * Tools:
 *
 *     act {tag, acts, status?, type?}   performs the acts one after the other; status and type are the head of the HTTP reply
 *     report                            every response and notification that came on this link since the last report, as text
 *
 * In the bytes of an act, `@ID@` stands for the id of the call as it is here, `@TOKEN@` for its progress token.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { cut } from './raw-http.ts';

/** One thing to do in the course of a call. Bytes are in base64. */
export type Act =
  /** Sends bytes as the transport frames a message, on the call's own stream or, over HTTP, on the GET stream. */
  | { readonly message: string; readonly elsewhere?: boolean }
  /** Sends bytes as they are, cut at these offsets, and an end of line (stdio) or of an event (HTTP). */
  | { readonly raw: string; readonly cuts?: readonly number[] }
  /** Waits until that many responses came on this link since the call began. */
  | { readonly responses: number }
  /** Answers the call properly: one text block with the tag. */
  | { readonly answer: true }
  /** Ends the reply without an answer (HTTP). */
  | { readonly end: true };

export interface Play {
  readonly tag: string;
  readonly acts: readonly Act[];
  /** The status of the HTTP reply, default 200. */
  readonly status?: number;
  /** Its content type, default `text/event-stream`. */
  readonly type?: string;
}

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Where a call's messages go. */
interface Stage {
  readonly notes: Notes;
  message(bytes: Buffer, elsewhere: boolean): Promise<void>;
  raw(pieces: readonly Buffer[]): Promise<void>;
  end(): void;
}

const TOOLS = ['act', 'report'].map((name) => ({ name, inputSchema: { type: 'object' } }));

/** What every hostile upstream answers properly. @returns `undefined` for what gets no answer here */
function courtesy({ id, method, params }: Message): object | undefined {
  if (id === undefined || method === undefined || method === 'tools/call') return undefined;
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: { listChanged: true }, logging: {} },
      serverInfo: { name: 'hostile', version: '1.0.0' },
    },
    'tools/list': { tools: TOOLS },
    ping: {},
    'logging/setLevel': {},
  };
  const result = results[method];
  return { jsonrpc: '2.0', id, ...(result ? { result } : { error: { code: -32601, message: method } }) };
}

async function perform({ acts, tag }: Play, call: Message, stage: Stage): Promise<void> {
  const fill = (base64: string) => filled(Buffer.from(base64, 'base64'), call);
  const before = stage.notes.responses;
  for (const act of acts) {
    if ('message' in act) await stage.message(fill(act.message), act.elsewhere === true);
    else if ('raw' in act) await stage.raw(cut(fill(act.raw), act.cuts ?? []));
    else if ('responses' in act) await stage.notes.waitFor(before + act.responses);
    else if ('answer' in act) await stage.message(textAnswer(call, tag), false);
    else stage.end();
  }
}

const textAnswer = ({ id }: Message, value: string): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: value }] } }));

function filled(bytes: Buffer, { id, params }: Message): Buffer {
  const token = (params?._meta as { progressToken?: unknown } | undefined)?.progressToken ?? null;
  const text = bytes
    .toString('latin1')
    .replaceAll('@ID@', JSON.stringify(id))
    .replaceAll('@TOKEN@', JSON.stringify(token));
  return Buffer.from(text, 'latin1');
}

/** What came on one link. */
class Notes {
  /** How many responses, in all. */
  responses = 0;
  #lines: string[] = [];
  #waiting: (() => void)[] = [];

  keep(raw: string, { id, method }: Message): void {
    if (id !== undefined && method !== undefined) return;
    this.#lines.push(raw);
    if (method === undefined) this.responses++;
    for (const look of this.#waiting) look();
  }

  /** What is neither a request nor reported before. */
  report(): string {
    const lines = this.#lines;
    this.#lines = [];
    return JSON.stringify(lines);
  }

  waitFor(responses: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => void (this.responses >= responses && resolve());
      this.#waiting.push(look);
      look();
    });
  }
}

const playOf = ({ params }: Message): Play => params?.arguments as unknown as Play;

function serveStdio(): void {
  const notes = new Notes();
  let turn = Promise.resolve();
  /** Writes pieces one by one; nobody else's bytes come between them. */
  const write = (pieces: readonly Buffer[]) => {
    turn = turn.then(async () => {
      for (const piece of pieces) await new Promise((resolve) => process.stdout.write(piece, resolve));
    });
    return turn;
  };
  const stage: Stage = {
    notes,
    message: (bytes) => write([bytes, LF]),
    raw: (pieces) => write([...pieces, LF]),
    end: () => undefined,
  };
  const take = (line: string) => {
    const message = JSON.parse(line) as Message;
    notes.keep(line, message);
    const answer = courtesy(message);
    if (answer) void stage.message(Buffer.from(JSON.stringify(answer)), false);
    else if (message.method !== 'tools/call') return;
    else if (message.params?.name === 'report') void stage.message(textAnswer(message, notes.report()), false);
    else void perform(playOf(message), message, stage);
  };
  let rest = '';
  process.stdin.setEncoding('utf8');
  // by hand: readline ends a line at U+2028 as well, which JSON may hold
  process.stdin.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
  });
  process.stdin.once('end', () => process.exit(0));
}

/** The config of a hostile upstream over stdio. */
export const HOSTILE_STDIO = { command: process.execPath, args: [fileURLToPath(import.meta.url), 'stdio'] };

/** A hostile upstream that serves HTTP. */
export interface HostileHttp {
  readonly url: string;
  /** What it answers `initialize` and lists with instead, by method: the JSON text of the result. */
  readonly instead: Map<string, string>;
  /** Sends a message on every open GET stream. */
  push(message: object): void;
  /** How many GET streams were ever opened. */
  opened(): number;
  /** Sends bytes on every open GET stream and ends it. */
  cutOff(bytes: string): void;
  close(): Promise<void>;
}

/** Starts one with sessions on any port of 127.0.0.1. */
export async function startHostile(): Promise<HostileHttp> {
  const notes = new Map<string, Notes>();
  const listening = new Map<ServerResponse, string>();
  const instead = new Map<string, string>();
  let sessions = 0;
  let opened = 0;

  const post = async (req: IncomingMessage, res: ServerResponse) => {
    const raw = await text(req);
    const message = JSON.parse(raw) as Message;
    if (message.method === 'initialize') res.setHeader('mcp-session-id', `hostile-${++sessions}`);
    const session = String(req.headers['mcp-session-id'] ?? '');
    const own = notes.get(session) ?? new Notes();
    notes.set(session, own);
    own.keep(raw, message);
    const other = instead.get(message.method ?? '');
    if (other !== undefined && message.id !== undefined)
      return json(res, `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${other}}`);
    const answer = courtesy(message);
    if (answer) return json(res, JSON.stringify(answer));
    if (message.method !== 'tools/call') return void res.writeHead(202).end();
    if (message.params?.name === 'report') return json(res, textAnswer(message, own.report()));
    const play = playOf(message);
    res.socket?.setNoDelay(true);
    res.setHeader('content-type', play.type ?? SSE);
    res.writeHead(play.status ?? 200).flushHeaders();
    const elsewhere = () => [...listening].filter(([, id]) => id === session).map(([stream]) => stream);
    await perform(play, message, new HttpStage(res, own, elsewhere));
    // without an answer it stays open: giving up is the caller's part
    if (play.acts.some((act) => 'answer' in act)) res.end();
  };

  const server = createServer((req, res) => {
    res.on('error', () => undefined);
    if (req.method === 'POST') return void post(req, res).catch(() => res.destroy());
    if (req.method !== 'GET') return void res.writeHead(200).end();
    res.writeHead(200, { 'content-type': SSE }).flushHeaders();
    opened++;
    listening.set(res, String(req.headers['mcp-session-id']));
    res.once('close', () => listening.delete(res));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    instead,
    push: (message) => {
      for (const stream of listening.keys()) stream.write(event(Buffer.from(JSON.stringify(message))));
    },
    opened: () => opened,
    cutOff: (bytes) => {
      for (const stream of listening.keys()) stream.end(bytes);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

class HttpStage implements Stage {
  readonly notes: Notes;
  readonly #res: ServerResponse;
  readonly #elsewhere: () => ServerResponse[];

  constructor(res: ServerResponse, notes: Notes, elsewhere: () => ServerResponse[]) {
    this.notes = notes;
    this.#res = res;
    this.#elsewhere = elsewhere;
  }

  async message(bytes: Buffer, elsewhere: boolean): Promise<void> {
    const plain = !String(this.#res.getHeader('content-type')).startsWith(SSE);
    const streams = elsewhere ? this.#elsewhere() : [this.#res];
    for (const stream of streams) await put(stream, plain && !elsewhere ? bytes : event(bytes));
  }

  async raw(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) await put(this.#res, piece);
    await put(this.#res, Buffer.from('\n\n'));
  }

  end(): void {
    this.#res.end();
  }
}

const SSE = 'text/event-stream';
const LF = Buffer.from('\n');

/** A message as one event, a `data:` field for each of its lines. */
const event = (bytes: Buffer): Buffer =>
  Buffer.from(`event: message\ndata: ${bytes.toString('latin1').replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`, 'latin1');

/** Writes, and gives the bytes a chance to arrive on their own. */
async function put(stream: ServerResponse, bytes: Buffer): Promise<void> {
  if (stream.destroyed || stream.writableEnded) return;
  await new Promise((resolve) => stream.write(bytes, resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

function json(res: ServerResponse, body: string | Buffer): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(body);
}

if (import.meta.main) serveStdio();
