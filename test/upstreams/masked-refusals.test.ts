/** What an upstream was given does not come back in what it says when it refuses: not to clients, and not to the log. */
import type { Dispatcher } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { Connector } from '../../src/upstreams/connector.ts';
import { maskedRefusals } from '../../src/upstreams/masked-refusals.ts';
import { Redactor } from '../../src/upstreams/redact.ts';
import { answerText, toolCall } from './calls.ts';
import { memoryLog } from './memory-log.ts';
import { type HttpLink, type HttpServerInTest, json, openHttp, type Reply, serveHttp } from './scripted-http.ts';
import { hearing } from './scripted-wire.ts';
import { nodeProcess, stdioSpec } from './specs.ts';

/** What `openHttp` sends in its header. */
const SECRET = 'secret-1234';

let server: HttpServerInTest | undefined;
let opened: HttpLink | undefined;

afterEach(async () => {
  await opened?.close();
  server?.stop();
});

async function open(reply: Reply): Promise<HttpLink> {
  server = await serveHttp((arrived, res) => (arrived.rpc === 'tools/call' ? reply(arrived, res) : false));
  opened = await openHttp(server.url);
  return opened;
}

/** What becomes of a call that is answered like this. */
async function call(reply: Reply): Promise<string> {
  const { link } = await open(reply);
  const recorded = toolCall('any');
  link.request(recorded.call);
  return answerText(recorded).catch((error: Error) => error.message);
}

/** What is handed on of a body that comes in these pieces. */
function passed(status: number, pieces: readonly Buffer[]): string[] {
  const heard: string[] = [];
  const controller = {} as Dispatcher.DispatchController;
  const answer: Dispatcher['dispatch'] = (_, handler) => {
    handler.onResponseStart?.(controller, status, {}, '');
    for (const piece of pieces) handler.onResponseData?.(controller, piece);
    handler.onResponseEnd?.(controller, {});
    return true;
  };
  const onResponseData = (_: unknown, chunk: Buffer): void => void heard.push(chunk.toString());
  maskedRefusals(new Redactor([SECRET]))(answer)({ method: 'POST', path: '/' }, { onResponseData });
  return heard;
}

describe('the header of an upstream that it tells in a refusal', () => {
  test.each([401, 400, 404, 500])('with status %i: is in no log, and not in the answer', async (status) => {
    const text = await call(({ headers }, res) => res.writeHead(status).end(`no: ${headers.authorization}\u001b[31m!`));
    expect(text).not.toContain(SECRET);
    const refusals = opened!.lines.filter(({ msg }) => msg === 'upstream refused a request');
    if (status !== 404) expect(refusals).toMatchObject([{ status, body: 'no: [redacted]!' }]);
    expect(JSON.stringify(opened!.lines)).not.toContain(SECRET);
  });

  test('is found wherever the refusal is cut into pieces', () => {
    const body = Buffer.from(`no: Bearer ${SECRET}, ö`);
    for (let at = 1; at < body.length; at++)
      expect(passed(401, [body.subarray(0, at), body.subarray(at)])).toEqual(['no: Bearer [redacted], ö']);
    expect(passed(200, [body.subarray(0, 15), body.subarray(15)])).toEqual(['no: Bearer secr', 'et-1234, ö']);
  });

  test('does not make a refusal without an end wait for it', () => {
    const pieces = Array.from({ length: 4 }, () => Buffer.alloc(10_000, 'x'));
    expect(passed(404, [...pieces, Buffer.from(SECRET)]).map(({ length }) => length)).toEqual([
      20_000,
      10_000,
      10_000,
      '[redacted]'.length,
    ]);
  });

  test('is masked within a JSON-RPC error; all else of the error stays', async () => {
    const error = { code: -32001, message: `bad ${SECRET}`, data: { sent: [`Bearer ${SECRET}`], n: 1.0 } };
    const text = await call(({ id }, res) => res.writeHead(400).end(JSON.stringify({ jsonrpc: '2.0', id, error })));
    expect(JSON.parse(text).error).toEqual({
      code: -32001,
      message: 'bad [redacted]',
      data: { sent: ['[redacted]'], n: 1 },
    });
  });
});

test('what an upstream answers with status 200 is its own, and comes as it is', async () => {
  const error = { code: -32001, message: `bad ${SECRET}` };
  expect(await call(({ id }, res) => json(res, { id, error }))).toContain(JSON.stringify(error));
  await opened!.close();
  server!.stop();
  const result = { content: [{ type: 'text', text: SECRET }] };
  expect(await call(({ id }, res) => json(res, { id, result }))).toContain(JSON.stringify(result));
});

describe('a refusal of the handshake tells why without', () => {
  const error = { code: -32001, message: `unknown key ${SECRET}-5678` };

  test('the headers of the upstream', async () => {
    server = await serveHttp(({ rpc, id }, res) => (rpc === 'initialize' ? json(res, { id, error }) : false));
    await expect(openHttp(server.url)).rejects.toThrow(/^it refused the handshake: unknown key \[redacted\]-5678$/);
  });

  test.each(['legacy', 'modern'] as const)('the environment of a process (%s)', async (protocol) => {
    const { log, lines } = memoryLog();
    const code = protocol === 'modern' ? -32021 : -32001;
    const answer = `process.stdin.once('data', (line) => console.log(JSON.stringify({ jsonrpc: '2.0',
      id: JSON.parse(line).id, error: { code: ${code}, message: 'unknown key ' + process.env.KEY } })))`;
    const process_ = { ...nodeProcess('raw-upstream', [], { KEY: `${SECRET}-5678` }), args: ['-e', answer] };
    const connector = new Connector({ ...stdioSpec(process_), protocol }, log);
    const identity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
    await expect(connector.open(identity, hearing().listener)).rejects.toThrow(/: unknown key \[redacted\]$/);
    await connector.close();
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });
});
