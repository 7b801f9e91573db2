/**
 * The upstream of the benchmarks: an MCP server by hand, over Streamable HTTP on `node:http` or over stdio, so that it costs
 * far less than what stands in front of it. upstream-answers.ts has its tools.
 *
 * Run: `node bench/upstream.ts [--era legacy|modern] [--tools N] [--ports N] [--transport http|stdio]`. Over HTTP it prints the
 * listening line (announce.ts) and serves until SIGTERM; `GET /count` says how many messages have come, `GET /urls` all ports
 * that it listens on. Over stdio it serves until its stdin ends.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { announce } from './announce.ts';
import { readFlags } from './flags.ts';
import { Answers, failure, type Message, MODERN, type Reply, readMessage } from './upstream-answers.ts';

const PATH = '/mcp';
/** Longer than any pause between two rounds, so that no target pays for a new connection inside its window. */
const KEEP_ALIVE_MS = 120_000;

const flags = readFlags(process.argv.slice(2), {
  era: { type: 'text', default: 'legacy' },
  tools: { type: 'count', default: 0 },
  ports: { type: 'count', default: 1, min: 1 },
  transport: { type: 'text', default: 'http' },
});
const modern = flags.era === 'modern';
const answers = new Answers(modern, flags.tools);
const sessions = new Set<string>();
/** What goes on when a client has answered. */
const asked = new Map<unknown, () => void>();
let count = 0;

/** Gives the reply when it is due. @param first sends what comes before */
function deliver(reply: Reply, first: (texts: readonly string[]) => void, last: (body: string) => void): void {
  const { before = [], after = 0, ask, body } = reply;
  if (ask) {
    asked.set(ask.id, () => last(body));
    first([ask.body]);
    return;
  }
  if (before.length > 0) first(before);
  if (after > 0) setTimeout(() => last(body), after);
  else last(body);
}

/** @returns whether the message is an answer of the client */
function isAnswer({ id, method }: Message): boolean {
  const go = method === undefined ? asked.get(id) : undefined;
  if (!go) return false;
  asked.delete(id);
  go();
  return true;
}

function overStdio(): void {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const message = readMessage(line);
    if (!message || isAnswer(message)) return;
    const write = (text: string): void => void process.stdout.write(`${text}\n`);
    deliver(
      answers.of(message),
      (texts) => texts.forEach(write),
      (body) => body === '' || write(body),
    );
  });
}

/** What is wrong with a request before it is looked at. */
function refusal(message: Message | undefined, { headers }: IncomingMessage): Reply | undefined {
  if (!message) return failure(400, -32700, 'the body is no JSON object');
  if (modern) {
    const version = headers['mcp-protocol-version'];
    return version === MODERN ? undefined : failure(400, -32022, 'this server speaks 2026-07-28', message.id);
  }
  if (message.method === 'initialize') return undefined;
  const session = headers['mcp-session-id'];
  if (typeof session !== 'string') return failure(400, -32600, 'the Mcp-Session-Id header is missing', message.id);
  return sessions.has(session) ? undefined : failure(404, -32001, 'no such session', message.id);
}

function sendWhole(res: ServerResponse, status: number, body: string, session?: string): void {
  const headers = ['content-length', String(Buffer.byteLength(body))];
  if (body !== '') headers.push('content-type', 'application/json');
  if (session !== undefined) headers.push('mcp-session-id', session);
  res.writeHead(status, headers).end(body);
}

const event = (text: string): string => `event: message\ndata: ${text}\n\n`;

function respond(req: IncomingMessage, res: ServerResponse, text: string): void {
  count += 1;
  const message = readMessage(text);
  const refused = refusal(message, req);
  if (refused) return sendWhole(res, refused.status, refused.body);
  if (isAnswer(message!)) return sendWhole(res, 202, '');
  const reply = answers.of(message!);
  let session: string | undefined;
  if (message!.method === 'initialize') {
    session = randomUUID();
    sessions.add(session);
  }
  let streaming = false;
  deliver(
    reply,
    (texts) => {
      streaming = true;
      res.writeHead(200, ['content-type', 'text/event-stream', 'cache-control', 'no-cache']);
      for (const one of texts) res.write(event(one));
    },
    (body) => (streaming ? void res.end(event(body)) : sendWhole(res, reply.status, body, session)),
  );
}

const servers: Server[] = [];

async function overHttp(): Promise<void> {
  for (let i = 0; i < flags.ports; i += 1) {
    const server = createServer(serve).listen(0, '127.0.0.1');
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    await once(server, 'listening');
    servers.push(server);
  }
  process.once('SIGTERM', () => process.exit(0));
  announce(servers[0]!.address(), PATH);
}

const urls = (): string[] =>
  servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`);

function serve(req: IncomingMessage, res: ServerResponse): void {
  res.sendDate = false;
  if (req.url === '/count') {
    res.end(String(count));
  } else if (req.url === '/urls') {
    res.end(JSON.stringify(urls()));
  } else if (req.url !== PATH) {
    res.writeHead(404).end();
  } else if (req.method === 'DELETE' && !modern) {
    res.writeHead(sessions.delete(String(req.headers['mcp-session-id'])) ? 200 : 404).end();
  } else if (req.method !== 'POST') {
    res.writeHead(405, { allow: modern ? 'POST' : 'POST, DELETE' }).end();
  } else {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => void chunks.push(chunk));
    req.on('end', () => respond(req, res, Buffer.concat(chunks).toString('utf8')));
  }
}

if (flags.transport === 'stdio') overStdio();
else await overHttp();
