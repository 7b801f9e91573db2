/**
 * A shim between the suite and a gateway that prefixes names: the suite's own names go in, exposed names come out on the
 * other side, and back. Everything else passes as it is: paths, headers (Host and Origin too), statuses, streams, hang-ups.
 */
import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface NameMapper {
  /** Where the suite goes: the gateway's URL, at the shim's port. */
  readonly url: string;
  close(): Promise<void>;
}

type Rename = (name: string) => string;
type Values = Record<string, unknown>;

/** Headers that describe the body as it was before names were changed in it. */
const OF_THE_BODY = new Set(['content-length', 'transfer-encoding']);

/**
 * Starts a shim on any port of 127.0.0.1.
 * @param gateway the URL of the gateway's MCP endpoint
 * @param prefix what the gateway puts before the names, e.g. `conformance__`
 */
export async function startNameMapper(gateway: string, prefix: string): Promise<NameMapper> {
  const target = new URL(gateway);
  const server = createServer((req, res) => void forward(req, res, target, prefix).catch(() => res.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${target.pathname}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function forward(req: IncomingMessage, res: ServerResponse, target: URL, prefix: string): Promise<void> {
  const expose: Rename = (name) => `${prefix}${name}`;
  const strip: Rename = (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const body = inBytes(await buffer(req), (message) => mapRequest(message, expose));
  const out = request({
    host: target.hostname,
    port: target.port,
    path: req.url,
    method: req.method,
    headers: [...asked(req.rawHeaders), ...(body.length > 0 ? ['content-length', String(body.length)] : [])],
    setHost: false,
  });
  res.once('close', () => out.destroy());
  out.end(body);
  await answer(out, res, strip);
}

async function answer(out: ClientRequest, res: ServerResponse, strip: Rename): Promise<void> {
  const [reply] = (await once(out, 'response')) as [IncomingMessage];
  const change = (bytes: Buffer) => inBytes(bytes, (message) => mapResult(message, strip));
  res.writeHead(reply.statusCode!, passing(reply.rawHeaders));
  if (reply.headers['content-type']?.startsWith('text/event-stream')) await relayEvents(reply, res, change);
  else res.write(change(await buffer(reply)));
  res.end();
}

/** Passes an event stream on as it comes, line by line; a message is the one line of its event that begins with `data:`. */
async function relayEvents(
  reply: IncomingMessage,
  res: ServerResponse,
  change: (bytes: Buffer) => Buffer,
): Promise<void> {
  res.flushHeaders();
  let rest = Buffer.alloc(0);
  for await (const chunk of reply) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    const end = bytes.lastIndexOf('\n') + 1;
    rest = bytes.subarray(end);
    const lines = bytes.toString('utf8', 0, end).split('\n');
    const mapped = lines.map((line) =>
      line.startsWith('data: {') ? `data: ${change(Buffer.from(line.slice(6)))}` : line,
    );
    res.write(mapped.join('\n'));
  }
  res.write(rest);
}

/** The same of a request, whose answer is to come as text. */
const asked = (raw: readonly string[]): string[] =>
  passing(raw).filter((_, i, kept) => kept[i - (i % 2)]!.toLowerCase() !== 'accept-encoding');

const passing = (raw: readonly string[]): string[] =>
  raw.filter((_, i) => !OF_THE_BODY.has(raw[i - (i % 2)]!.toLowerCase()));

/** Changes one JSON-RPC message; what is none, or needs no change, stays the bytes it was. */
function inBytes(bytes: Buffer, change: (message: Values) => boolean): Buffer {
  let message: unknown;
  try {
    message = JSON.parse(bytes.toString('utf8'));
  } catch {
    return bytes;
  }
  return isObject(message) && change(message) ? Buffer.from(JSON.stringify(message)) : bytes;
}

/** Exposed names in a request. @returns whether there was one to change */
function mapRequest({ method, params }: Values, expose: Rename): boolean {
  if (!isObject(params)) return false;
  if (method === 'tools/call' || method === 'prompts/get') return rename(params, expose);
  const { ref } = params;
  return method === 'completion/complete' && isObject(ref) && ref.type === 'ref/prompt' && rename(ref, expose);
}

/** The suite's own names in the result of a list. @returns whether there was one to change */
function mapResult({ result }: Values, strip: Rename): boolean {
  if (!isObject(result)) return false;
  const items = [result.tools, result.prompts].flatMap((list) => (Array.isArray(list) ? list : []));
  return items.map((item) => isObject(item) && rename(item, strip)).includes(true);
}

function rename(item: Values, how: Rename): boolean {
  if (typeof item.name !== 'string') return false;
  item.name = how(item.name);
  return true;
}

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
