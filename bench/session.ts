/**
 * The client side of a connection, as far as a load generator needs it: in the legacy era handshake, list, close; in the
 * modern era the headers and the `_meta` that every request has.
 */
import type { Pool } from 'undici';
import { MODERN } from './upstream-answers.ts';

export type Era = 'legacy' | 'modern';

/** An open session and what every later request of it carries. */
export interface Session {
  /** Flat name, value pairs, the form undici sends without copying. */
  headers: string[];
  /** Exposed name of the tool to call. */
  tool: string;
  /** Members of `_meta` of every request; empty in the legacy era. */
  meta: Readonly<Record<string, unknown>>;
  era: Era;
}

export interface Opening {
  /** What the name of the tool ends in. */
  readonly suffix: string;
  /** How many such tools there must be. @default 1 */
  readonly spread?: number;
  /** Which of them to call: sessions take turns. @default 0 */
  readonly turn?: number;
  readonly era: Era;
  /** Sent with every request. */
  readonly token?: string | undefined;
}

const VERSION = '2025-11-25';
const COMMON = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
const INFO = { name: 'bench-load', version: '1.0.0' };
const CAPABILITIES = { elicitation: {} };
const KEY = 'io.modelcontextprotocol';
const LIST_DEADLINE_MS = 15_000;
const LIST_PAUSE_MS = 50;

/**
 * Opens a session: the handshake where there is one, then `tools/list` until the tools whose names end in the suffix are there,
 * since a gateway may answer before it knows its upstream.
 *
 * @throws {Error} naming the step and what came back
 */
export async function openSession(pool: Pool, path: string, opening: Opening): Promise<Session> {
  const { era, token } = opening;
  const common = token === undefined ? COMMON : [...COMMON, 'authorization', `Bearer ${token}`];
  if (era === 'modern') {
    const meta = {
      [`${KEY}/protocolVersion`]: MODERN,
      [`${KEY}/clientCapabilities`]: CAPABILITIES,
      [`${KEY}/clientInfo`]: INFO,
    };
    const headers = [...common, 'mcp-protocol-version', MODERN];
    const listing = [...headers, 'mcp-method', 'tools/list'];
    const tool = await findTool(pool, path, { headers: listing, meta }, opening);
    return { headers: [...headers, 'mcp-method', 'tools/call', 'mcp-name', tool], tool, meta, era };
  }
  const params = { protocolVersion: VERSION, capabilities: CAPABILITIES, clientInfo: INFO };
  const opened = await send(pool, path, common, { jsonrpc: '2.0', id: 'open', method: 'initialize', params });
  const result = resultOf('initialize', opened) as { protocolVersion?: unknown };
  if (opened.session === undefined) throw new Error('initialize: the reply has no Mcp-Session-Id header');
  const headers = [...common, 'mcp-session-id', opened.session, 'mcp-protocol-version', String(result.protocolVersion)];
  const ready = await send(pool, path, headers, { jsonrpc: '2.0', method: 'notifications/initialized' });
  if (ready.status !== 202) throw new Error(`notifications/initialized: expected status 202, got ${ready.status}`);
  return { headers, tool: await findTool(pool, path, { headers, meta: {} }, opening), meta: {}, era };
}

/** Ends a session with DELETE. A target that does not take DELETE is left alone: the answer is not checked. */
export async function closeSession(pool: Pool, path: string, session: Session): Promise<void> {
  if (session.era === 'modern') return;
  const answer = await pool.request({ method: 'DELETE', path, headers: session.headers });
  await answer.body.dump();
}

/**
 * The JSON-RPC message in a reply body: the body itself, or the last event of an SSE body.
 *
 * @throws {SyntaxError} when it holds no JSON
 */
export function parseReply(contentType: string, body: string): unknown {
  if (!contentType.startsWith('text/event-stream')) return JSON.parse(body);
  const data = body.split(/\r?\n/).findLast((line) => line.startsWith('data:') && line.length > 'data: '.length);
  return JSON.parse(data?.slice('data:'.length) ?? '');
}

async function findTool(
  pool: Pool,
  path: string,
  { headers, meta }: Pick<Session, 'headers' | 'meta'>,
  { suffix, spread = 1, turn = 0 }: Opening,
): Promise<string> {
  const deadline = performance.now() + LIST_DEADLINE_MS;
  for (;;) {
    const listed = await send(pool, path, headers, {
      jsonrpc: '2.0',
      id: 'list',
      method: 'tools/list',
      params: { _meta: meta },
    });
    const { tools } = resultOf('tools/list', listed) as { tools?: { name: string }[] };
    const names = (tools ?? []).map((tool) => tool.name);
    const fitting = names.filter((candidate) => candidate.endsWith(suffix));
    if (fitting.length >= spread) return fitting[turn % spread]!;
    if (performance.now() > deadline) {
      const seen = names.slice(0, 20).join(', ');
      throw new Error(`tools/list: ${fitting.length} tools instead of ${spread} end in "${suffix}" in [${seen}]`);
    }
    await new Promise((resume) => setTimeout(resume, LIST_PAUSE_MS));
  }
}

interface Reply {
  status: number;
  session: string | undefined;
  type: string;
  body: string;
}

async function send(pool: Pool, path: string, headers: string[], message: object): Promise<Reply> {
  const answer = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(message) });
  const session = answer.headers['mcp-session-id'];
  return {
    status: answer.statusCode,
    session: typeof session === 'string' ? session : undefined,
    type: String(answer.headers['content-type'] ?? ''),
    body: await answer.body.text(),
  };
}

function resultOf(step: string, reply: Reply): object {
  const seen = `status ${reply.status}, body ${JSON.stringify(reply.body.slice(0, 200))}`;
  if (reply.status !== 200) throw new Error(`${step}: expected status 200, got ${seen}`);
  const message = parseReply(reply.type, reply.body) as { result?: unknown } | null;
  if (typeof message?.result !== 'object' || message.result === null) throw new Error(`${step}: no result: ${seen}`);
  return message.result;
}
