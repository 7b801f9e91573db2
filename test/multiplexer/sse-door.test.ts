/** The door for hosts that speak HTTP+SSE of 2024-11-05: the stream is the session. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { type Handler, type ScriptedUpstream, startUpstream, textResult, tool } from '../gateway/scripted-upstream.ts';
import { get, initialize, JSON_TYPE, knock, post } from './door.ts';
import { HttpStream } from './http-stream.ts';
import { elicit } from './questions.ts';
import { RawClient } from './raw-client.ts';
import { SdkClient } from './sdk-client.ts';
import { QUICK, startPeer, stdioPeer, withGateway } from './setup.ts';
import { poll, until } from './until.ts';

let http: HttpFixture;
let scripted: ScriptedUpstream;
let gateway: Gateway;
let sse: string;

beforeAll(async () => {
  http = await startPeer('http');
  const goOnly: Handler = ({ params }) => (params?.name === 'go' ? textResult('went') : undefined);
  scripted = await startUpstream({ tools: [tool('go'), tool('never')], handlers: { 'tools/call': goOnly } });
  const upstreams = { http: { url: http.url }, stdio: stdioPeer(), scripted: { url: scripted.url } };
  gateway = await startGateway({ config: { server: { ...QUICK.server, sse: true, keepAlive: '100ms' }, upstreams } });
  sse = new URL('/sse', gateway.url).href;
});

afterAll(async () => {
  await gateway?.stop();
  await http?.stop();
  await scripted?.close();
});

describe('the official client', () => {
  test.each(['http', 'stdio'])('calls tools of %s, with progress, logs and questions', async (upstream) => {
    const sdk = await SdkClient.connect(sse, { secret: 'by the door', transport: 'sse' });
    const seen: number[] = [];
    // the question is last: this client forgets progress that comes together with the result
    const steps = [{ progress: 3 }, { log: 2 }, { progress: 1 }, { ask: [elicit('May I?')] }];
    const { tag, outcomes } = await sdk.play(upstream, 'door', steps, {
      onprogress: (p) => void seen.push(p.progress),
    });
    expect(tag).toBe('door');
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(outcomes).toEqual([{ result: { action: 'accept', content: { secret: 'by the door' } } }]);
    expect(sdk.asked.map(({ params }) => params.message)).toEqual([`[${upstream}] May I?`]);
    expect(sdk.of('notifications/message')).toHaveLength(2);
    const { tools } = await sdk.client.listTools();
    expect(tools.map(({ name }) => name)).toContain(`${upstream}__play`);
    await sdk.close();
  });

  test('is asked outside of any call, and cancels what it wants no more', async () => {
    const sdk = await SdkClient.connect(sse, { secret: 'later', transport: 'sse' });
    await sdk.tool('http__play_later', { tag: 'door later', steps: [{ ask: [elicit()] }] });
    const { outcomes } = await sdk.tool('http__played', { tag: 'door later' });
    expect(outcomes).toEqual([{ result: { action: 'accept', content: { secret: 'later' } } }]);
    const before = await sdk.tool('http__plays');
    const controller = new AbortController();
    const played = sdk.play('http', 'unwanted', [{ progress: 1 }, { gate: 'never' }], {
      signal: controller.signal,
      onprogress: () => controller.abort('unwanted'),
    });
    await expect(played).rejects.toThrow('unwanted');
    await poll(() => sdk.tool('http__plays')).toMatchObject({ cancelled: Number(before.cancelled) + 1 });
    await sdk.close();
  });

  test('beside others of both doors sees only its own', async () => {
    const secrets = ['a', 'b', 'c', 'd'];
    const clients = await Promise.all(
      secrets.map((secret, i) =>
        i % 2 === 0
          ? SdkClient.connect(sse, { secret, transport: 'sse' })
          : SdkClient.connect(gateway.url, { secret, transport: 'http' }),
      ),
    );
    const played = await Promise.all(
      clients.map((sdk) => sdk.play('http', sdk.secret, [{ log: 3 }, { ask: [elicit()] }, { log: 3 }])),
    );
    expect(played.map(({ tag }) => tag)).toEqual(secrets);
    for (const [i, { outcomes }] of played.entries())
      expect(outcomes[0]?.result?.content).toEqual({ secret: secrets[i] });
    for (const sdk of clients) {
      await poll(() => sdk.of('notifications/message').length).toBe(6);
      const tags = sdk.of('notifications/message').map(({ data }) => (data as { tag: string }).tag);
      expect(new Set(tags)).toEqual(new Set([sdk.secret]));
      await sdk.close();
    }
  });
});

describe('the stream', () => {
  test('names the address first; POST is answered with 202 and nothing, the response comes as an event', async () => {
    const { stream, post: url } = await knock(sse);
    expect(stream.type).toBe('text/event-stream');
    expect(url.pathname).toBe('/messages');
    const accepted = await post(url, initialize);
    expect([accepted.status, accepted.text]).toEqual([202, '']);
    expect((await stream.response(0)).result).toMatchObject({ protocolVersion: '2024-11-05' });
    expect((await post(url, { method: 'notifications/initialized' })).status).toBe(202);
    await post(url, { id: 'x', method: 'tools/call', params: { name: 'scripted__go' } });
    expect((await stream.response('x')).result).toEqual(textResult('went'));
    await post(url, { id: 'y', method: 'no/such' });
    expect((await stream.response('y')).error?.code).toBe(-32601);
    expect(stream.events.slice(1).every(({ name, data }) => name === 'message' && data !== '')).toBe(true);
    // kept open while nothing happens
    await poll(() => stream.comments).toBeGreaterThan(2);
    stream.drop();
  });

  test('closing it ends the session, its calls and its links', async () => {
    const { stream, post: url } = await knock(sse);
    await post(url, initialize);
    await stream.response(0);
    await post(url, { id: 1, method: 'tools/call', params: { name: 'scripted__never' } });
    const isNever = ({ params }: { params?: { readonly name?: unknown } }) => params?.name === 'never';
    const asked = await until(() => scripted.of('tools/call').find(isNever), 'the call');
    stream.drop();
    const cancelled = () => scripted.of('notifications/cancelled').map(({ params }) => params?.requestId);
    await poll(cancelled).toContain(asked.id);
    await poll(() => scripted.ended).toContain(asked.headers['mcp-session-id']);
    await poll(async () => (await post(url, { id: 2, method: 'ping' })).status).toBe(404);
  });

  test('a second initialize is refused, also while the first one waits for upstreams', async () => {
    const { stream, post: url } = await knock(sse);
    await post(url, initialize);
    expect((await post(url, { ...initialize, id: 1 })).status).toBe(400);
    stream.drop();

    const mute = await startUpstream({ handlers: { initialize: () => undefined } });
    const config = { server: { ...QUICK.server, sse: true }, lists: { firstWait: '500ms' } };
    await withGateway({ ...config, upstreams: { mute: { url: mute.url } } }, async (own) => {
      const slow = await knock(new URL('/sse', own.url).href);
      const both = await Promise.all([1, 2].map((id) => post(slow.post, { ...initialize, id })));
      expect(both.map(({ status }) => status).sort()).toEqual([202, 400]);
      await poll(() => slow.stream.messages.filter(({ result }) => result).length).toBe(1);
      slow.stream.drop();
    });
    await mute.close();
  });

  test('anything before initialize is refused with 400', async () => {
    const { stream, post: url } = await knock(sse);
    expect((await post(url, { id: 1, method: 'tools/list' })).status).toBe(400);
    expect((await post(url, { method: 'notifications/initialized' })).status).toBe(400);
    stream.drop();
  });
});

describe('what is refused', () => {
  test('a session id that is missing: 400; unknown, or of the other door: 404', async () => {
    const client = await RawClient.open(gateway.url);
    const at = (query: string) => new URL(`/messages${query}`, gateway.url);
    const ping = { id: 1, method: 'ping' };
    expect((await post(at(''), ping)).status).toBe(400);
    for (const id of ['', 'x', '__proto__', crypto.randomUUID(), client.session])
      expect((await post(at(`?sessionId=${id}`), ping)).status).toBe(404);
    const { stream, post: url } = await knock(sse);
    const other = { ...JSON_TYPE, 'mcp-session-id': url.searchParams.get('sessionId')! };
    const elsewhere = await HttpStream.open(gateway.url, { method: 'DELETE', headers: other });
    expect((await elsewhere.ended()).status).toBe(404);
    stream.drop();
  });

  test('#1 #2 a strange Host or Origin, on both paths', async () => {
    const { stream, post: url } = await knock(sse);
    for (const headers of [{ origin: 'https://evil.example' }, { host: 'evil.example' }]) {
      expect((await (await get(sse, headers)).ended()).status).toBe(403);
      expect((await post(url, { id: 1, method: 'ping' }, headers)).status).toBe(403);
    }
    stream.drop();
  });

  test('what is no JSON, and batches', async () => {
    const { stream, post: url } = await knock(sse);
    const send = (body: string, headers = JSON_TYPE) =>
      HttpStream.open(url.href, { method: 'POST', headers, body }).then(
        async (answer) => (await answer.ended()).status,
      );
    expect(await send('{')).toBe(400);
    expect(await send('[{"jsonrpc":"2.0","id":1,"method":"ping"}]')).toBe(400);
    expect(await send('{}', { 'content-type': 'text/plain' })).toBe(415);
    stream.drop();
  });

  test('everything, unless server.sse is on', async () => {
    await withGateway({ ...QUICK, upstreams: { scripted: { url: scripted.url } } }, async ({ url }) => {
      expect((await (await get(new URL('/sse', url).href)).ended()).status).toBe(404);
      const answer = await post(new URL(`/messages?sessionId=${crypto.randomUUID()}`, url), { id: 1, method: 'ping' });
      expect(answer.status).toBe(404);
    });
  });
});

test('the address stays below the path of server.publicUrl', async () => {
  const port = await freePort();
  const publicUrl = 'https://gateway.example/tools';
  const server = { ...QUICK.server, port, sse: true, publicUrl, allowedHosts: ['127.0.0.1'] };
  await withGateway({ server, upstreams: { scripted: { url: scripted.url } } }, async () => {
    const stream = await get(`http://127.0.0.1:${port}/sse`);
    await poll(() => stream.events.length).toBe(1);
    expect(stream.events[0]?.data).toMatch(/^\/tools\/messages\?sessionId=/);
    stream.drop();
  });
});

/** A port that nobody listens on right now: with a public URL, a gateway does not tell its own. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
