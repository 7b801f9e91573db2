/** What a refusal of an HTTP upstream ends: the request it was given to, and others only when the session is gone. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { answerText, type RecordedCall, toolCall } from './calls.ts';
import { type HttpLink, type HttpServerInTest, openHttp, serveHttp, stream } from './scripted-http.ts';

let server: HttpServerInTest | undefined;
let opened: HttpLink | undefined;

afterEach(async () => {
  await opened?.close();
  server?.stop();
});

/** A link to a server that lets the first call wait and refuses what comes after it. */
async function open(
  status: number,
  body: string,
  refused = 'tools/call',
): Promise<HttpLink & { waiting: RecordedCall; answer: () => void; cut: () => void }> {
  let calls = 0;
  let held: ServerResponse | undefined;
  let id: unknown;
  server = await serveHttp((message, res) => {
    const { rpc } = message;
    if (rpc === 'initialize') return false;
    if (rpc === 'tools/call' && ++calls === 1) {
      [held, id] = [res, message.id];
      return stream(res, ': wait\n\n');
    }
    if (rpc !== refused) return false;
    return void res.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  opened = await openHttp(server.url);
  const waiting = toolCall('waits');
  opened.link.request(waiting.call);
  await expect.poll(() => calls).toBe(1);
  const answer = (): void =>
    void held!.end(
      `data: {"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"late"}]}}\n\n`,
    );
  return { ...opened, waiting, answer, cut: () => void held!.destroy() };
}

function refuse(): RecordedCall {
  const recorded = toolCall('refused');
  opened!.link.request(recorded.call);
  return recorded;
}

const ERROR =
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: no such thing","data":12345678901234567890}}';

describe('status 400', () => {
  test('with an error for no id in particular answers the request it was given to, word for word', async () => {
    const { link, waiting } = await open(400, ERROR);
    const outcome = await refuse().done;
    expect(outcome.kind).toBe('complete');
    const text = outcome.kind === 'complete' ? outcome.message.bytes.toString() : '';
    expect(text).toContain(
      '"error":{"code":-32000,"message":"Bad Request: no such thing","data":12345678901234567890}',
    );
    expect([link.closed, waiting.told, link.inFlight]).toEqual([false, [], 1]);
  });

  test('to a notification ends nothing', async () => {
    const { link, waiting } = await open(400, ERROR, 'notifications/roots/list_changed');
    link.notify('notifications/roots/list_changed');
    await expect.poll(() => server!.arrived.some(({ rpc }) => rpc === 'notifications/roots/list_changed')).toBe(true);
    await link.close();
    expect(waiting.told).toHaveLength(1);
    expect(await waiting.done).toMatchObject({ error: { fault: 'upstreamLost' } });
  });

  test('that speaks of the session says that it is gone', async () => {
    const { link } = await open(400, ERROR.replace('no such thing', 'No valid session ID provided'));
    expect(await refuse().done).toMatchObject({ kind: 'error', unsent: true });
    expect(link.closed).toBe(true);
  });
});

describe.each(['tools/call', 'notifications/roots/list_changed'])('status 404 to %s: the session is gone', (method) => {
  const refused = async (link: HttpLink['link']): Promise<void> => {
    if (method === 'tools/call') expect(await refuse().done).toMatchObject({ kind: 'error', unsent: true });
    else link.notify(method);
    await expect.poll(() => link.closed).toBe(true);
  };

  test('what is in progress goes on, and its answer arrives', async () => {
    const { link, waiting, heard, answer } = await open(404, '', method);
    await refused(link);
    expect(heard.closed[0]?.message).toBe('its session is gone');
    expect([waiting.told, link.inFlight]).toEqual([[], 1]);
    answer();
    expect(await answerText(waiting)).toContain('"late"');
    expect(link.inFlight).toBe(0);
    // with the last of them the transport ends, without a word to a session that is not there
    expect(server!.arrived.filter(({ method: http }) => http === 'DELETE')).toEqual([]);
  });

  test('what is in progress can be cancelled, and is told of a stream that breaks', async () => {
    const { link, waiting, cut } = await open(404, '', method);
    const other = toolCall('waits');
    await refused(link);
    link.request(other.call);
    expect(await other.done).toMatchObject({ kind: 'error', unsent: true });
    cut();
    const outcome = await waiting.done;
    expect(outcome).toMatchObject({ kind: 'error', error: { fault: 'upstreamLost' } });
    expect(outcome).not.toMatchObject({ unsent: true });
  });
});
