/**
 * An upstream written by hand whose answers are not what they should be, on all three transports:
 *
 *     node test/contract/odd-upstream.ts stdio | http | sse
 *
 * The HTTP forms take any free port and print `listening <port>` on stderr. Every tool says by its name what is odd about
 * the answer to its call; an unknown name is answered properly, with the text of the request as it arrived.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** The texts that answer a call, each of them one message or what stands in its place. */
type Odd = (id: string) => string[];

const proper = (id: string, result = '{"content":[]}'): string => `{"jsonrpc":"2.0","id":${id},"result":${result}}`;

/** What the tools answer; `id` is the request's id as JSON text. */
const ODD: Readonly<Record<string, Odd>> = {
  result_is_array: (id) => [proper(id, '[1]')],
  result_is_null: (id) => [proper(id, 'null')],
  error_is_text: (id) => [`{"jsonrpc":"2.0","id":${id},"error":"no"}`],
  result_and_error: (id) => [`{"jsonrpc":"2.0","id":${id},"result":{},"error":{"code":1,"message":"both"}}`],
  neither: (id) => [`{"jsonrpc":"2.0","id":${id}}`],
  version_1: (id) => [`{"jsonrpc":"1.0","id":${id},"result":{}}`],
  no_json: () => ['{"jsonrpc":"2.0","id":'],
  not_utf8: () => ['{"jsonrpc":"2.0","id":1,"result":{"a":"\u0000"}}'],
  other_id: () => [proper('987654321')],
  null_id: () => ['{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"what?"}}'],
  twice: (id) => [proper(id, '{"content":[],"n":1}'), proper(id, '{"content":[],"n":2}')],
  string_id: (id) => [proper(`"${id}"`)],
  in_array: (id) => [
    `[{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}},${proper(id)}]`,
  ],
  among_noise: (id) => [
    '42',
    'null',
    '"text"',
    '[]',
    '{}',
    proper('987654321'),
    '{"jsonrpc":"2.0","method":7}',
    proper(id),
  ],
};

interface Incoming {
  readonly id: string;
  readonly method: string | undefined;
  readonly tool: string;
  readonly raw: string;
}

function read(raw: string): Incoming {
  const { id, method, params } = JSON.parse(raw) as { id?: unknown; method?: string; params?: { name?: string } };
  return { id: id === undefined ? '' : JSON.stringify(id), method, tool: params?.name ?? '', raw };
}

const INITIALIZED =
  '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"odd","version":"1"}}';

/** The pieces that answer a message; none for a notification. */
function answer({ id, method, tool, raw }: Incoming): string[] {
  if (id === '') return [];
  if (method === 'initialize') return [proper(id, INITIALIZED)];
  const odd = ODD[tool];
  return odd ? odd(id) : [proper(id, JSON.stringify({ content: [{ type: 'text', text: raw }] }))];
}

/** Bytes on the wire: the one piece that is not UTF-8 gets its broken byte here. */
function encode(piece: string): Buffer {
  const bytes = Buffer.from(piece);
  const at = bytes.indexOf(0);
  if (at >= 0) bytes[at] = 0xff;
  return bytes;
}

const event = (piece: string): Buffer => Buffer.concat([Buffer.from('data: '), encode(piece), Buffer.from('\n\n')]);

function serveStdio(): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      for (const piece of answer(read(line))) process.stdout.write(Buffer.concat([encode(piece), Buffer.from('\n')]));
    })
    .once('close', () => process.exit(0));
}

/** Streamable HTTP: a single piece is a JSON body, several are an event stream. */
async function serveHttp(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method !== 'POST') return void res.writeHead(405).end();
  const pieces = answer(read(await text(req)));
  if (pieces.length === 0) return void res.writeHead(202).end();
  if (pieces.length === 1)
    return void res.writeHead(200, { 'content-type': 'application/json' }).end(encode(pieces[0]!));
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const piece of pieces) res.write(event(piece));
  res.end();
}

const streams = new Map<string, ServerResponse>();

/** HTTP+SSE: answers come on the one stream of the session. */
async function serveSse(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method === 'GET') {
    const session = String(streams.size + 1);
    streams.set(session, res);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    return void res.write(`event: endpoint\ndata: /messages?s=${session}\n\n`);
  }
  const stream = streams.get(new URL(req.url ?? '/', 'http://127.0.0.1').searchParams.get('s') ?? '');
  if (!stream) return void res.writeHead(404).end();
  const incoming = read(await text(req));
  res.writeHead(202).end();
  for (const piece of answer(incoming)) stream.write(event(piece));
}

function listen(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): void {
  const server = createServer((req, res) => void handle(req, res).catch(() => res.destroy()));
  server.listen(0, '127.0.0.1', () => process.stderr.write(`listening ${(server.address() as AddressInfo).port}\n`));
}

const serve = { stdio: serveStdio, http: () => listen(serveHttp), sse: () => listen(serveSse) }[process.argv[2] ?? ''];
serve?.();
