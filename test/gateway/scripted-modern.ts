/** A modern upstream inside the test process: it says what the test tells it to, and keeps everything it was sent. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import type { Rpc } from './exchange.ts';

export interface Received extends Rpc {
  readonly headers: IncomingHttpHeaders;
  /** Set once the other side has hung up before the end of the answer. */
  gone: boolean;
}

/** A result; an error with an HTTP status; or nothing, when the handler answers on `res` itself. */
export type Answer = object | { readonly error: object; readonly status?: number } | undefined;
export type Handler = (message: Received, res: ServerResponse) => Answer | Promise<Answer>;

export interface ModernScript {
  tools?: readonly object[];
  resources?: readonly object[];
  capabilities?: object;
  /** Answers by method; they win over the lists. */
  handlers?: Readonly<Record<string, Handler>>;
  /** Beside what every list has. */
  caching?: object;
}

export interface ScriptedModern {
  readonly url: string;
  readonly script: ModernScript;
  readonly received: readonly Received[];
  of(method: string): readonly Received[];
  waitFor(method: string, count?: number): Promise<readonly Received[]>;
  /** Sends a notification on every open listen. */
  push(method: string, params?: object): void;
  close(): Promise<void>;
}

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

export const event = (message: object): string => `data: ${JSON.stringify(message)}\n\n`;

/** Begins an event stream. */
export function stream(res: ServerResponse, ...messages: object[]): void {
  if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const message of messages) res.write(event({ jsonrpc: '2.0', ...message }));
}

export async function startModern(script: ModernScript = {}, port = 0): Promise<ScriptedModern> {
  const received: Received[] = [];
  const listens = new Map<ServerResponse, unknown>();
  const usual = (message: Received, res: ServerResponse): Answer => {
    const caching = { ttlMs: 10_000, cacheScope: 'public', ...script.caching };
    switch (message.method) {
      case 'server/discover': {
        const listed = (items: unknown) => (items ? { listChanged: true } : undefined);
        const resources = script.resources && { listChanged: true, subscribe: true };
        const capabilities = { tools: listed(script.tools), resources, ...script.capabilities };
        return { supportedVersions: ['2026-07-28'], capabilities, ...caching };
      }
      case 'tools/list':
        return { tools: script.tools ?? [], ...caching };
      case 'resources/list':
        return { resources: script.resources ?? [], ...caching };
      case 'resources/templates/list':
        return { resourceTemplates: [], ...caching };
      case 'subscriptions/listen': {
        const { notifications } = message.params as { notifications: object };
        listens.set(res, message.id);
        res.once('close', () => listens.delete(res));
        const params = { _meta: { [SUBSCRIPTION]: message.id }, notifications };
        stream(res, { method: 'notifications/subscriptions/acknowledged', params });
        return undefined;
      }
      default:
        return { error: { code: -32601, message: 'Method not found' }, status: 404 };
    }
  };
  const server = createServer(async (req, res) => {
    if (req.method !== 'POST') return void res.writeHead(405, { allow: 'POST' }).end();
    const message: Received = { ...(JSON.parse(await text(req)) as Rpc), headers: req.headers, gone: false };
    received.push(message);
    res.once('close', () => {
      message.gone = !res.writableFinished;
    });
    const { [message.method ?? '']: handler = usual } = script.handlers ?? {};
    const answer = await handler(message, res);
    if (answer === undefined) return;
    const { error, status = 200 } = answer as { error?: object; status?: number };
    const body = error ? { error } : { result: { resultType: 'complete', ...answer } };
    const head = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...body });
    if (res.headersSent) return void res.end(event(JSON.parse(head) as object));
    res.writeHead(error ? status : 200, { 'content-type': 'application/json' }).end(head);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const of = (method: string) => received.filter((message) => message.method === method);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    script,
    received,
    of,
    waitFor: (method, count = 1) =>
      vi.waitUntil(() => (of(method).length >= count ? of(method) : undefined), { timeout: 5_000, interval: 5 }),
    push: (method, params = {}) => {
      for (const [res, id] of listens) stream(res, { method, params: { ...params, _meta: { [SUBSCRIPTION]: id } } });
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** A result that asks the client for something. */
export const inputRequired = (inputRequests: object | undefined, requestState?: string): object => ({
  resultType: 'input_required',
  ...(inputRequests ? { inputRequests } : {}),
  ...(requestState === undefined ? {} : { requestState }),
});

/** An elicitation. */
export const form = (message = 'name?'): object => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
});

/** An answer to one. */
export const accepted = (name = 'x'): object => ({ action: 'accept', content: { name } });
