import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { answerText, type RecordedCall, toolCall } from './calls.ts';
import {
  type HttpLink,
  type HttpServerInTest,
  json,
  openHttp,
  type Reply,
  serveHttp,
  stream,
} from './scripted-http.ts';

let server: HttpServerInTest | undefined;
let opened: HttpLink | undefined;

afterEach(async () => {
  await opened?.close();
  server?.stop();
  opened = undefined;
  server = undefined;
});

type Options = Parameters<typeof openHttp>[1];

/** A link to a server that replies to `tools/call` and what belongs to it as the test says. */
async function open(reply: Reply = () => false, options?: Options): Promise<HttpServerInTest & HttpLink> {
  server = await serveHttp((arrived, res) => (arrived.rpc === 'initialize' ? false : reply(arrived, res)));
  opened = await openHttp(server.url, options);
  return { ...server, ...opened };
}

function send(recorded: RecordedCall): RecordedCall {
  opened!.link.request(recorded.call);
  return recorded;
}

const requests = (rpc: string) => server!.arrived.filter((a) => a.rpc === rpc);
const gets = () => server!.arrived.filter((a) => a.method === 'GET' && a.headers['last-event-id'] !== undefined);
const DEEP = (id: number): string => `{"jsonrpc":"2.0","id":${id},"result":{"a":${'['.repeat(600)}${']'.repeat(600)}}}`;
const result = (id: number | undefined, n = 1): string => `data: {"jsonrpc":"2.0","id":${id},"result":{"n":${n}}}\n\n`;

describe('a session', () => {
  test('is named in everything after the handshake, with the version, and ended at the end', async () => {
    const { link, arrived } = await open();
    await answerText(send(toolCall('x')));
    await expect.poll(() => arrived.some((a) => a.method === 'GET')).toBe(true);
    await link.close();
    const [first, ...rest] = arrived;
    expect(first?.headers).not.toHaveProperty('mcp-session-id');
    expect(first?.headers).not.toHaveProperty('mcp-protocol-version');
    expect(rest.map((a) => a.rpc ?? a.method)).toEqual(
      expect.arrayContaining(['notifications/initialized', 'GET', 'tools/call', 'DELETE']),
    );
    for (const { headers } of rest) {
      expect(headers).toMatchObject({
        'mcp-session-id': 's-1',
        'mcp-protocol-version': '2025-11-25',
        authorization: 'Bearer secret-1234',
      });
    }
    for (const a of arrived) expect(a.url).toBe('/mcp?tenant=a');
    for (const a of arrived.filter(({ method }) => method === 'POST')) {
      expect(a.headers).toMatchObject({
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      });
    }
  });

  test('that is gone: the request was not processed and may be sent again, and the link is over', async () => {
    const { heard, link } = await open(({ rpc }, res) => (rpc === 'tools/call' ? res.writeHead(404).end() : false));
    const outcome = await send(toolCall('x')).done;
    expect(outcome).toMatchObject({ kind: 'error', unsent: true, error: { fault: 'upstreamUnavailable' } });
    expect([link.closed, heard.closed[0]?.message]).toEqual([true, 'its session is gone']);
  });

  test('that the GET stream tells is gone ends the link as well', async () => {
    const { heard } = await open(({ method }, res) => (method === 'GET' ? res.writeHead(404).end() : false));
    await expect.poll(() => heard.closed.map((f) => f?.message)).toEqual(['its session is gone']);
  });

  test('a server without the GET stream, and one without DELETE, are fine', async () => {
    const refuse = ({ method }: { method: string }, res: Parameters<Reply>[1]): unknown =>
      method === 'POST' ? false : res.writeHead(405).end();
    const { link, heard } = await open(refuse);
    await answerText(send(toolCall('x')));
    await link.close();
    expect(heard.closed).toEqual([undefined]);
  });
});

describe('a stream that ends before the answer', () => {
  test('#153 is resumed where it broke, after the time the upstream named', async () => {
    let ended = 0;
    let resumed = 0;
    await open(({ rpc, method, id, headers }, res) => {
      if (rpc === 'tools/call') {
        stream(res, `id: a\nretry: 120\ndata: \n\nid: b-${id}\nevent: message\n\n`).end();
        ended = Date.now();
        return true;
      }
      if (method !== 'GET' || headers['last-event-id'] === undefined) return false;
      resumed = Date.now();
      return stream(res, `id: c\n${result(requests('tools/call')[0]?.id)}`).end();
    });
    const call = send(toolCall('x'));
    expect(await answerText(call)).toContain('"n":1');
    expect(gets().map((a) => a.headers['last-event-id'])).toEqual([`b-${requests('tools/call')[0]?.id}`]);
    expect(gets()[0]?.headers).toMatchObject({ 'mcp-session-id': 's-1', accept: 'text/event-stream' });
    expect(gets()[0]?.headers).not.toHaveProperty('content-type');
    expect(resumed - ended).toBeGreaterThanOrEqual(115);
    expect(call.told).toEqual(['away', 'done']);
  });

  test('is not resumed without an event id: whether the call took effect is unknown', async () => {
    await open(({ rpc }, res) => (rpc === 'tools/call' ? stream(res, ': hello\n\n').end() : false));
    const outcome = await send(toolCall('x')).done;
    expect(outcome).toMatchObject({ kind: 'error', unsent: false, error: { fault: 'upstreamLost' } });
    expect([gets().length, requests('tools/call').length]).toEqual([0, 1]);
  });

  test('is given up after some tries, and progress in between counts as a success', async () => {
    await open(({ rpc, method, headers }, res) => {
      if (rpc === 'tools/call') return stream(res, 'id: 0\nretry: 1\n\n').end();
      const last = headers['last-event-id'];
      if (method !== 'GET' || last === undefined) return false;
      const n = gets().length;
      const progress = `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n\n`;
      return stream(res, `id: ${n}\n${n === 3 ? progress : '\n'}`).end();
    });
    const outcome = await send(toolCall('x')).done;
    expect(outcome).toMatchObject({ kind: 'error', unsent: false, error: { fault: 'upstreamLost' } });
    expect(gets()).toHaveLength(3 + 5);
    expect(gets().map((a) => a.headers['last-event-id'])).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  test.each([
    ['404', (res: Parameters<Reply>[1]) => res.writeHead(404).end()],
    ['500', (res: Parameters<Reply>[1]) => res.writeHead(500).end()],
    ['a broken connection', (res: Parameters<Reply>[1]) => res.destroy()],
  ])('#154 resuming answered by %s: the call was sent for sure, so it is not sent again', async (_, refuse) => {
    await open(({ rpc, method, headers }, res) => {
      if (rpc === 'tools/call') return stream(res, 'id: 0\nretry: 1\n\n').end();
      return method === 'GET' && headers['last-event-id'] !== undefined ? refuse(res) : false;
    });
    const outcome = await send(toolCall('x')).done;
    expect(outcome).toMatchObject({ kind: 'error', unsent: false, error: { fault: 'upstreamLost' } });
    expect(requests('tools/call')).toHaveLength(1);
  });

  test('#154 nor when there is nobody any more to resume at', async () => {
    const { stop } = await open(({ rpc }, res) => {
      if (rpc !== 'tools/call') return false;
      stream(res, 'id: 0\nretry: 1\n\n').end();
      return setImmediate(stop);
    });
    const outcome = await send(toolCall('x')).done;
    expect(outcome).toMatchObject({ kind: 'error', unsent: false, error: { fault: 'upstreamLost' } });
  });

  test('because its call was cancelled is not resumed', async () => {
    await open(({ rpc, method, id, headers }, res) => {
      if (rpc === 'tools/call') return stream(res, `id: ${id}\nretry: 200\n\n`).end();
      const last = headers['last-event-id'];
      return method === 'GET' && last !== undefined ? stream(res, result(Number(last))).end() : false;
    });
    const call = send(toolCall('x'));
    await expect.poll(() => call.told, { interval: 5 }).toEqual(['away']);
    opened!.link.cancel(call.call);
    // the other one is resumed later than the first would have been
    await answerText(send(toolCall('other')));
    expect(gets().map((a) => a.headers['last-event-id'])).toEqual([String(requests('tools/call')[1]?.id)]);
    expect(call.told).toEqual(['away']);
  });
});

test.each(['processing', 'early hints'])('a word before the answer (%s) is passed over', async (kind) => {
  const before = (res: ServerResponse): void =>
    kind === 'processing' ? res.writeProcessing() : res.writeEarlyHints({ link: '</a>; rel=preload; as=style' });
  const { link, lines } = await open(({ rpc, id }, res) => {
    if (rpc === undefined) return false;
    before(res);
    if (id === undefined) return void res.writeHead(202).end();
    return json(res, { id, result: { n: 1 } });
  });
  expect(await answerText(send(toolCall('x')))).toContain('"n":1');
  link.notify('notifications/roots/list_changed');
  await expect.poll(() => requests('notifications/roots/list_changed')).toHaveLength(1);
  expect(await answerText(send(toolCall('x')))).toContain('"n":1');
  expect(lines.filter(({ msg }) => /refused|did not take/.test(String(msg)))).toEqual([]);
});

describe('a reply that is no answer', () => {
  test.each([
    [401, 'answered HTTP 401 to the request; check the credentials in its headers'],
    [403, 'answered HTTP 403 to the request; check the credentials in its headers'],
    [429, 'answered HTTP 429 to the request; it is busy, try again later'],
    [500, 'answered HTTP 500 to the request'],
    [503, 'answered HTTP 503 to the request; it is busy, try again later'],
  ])('status %i says so, without what the upstream wrote or was sent', async (status, text) => {
    await open(({ rpc }, res) =>
      rpc === 'tools/call'
        ? res.writeHead(status, { 'www-authenticate': 'Bearer x' }).end('secret-1234 leaked')
        : false,
    );
    const outcome = await send(toolCall('x')).done;
    expect(outcome).toMatchObject({ kind: 'error', error: { fault: 'upstreamStatus' } });
    const { message } = (outcome as { error: Error }).error;
    expect(message).toContain(text);
    expect(message).not.toContain('secret');
    await expect(answerText(send(toolCall('x')))).rejects.toThrow(`HTTP ${status}`);
  });

  test('a JSON-RPC error for the request passes, whatever its status', async () => {
    await open(({ rpc, id }, res) =>
      rpc === 'tools/call'
        ? res.writeHead(400).end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32099, message: 'mine' } }))
        : false,
    );
    expect(await answerText(send(toolCall('x')))).toContain('"code":-32099');
  });

  test('#156 a redirect is not followed, so that credentials stay where they belong', async () => {
    const other = await serveHttp(() => false);
    await open(({ rpc }, res) => (rpc === 'tools/call' ? res.writeHead(307, { location: other.url }).end() : false));
    await expect(answerText(send(toolCall('x')))).rejects.toThrow('HTTP 307');
    expect(other.arrived).toEqual([]);
    other.stop();
  });

  test.each([
    ['too deep, as JSON', 'application/json', (id: number) => DEEP(id)],
    ['too deep, as an event', 'text/event-stream', (id: number) => `data: ${DEEP(id)}\n\n`],
    ['no JSON, as an event', 'text/event-stream', () => 'data: {"jsonrpc":"2.0",nonsense\n\n'],
    ['no object, as an event', 'text/event-stream', () => 'data: [5]\n\n'],
  ])('what is %s is told to be malformed, and says nothing of how the upstream does', async (_, type, body) => {
    const { heard } = await open(({ rpc, id }, res) =>
      rpc === 'tools/call' ? res.writeHead(200, { 'content-type': type }).end(body(id!)) : false,
    );
    for (let i = 0; i < 6; i++)
      expect(await send(toolCall('x')).done).toMatchObject({ kind: 'error', error: { fault: 'upstreamMalformed' } });
    expect(heard.silent).toEqual([]);
  });

  test('a body that is neither JSON nor an event stream', async () => {
    await open(({ rpc }, res) =>
      rpc === 'tools/call' ? res.writeHead(200, { 'content-type': 'text/html' }).end('<html>') : false,
    );
    await expect(answerText(send(toolCall('x')))).rejects.toThrow('it answered HTTP 200 without a message');
  });

  test.each([
    [
      'JSON',
      (id: number | undefined, res: Parameters<Reply>[1]) => json(res, { id, result: { x: 'x'.repeat(5_000) } }),
    ],
    [
      'an event stream, which is not resumed to get it once more',
      (id: number | undefined, res: Parameters<Reply>[1]) =>
        stream(
          res,
          `id: 1\nretry: 1\n\ndata: {"jsonrpc":"2.0","id":${id},"result":{"x":"${'x'.repeat(5_000)}"}}\n\n`,
        ).end(),
    ],
  ])('one larger than maxMessageSize, as %s', async (_, reply) => {
    await open(({ rpc, id }, res) => (rpc === 'tools/call' ? reply(id, res) : false), {
      maxMessageSize: 2_000,
    });
    expect(await send(toolCall('x')).done).toMatchObject({
      error: {
        fault: 'upstreamMalformed',
        message: expect.stringContaining('its answer is larger than maxMessageSize (2000 bytes)'),
      },
    });
    expect(gets()).toEqual([]);
  });

  test('a connection refused: the call was not sent', async () => {
    const { stop } = await open();
    stop();
    await expect
      .poll(async () => await send(toolCall('x')).done)
      .toMatchObject({ kind: 'error', unsent: true, error: { fault: 'upstreamUnavailable' } });
  });
});

describe('the stream beside the calls', () => {
  const changed = 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n';

  test('is opened again when it breaks, where it broke', async () => {
    let opens = 0;
    const { heard, arrived } = await open(({ method }, res) => {
      if (method !== 'GET') return false;
      opens++;
      return opens === 1 ? stream(res, `id: 7\nretry: 20\n${changed}`).end() : stream(res, changed);
    });
    await expect.poll(() => heard.listChanged).toEqual(['tools', 'tools']);
    const ids = arrived.filter((a) => a.method === 'GET').map((a) => a.headers['last-event-id']);
    expect(ids).toEqual([undefined, '7']);
  });

  test('that cannot be resumed is opened afresh, and every list counts as changed', async () => {
    let opens = 0;
    const { heard } = await open(({ method, headers }, res) => {
      if (method !== 'GET') return false;
      opens++;
      if (opens === 1) return stream(res, 'id: 7\nretry: 20\n\n').end();
      return headers['last-event-id'] === undefined ? stream(res, ': fresh\n\n') : res.writeHead(400).end();
    });
    await expect.poll(() => heard.listChanged).toEqual(['tools', 'prompts', 'resources']);
    expect(opens, 'told once the fresh stream is there').toBe(3);
  });

  test.each([429, 503])(
    'that is refused with %i is asked for again, and found when the server is back',
    async (status) => {
      let opens = 0;
      const { heard } = await open(({ method }, res) => {
        if (method !== 'GET') return false;
        opens++;
        if (opens === 1) return stream(res, 'retry: 20\n\n').end();
        return opens < 4 ? res.writeHead(status).end() : stream(res, ': back\n\n');
      });
      await expect.poll(() => heard.listChanged).toEqual(['tools', 'prompts', 'resources']);
      expect(opens).toBe(4);
    },
  );
});
