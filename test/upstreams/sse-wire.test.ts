import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { answerText, type RecordedCall, toolCall } from './calls.ts';
import { type Arrived, type HttpLink, type HttpServerInTest, openHttp, serveHttp, stream } from './scripted-http.ts';
import { initialized } from './scripted-wire.ts';

let server: HttpServerInTest | undefined;
let opened: HttpLink | undefined;
let events: ServerResponse | undefined;

afterEach(async () => {
  await opened?.close();
  server?.stop();
  opened = undefined;
  server = undefined;
  events = undefined;
});

const say = (message: object): unknown => events!.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);

/** A server that names this address to post to, and answers the handshake. */
async function open(endpoint: string, post?: (arrived: Arrived, res: ServerResponse) => unknown): Promise<HttpLink> {
  server = await serveHttp((arrived, res) => {
    if (arrived.method === 'GET') {
      events = stream(res, `: hello\n\nevent: endpoint\ndata: ${endpoint}\n\n`);
      return true;
    }
    if (arrived.rpc === 'tools/call' && post) return post(arrived, res);
    res.writeHead(202).end('Accepted');
    if (arrived.rpc === 'initialize') say({ id: arrived.id, result: initialized() });
    else if (arrived.id !== undefined) say({ id: arrived.id, result: { content: [] } });
    return true;
  });
  opened = await openHttp(server.url, { transport: 'sse', timeouts: { open: 1_000 } });
  return opened;
}

function send(recorded: RecordedCall): RecordedCall {
  opened!.link.request(recorded.call);
  return recorded;
}

describe('the address to post to', () => {
  test.each([
    ['/messages?session=1', '/messages?session=1'],
    ['messages', '/messages'],
    ['?session=2', '/mcp?session=2'],
  ])('%s is relative to the stream\u2019s own', async (endpoint, path) => {
    await open(endpoint);
    await answerText(send(toolCall('x')));
    const posts = server!.arrived.filter((a) => a.method === 'POST');
    expect(new Set(posts.map((a) => a.url))).toEqual(new Set([path]));
    for (const { headers } of server!.arrived) expect(headers.authorization).toBe('Bearer secret-1234');
  });

  test('may be given in full, on the same origin', async () => {
    server = undefined;
    let origin = '';
    const whole = await serveHttp((arrived, res) => {
      if (arrived.method === 'GET') {
        events = stream(res, `event: endpoint\ndata: ${origin}/full\n\n`);
        return true;
      }
      res.writeHead(202).end();
      return arrived.rpc === 'initialize' ? say({ id: arrived.id, result: initialized() }) : true;
    });
    server = whole;
    origin = new URL(whole.url).origin;
    opened = await openHttp(whole.url, { transport: 'sse' });
    expect(whole.arrived.find((a) => a.method === 'POST')?.url).toBe('/full');
  });

  test.each(['http://127.0.0.1:9/messages', '//evil.example/messages', 'https://127.0.0.1/x', 'http://'])(
    'on another origin is refused, and nothing is sent there: %s',
    async (endpoint) => {
      const opening = open(endpoint);
      await expect(opening).rejects.toThrow('it named an endpoint on another origin');
      expect(server?.arrived.map((a) => a.method)).toEqual(['GET']);
    },
  );

  test('is the first one named: a second one changes nothing', async () => {
    await open('/first');
    events!.write('event: endpoint\ndata: /second\n\n');
    await answerText(send(toolCall('x')));
    await answerText(send(toolCall('y')));
    expect(server!.arrived.filter((a) => a.url === '/second')).toEqual([]);
  });

  test('that never comes ends the opening in time', async () => {
    server = await serveHttp((_, res) => stream(res, ': nothing\n\n'));
    await expect(openHttp(server.url, { transport: 'sse', timeouts: { open: 200 } })).rejects.toThrow(
      'it did not finish the handshake within 200 ms (timeouts.open)',
    );
  });
});

describe('no event stream', () => {
  test.each([
    [404, 'text/plain', 'it answered HTTP 404 instead of an event stream'],
    [200, 'application/json', 'it answered HTTP 200 instead of an event stream'],
  ])('status %i, %s', async (status, type, message) => {
    server = await serveHttp((_, res) => res.writeHead(status, { 'content-type': type }).end('{}'));
    await expect(openHttp(server.url, { transport: 'sse' })).rejects.toThrow(message);
  });
});

describe('the end of the stream is the end of the link', () => {
  test.each<[string, () => unknown, string]>([
    ['ended', () => events!.end(), 'its event stream ended'],
    ['broken', () => events!.destroy(), ''],
  ])('%s', async (_, end, reason) => {
    const { link, heard } = await open('/messages', (_arrived, res) => res.writeHead(202).end());
    const call = send(toolCall('x'));
    await expect.poll(() => server!.arrived.some((a) => a.rpc === 'tools/call')).toBe(true);
    end();
    expect(await call.done).toMatchObject({ kind: 'error', unsent: false, error: { fault: 'upstreamLost' } });
    expect([link.closed, heard.closed.length]).toEqual([true, 1]);
    expect(heard.closed[0]?.message).toContain(reason);
  });
});

test.each([404, 500, 503])('a POST refused with %i fails its call alone', async (status) => {
  let refuse = true;
  const { link } = await open('/messages', (arrived, res) => {
    if (refuse) return res.writeHead(status).end();
    res.writeHead(202).end();
    return say({ id: arrived.id, result: { content: [] } });
  });
  await expect(answerText(send(toolCall('x')))).rejects.toThrow(/Upstream up/);
  refuse = false;
  expect(link.closed).toBe(false);
  expect(await answerText(send(toolCall('y')))).toContain('content');
});
