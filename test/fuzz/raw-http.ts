/** HTTP by hand on a socket of its own, for requests that no HTTP client sends. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawRequest {
  /** Default POST. */
  readonly method?: string;
  /** Default `/mcp`. */
  readonly path?: string;
  /** Sent as they are, in Latin-1, besides Host, Connection and the length. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Buffer;
  /** The Content-Length, when it is not that of the body. Where it is larger, the connection is closed after the body. */
  readonly announced?: number;
  /** Offsets at which the body is cut into pieces that are written one by one. */
  readonly cuts?: readonly number[];
  /** Whether the pieces are chunks of the chunked transfer coding. */
  readonly chunked?: boolean;
  /** Whether the head of the answer is enough, for streams without an end. */
  readonly headOnly?: boolean;
}

export interface RawReply {
  /** `undefined` when the connection was closed without an answer. */
  readonly status: number | undefined;
  readonly type: string;
  readonly body: string;
  /** Whether the answer came to its end within the time; always when only its head was asked for. */
  readonly complete: boolean;
}

const WAIT_MS = 8_000;
const HEAD_END = '\r\n\r\n';

/** Sends a request to a server on 127.0.0.1 and reads its answer. */
export async function sendRaw(port: number, request: RawRequest): Promise<RawReply> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  // a server that refuses what is still being sent may reset the connection
  socket.on('error', () => undefined);
  const received = read(socket, request.headOnly === true);
  await once(socket, 'connect');
  await write(socket, port, request);
  const { bytes, complete } = await received;
  socket.destroy();
  return { ...parse(bytes), complete };
}

async function write(socket: Socket, port: number, request: RawRequest): Promise<void> {
  const { method = 'POST', path = '/mcp', headers = [], body = Buffer.alloc(0), chunked = false } = request;
  const { announced = body.length, cuts = [] } = request;
  const length = chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(announced)];
  const lines = [['Host', `127.0.0.1:${port}`], ['Connection', 'close'], length, ...headers];
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  await put(socket, Buffer.from(head, 'latin1'));
  for (const piece of cut(body, cuts)) {
    await put(socket, chunked ? asChunk(piece) : piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (chunked) await put(socket, Buffer.from('0\r\n\r\n'));
  if (announced > body.length) socket.end();
}

function put(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.write(bytes, () => resolve())));
}

/** The pieces of some bytes when they are cut at these offsets; empty pieces are left out. */
export function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const places = [0, ...offsets.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
  return pieces.filter((piece) => piece.length > 0);
}

const asChunk = (piece: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);

/** Reads until the server closes the connection, or its answer has a head when that is enough. */
function read(socket: Socket, headOnly: boolean): Promise<{ bytes: Buffer; complete: boolean }> {
  const { promise, resolve } = Promise.withResolvers<{ bytes: Buffer; complete: boolean }>();
  const chunks: Buffer[] = [];
  const over = (complete: boolean) => resolve({ bytes: Buffer.concat(chunks), complete });
  const timer = setTimeout(() => over(false), WAIT_MS);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (headOnly && Buffer.concat(chunks).includes(HEAD_END)) over(true);
  });
  socket.once('close', () => over(true));
  return promise.finally(() => clearTimeout(timer));
}

function parse(bytes: Buffer): Omit<RawReply, 'complete'> {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return { status: undefined, type: '', body: '' };
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const rest = bytes.subarray(end + HEAD_END.length);
  const body = headers.get('transfer-encoding') === 'chunked' ? unchunk(rest) : rest;
  return {
    status: Number(statusLine.split(' ')[1]),
    type: headers.get('content-type')?.split(';', 1)[0] ?? '',
    body: body.toString('utf8'),
  };
}

function unchunk(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const length = lineEnd < 0 ? 0 : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!(length > 0)) return Buffer.concat(pieces);
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
}
