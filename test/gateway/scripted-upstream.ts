/**
 * A legacy Streamable HTTP upstream inside the test process: it says what the test tells it to, byte for byte, and keeps
 * everything it was sent.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import type { Rpc } from './exchange.ts';

/** One message the gateway sent. */
export interface Received extends Rpc {
  /** Its text as it arrived. */
  readonly raw: string;
  readonly headers: IncomingHttpHeaders;
}

/** A result; or nothing, when the handler answers on `res` itself, now or later or never. */
export type Handler = (message: Received, res: ServerResponse) => object | undefined | Promise<object | undefined>;

export interface Script {
  /** Items of the lists, as objects or as the JSON text to send; a list that is not here is not declared. */
  tools?: readonly (object | string)[];
  prompts?: readonly (object | string)[];
  resources?: readonly (object | string)[];
  resourceTemplates?: readonly (object | string)[];
  /** Answers by method; they win over the lists. */
  handlers?: Readonly<Record<string, Handler>>;
  /** Beside those that the lists imply. */
  capabilities?: object;
  instructions?: string;
}

export interface ScriptedUpstream {
  readonly url: string;
  /** What it answers from; a test may change it at any time. */
  readonly script: Script;
  /** Every message so far, in order. */
  readonly received: readonly Received[];
  /** The session ids that were ended with DELETE. */
  readonly ended: readonly string[];
  /** The messages of one method so far. */
  of(method: string): readonly Received[];
  /** Waits until as many messages of one method have come. @throws Error after 5 s */
  waitFor(method: string, count?: number): Promise<readonly Received[]>;
  /** Sends a message on every open GET stream. */
  push(message: object): void;
  close(): Promise<void>;
}

const LISTS = {
  'tools/list': ['tools', 'tools'],
  'prompts/list': ['prompts', 'prompts'],
  'resources/list': ['resources', 'resources'],
  'resources/templates/list': ['resourceTemplates', 'resources'],
} as const;

/** Answers with this JSON text. */
export function json(res: ServerResponse, body: string, status = 200): undefined {
  res.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

/** Begins, or goes on with, an answer that is a stream. */
export function event(res: ServerResponse, message: object | string): void {
  if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream' });
  const data = typeof message === 'string' ? message : JSON.stringify(message);
  res.write(`event: message\n${data.replaceAll(/^/gm, 'data: ')}\n\n`);
}

/** Starts one on 127.0.0.1, by default on any port. */
export async function startUpstream(script: Script = {}, port = 0): Promise<ScriptedUpstream> {
  const received: Received[] = [];
  const ended: string[] = [];
  const streams = new Set<ServerResponse>();
  let sessions = 0;

  const post = async (req: IncomingMessage, res: ServerResponse) => {
    const raw = await text(req);
    const message: Received = { ...(JSON.parse(raw) as Rpc), raw, headers: req.headers };
    received.push(message);
    if (message.method === undefined || message.id === undefined) return void res.writeHead(202).end();
    if (message.method === 'initialize') res.setHeader('mcp-session-id', `upstream-session-${++sessions}`);
    const handler = script.handlers?.[message.method];
    const result = handler ? await handler(message, res) : builtIn(script, message);
    if (typeof result === 'string')
      json(res, `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${result}}`);
    else if (result) json(res, JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    else if (!handler) json(res, JSON.stringify({ jsonrpc: '2.0', id: message.id, error: NO_METHOD }));
  };

  const server = createServer((req, res) => {
    if (req.method === 'POST') return void post(req, res);
    if (req.method === 'DELETE') ended.push(String(req.headers['mcp-session-id']));
    if (req.method !== 'GET') return void res.writeHead(200).end();
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    streams.add(res);
    res.once('close', () => streams.delete(res));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const of = (method: string) => received.filter((message) => message.method === method);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    script,
    received,
    ended,
    of,
    waitFor: (method, count = 1) =>
      vi.waitFor(
        () => {
          const there = of(method);
          if (there.length < count) throw new Error(`${there.length} of ${count} ${method} arrived`);
          return there;
        },
        { timeout: 5_000, interval: 10 },
      ),
    push: (message) => {
      for (const stream of streams) event(stream, message);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const NO_METHOD = { code: -32601, message: 'Method not found' };

function builtIn(script: Script, { method = '', params }: Rpc): object | string | undefined {
  if (method === 'initialize') {
    const offered = Object.values(LISTS).filter(([list]) => script[list] !== undefined);
    return {
      protocolVersion: params?.protocolVersion,
      capabilities: { ...Object.fromEntries(offered.map(([, name]) => [name, {}])), ...script.capabilities },
      serverInfo: { name: 'scripted', version: '1.0.0' },
      ...(script.instructions === undefined ? {} : { instructions: script.instructions }),
    };
  }
  const [list] = LISTS[method as keyof typeof LISTS] ?? [];
  if (!list) return undefined;
  const items = (script[list] ?? []).map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
  return `{"${list}":[${items.join(',')}]}`;
}

/** A tool as lists show it. */
export const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });

/** A tool result with one text block. */
export const textResult = (value: string) => ({ content: [{ type: 'text', text: value }] });
