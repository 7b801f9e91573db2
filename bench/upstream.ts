/**
 * The upstream of the benchmarks: a legacy MCP server over Streamable HTTP, written by hand on `node:http` so that it
 * costs far less than what stands in front of it. One tool, `echo`: `{text, bytes}` → `text` padded to `bytes` bytes.
 *
 * Run: `node bench/upstream.ts`; it prints the listening line (announce.ts) and serves until SIGTERM.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { announce } from './announce.ts';

const PATH = '/mcp';
const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const NEWEST = '2025-11-25';
const DEFAULT_BYTES = 200;
/** Longer than any pause between two rounds, so that no target pays for a new connection inside its window. */
const KEEP_ALIVE_MS = 120_000;

const ECHO_TOOL = {
  name: 'echo',
  description: 'Returns `text`, padded to `bytes` bytes.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' }, bytes: { type: 'integer', minimum: 0 } } },
};

type Id = string | number;

interface Message {
  id?: Id;
  method?: string;
  params?: { name?: string; protocolVersion?: string; arguments?: { text?: string; bytes?: number } };
}

interface Reply {
  status: number;
  /** JSON text; empty for a notification. */
  body: string;
  /** A session id to announce in the reply. */
  session?: string;
}

const ACCEPTED: Reply = { status: 202, body: '' };

const sessions = new Set<string>();
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

function result(id: Id, value: unknown): Reply {
  return { status: 200, body: JSON.stringify({ jsonrpc: '2.0', id, result: value }) };
}

function failure(status: number, code: number, message: string, id?: Id): Reply {
  return { status, body: JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }) };
}

function initialize(id: Id, requested: string | undefined): Reply {
  const session = randomUUID();
  sessions.add(session);
  const answer = result(id, {
    protocolVersion: requested !== undefined && VERSIONS.includes(requested) ? requested : NEWEST,
    capabilities: { tools: {} },
    serverInfo: { name: 'bench-upstream', version: '1.0.0' },
  });
  return { ...answer, session };
}

/** The measured path: everything but the id and the padded text is constant. */
function callTool(id: Id, params: Message['params']): Reply {
  if (params?.name !== 'echo') return failure(200, -32602, `unknown tool: ${String(params?.name)}`, id);
  const text = params.arguments?.text ?? '';
  const bytes = params.arguments?.bytes ?? DEFAULT_BYTES;
  const padded = JSON.stringify(text + padding(Math.max(0, bytes - Buffer.byteLength(text))));
  const content = `[{"type":"text","text":${padded}}]`;
  return { status: 200, body: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":${content}}}` };
}

function parse(body: string): Message | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function answer(message: Message, session: string | string[] | undefined): Reply {
  const { id, method } = message;
  if (method === 'initialize' && id !== undefined) return initialize(id, message.params?.protocolVersion);
  if (typeof session !== 'string') return failure(400, -32600, 'the Mcp-Session-Id header is missing', id);
  if (!sessions.has(session)) return failure(404, -32001, 'no such session', id);
  if (id === undefined || method === undefined) return ACCEPTED;
  if (method === 'tools/call') return callTool(id, message.params);
  if (method === 'tools/list') return result(id, { tools: [ECHO_TOOL] });
  if (method === 'ping') return result(id, {});
  return failure(200, -32601, `no such method: ${method}`, id);
}

function send(res: ServerResponse, reply: Reply): void {
  const headers = ['content-length', String(Buffer.byteLength(reply.body))];
  if (reply.body !== '') headers.push('content-type', 'application/json');
  if (reply.session !== undefined) headers.push('mcp-session-id', reply.session);
  res.writeHead(reply.status, headers).end(reply.body);
}

const server = createServer((req, res) => {
  res.sendDate = false;
  const session = req.headers['mcp-session-id'];
  if (req.url !== PATH) {
    res.writeHead(404).end();
  } else if (req.method === 'DELETE') {
    res.writeHead(sessions.delete(String(session)) ? 200 : 404).end();
  } else if (req.method !== 'POST') {
    res.writeHead(405, { allow: 'POST, DELETE' }).end();
  } else {
    let body = '';
    req.setEncoding('utf8');
    req.on('data', (text: string) => {
      body += text;
    });
    req.on('end', () => {
      const message = parse(body);
      send(res, message === undefined ? failure(400, -32700, 'the body is no JSON object') : answer(message, session));
    });
  }
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen(0, '127.0.0.1', () => announce(server.address(), PATH));
process.once('SIGTERM', () => process.exit(0));
