import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { type RawCall, rawCall } from './raw-call.ts';
import { type Received, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const MIB = 1_048_576;
const SIZE = 10_000_000;
const MOST = 64 * MIB;
/** Text in which a byte in the wrong place is found. */
const RANDOM = randomBytes(SIZE * 0.75).toString('base64');
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const EXPECTED = digest(RANDOM);
const BYTES = Buffer.from(RANDOM);
/** How long the texts of its tools are; the buffers of all sockets on the way cannot hold a huge one. */
const TIMES: Readonly<Record<string, number>> = { large: 1, huge: 3 };

let up: ScriptedUpstream;
/** A server of the SDK, which keeps nothing. */
let sdk: Server;
let gateway: Gateway;

/** Half of them as JSON, half as an event, with the id in front or behind. */
function answer({ id, params }: Received, res: ServerResponse): object | undefined {
  if (params?.name === 'quick') return textResult('quick');
  const json = Number(id) % 2 === 0;
  const pieces = [
    '"result":{"content":[{"type":"text","text":"',
    ...Array(TIMES[String(params!.name)]).fill(BYTES),
    '"}]}',
  ];
  const head = `"jsonrpc":"2.0","id":${id}`;
  const message = Number(id) % 3 === 0 ? [`{${head},`, ...pieces, '}'] : ['{', ...pieces, `,${head}}`];
  res.writeHead(200, { 'content-type': json ? 'application/json' : 'text/event-stream' });
  for (const piece of json ? message : ['event: message\ndata: ', ...message, '\n\n']) res.write(piece);
  res.end();
  return undefined;
}

beforeAll(async () => {
  up = await startUpstream({ tools: [tool('large'), tool('huge'), tool('quick')], handlers: { 'tools/call': answer } });
  sdk = createServer(async (req, res) => {
    if (req.method !== 'POST') return void res.writeHead(405).end();
    const server = new McpServer({ name: 'sdk', version: '1' });
    server.registerTool('large', {}, () => ({ content: [{ type: 'text', text: RANDOM }] }));
    const transport = new StreamableHTTPServerTransport({});
    await server.connect(transport as Parameters<McpServer['connect']>[0]);
    await transport.handleRequest(req, res);
  });
  sdk.listen(0, '127.0.0.1');
  await once(sdk, 'listening');
  const url = `http://127.0.0.1:${(sdk.address() as AddressInfo).port}/mcp`;
  // what a busy machine takes long for is a stream then, of which answers may be kept
  const server = { port: 0, hold: '1m' };
  gateway = await startGateway({ config: { server, upstreams: { up: { url: up.url }, sdk: { url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  sdk?.closeAllConnections();
  sdk?.close();
  await up?.close();
});

function memory(what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * 1_024;
}

const begin = (session: Session, name: string): Promise<RawCall> =>
  rawCall(gateway.url, session.id, { id: 'c', method: 'tools/call', params: { name } });

async function textOf(call: RawCall): Promise<string> {
  const { bytes, whole } = await call.rest();
  expect(whole).toBe(true);
  return (JSON.parse(bytes.toString()) as { result: { content: { text: string }[] } }).result.content[0]!.text;
}

test('32 clients that are sent 10 MB each, or more where they read slowly, cost 64 MiB at most, and wait for nobody', async () => {
  const sessions = await Promise.all(Array.from({ length: 32 }, () => Session.open(gateway.url)));
  // what is loaded and compiled once
  for (const session of sessions) {
    expect(await session.callText('up__quick')).toBe('quick');
  }
  writeFileSync(`/proc/${gateway.pid}/clear_refs`, '5');
  const before = memory('VmRSS');

  const slow = await Promise.all(sessions.slice(0, 12).map((session) => begin(session, 'up__huge')));
  await Promise.all(slow.map((call, i) => call.some(10_000 * (i + 1))));
  const fast = await Promise.all([
    ...sessions.slice(12, 24).map(async (session) => textOf(await begin(session, 'up__large'))),
    ...sessions.slice(24).map(async (session) => textOf(await begin(session, 'sdk__large'))),
  ]);
  expect(fast.map(digest)).toEqual(Array(20).fill(EXPECTED));
  expect(await sessions[0]!.callText('up__quick')).toBe('quick');
  for (const call of slow) await call.some(MIB);
  for (const call of slow) expect((await textOf(call)) === RANDOM.repeat(3)).toBe(true);
  expect(memory('VmHWM') - before).toBeLessThan(MOST);
}, 120_000);
