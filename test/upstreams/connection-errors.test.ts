/** What people are told of a connection that failed: words that say what to do. The code is for the log. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { connectionError } from '../../src/upstreams/connection-errors.ts';
import { Connector } from '../../src/upstreams/connector.ts';
import type { HttpSpec } from '../../src/upstreams/spec.ts';
import { answerText, toolCall } from './calls.ts';
import { memoryLog } from './memory-log.ts';
import { type HttpLink, type HttpServerInTest, openHttp, serveHttp, stream } from './scripted-http.ts';
import { hearing } from './scripted-wire.ts';
import { httpSpec } from './specs.ts';

const failed = (code?: string): string =>
  connectionError(Object.assign(new Error('own words'), code && { code }), memoryLog().log);

let server: HttpServerInTest | undefined;
let opened: HttpLink | undefined;

afterEach(async () => {
  await opened?.close();
  server?.stop();
});

test.each([
  ['ECONNREFUSED', 'nobody listens at its address; check that it runs, and its url'],
  ['ECONNRESET', 'it closed the connection; its own log may say why'],
  ['EPIPE', 'it closed the connection; its own log may say why'],
  ['UND_ERR_SOCKET', 'it closed the connection; its own log may say why'],
  ['UND_ERR_CONNECT_TIMEOUT', 'it could not be connected to in time (timeouts.open); check that it runs, and its url'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is not trusted; name its authority in NODE_EXTRA_CA_CERTS'],
  ['HPE_INVALID_CONSTANT', 'it does not speak HTTP there; check its url'],
  [
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'no secure connection could be agreed on; check its certificate and its versions of TLS',
  ],
  ['EWHATEVER', 'the connection to it failed; the log of Patchbay has the code of the error (level debug)'],
  [undefined, 'own words'],
])('%s', (code, text) => {
  expect(failed(code)).toBe(text);
});

/** A port that is free. */
async function freePort(): Promise<number> {
  const holder = createServer();
  await new Promise<void>((done) => holder.listen(0, '127.0.0.1', done));
  const { port } = holder.address() as { port: number };
  await new Promise((done) => holder.close(done));
  return port;
}

describe('the code is in the log, and not in the error', () => {
  test.each<HttpSpec['transport']>(['streamable-http', 'sse'])('of an opening (%s)', async (transport) => {
    const { log, lines } = memoryLog();
    const connector = new Connector(httpSpec(`http://127.0.0.1:${await freePort()}/mcp`, transport), log);
    const identity = { audience: '', capabilities: {}, info: { name: 'test', version: '0' } };
    const opening = connector.open(identity, hearing().listener);
    await expect(opening).rejects.toThrow(/^nobody listens at its address; check that it runs, and its url$/);
    await connector.close();
    expect(lines).toContainEqual(expect.objectContaining({ level: 20, code: 'ECONNREFUSED' }));
  });

  test('of a call whose connection breaks', async () => {
    server = await serveHttp(({ rpc }, res) => {
      if (rpc !== 'tools/call') return false;
      stream(res, ': wait\n\n');
      return void res.socket?.destroySoon();
    });
    opened = await openHttp(server.url);
    const recorded = toolCall('any');
    opened.link.request(recorded.call);
    await expect(answerText(recorded)).rejects.toThrow(
      'lost while tools/call was in progress (it closed the connection; its own log may say why); whether it took effect',
    );
    expect(opened.lines).toContainEqual(expect.objectContaining({ level: 20, code: 'UND_ERR_SOCKET' }));
  });
});
