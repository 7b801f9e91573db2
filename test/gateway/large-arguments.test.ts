import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { ModernClient } from './modern-client.ts';
import { type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const MIB = 1_048_576;
const LARGE = randomBytes(1.5 * MIB).toString('base64');

let up: ScriptedUpstream;
let gateway: Gateway;

beforeAll(async () => {
  const handlers = { 'tools/call': () => textResult('ok') };
  up = await startUpstream({ tools: [tool('take')], handlers });
  gateway = await startGateway({ config: { upstreams: { up: { url: up.url } } } });
});

afterAll(async () => {
  await gateway?.stop();
  await up?.close();
});

test.each(['in front of them', 'behind them'])(
  'large arguments arrive as they were spelled, with the id %s',
  async (where) => {
    const session = await Session.open(gateway.url);
    const args = `{"large":"${LARGE}","n":1.0,"é":"\\u00e9"}`;
    const params = `"params":{ "arguments" :${args}, "name":"up__take","_meta":{"progressToken":"t"}}`;
    const id = '"id":"client"';
    const parts = where === 'behind them' ? [params, id] : [id, params];
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        session.post(
          `{"jsonrpc":"2.0",${parts.join(' , ').replace('"client"', `"client ${i}"`)},"method":"tools/call"}`,
        ),
      ),
    );
    expect(answers.map(({ message }) => message.id)).toEqual(Array.from({ length: 8 }, (_, i) => `client ${i}`));
    for (const { raw, id: own, headers } of up.of('tools/call').slice(-8)) {
      const sent = parts
        .join(' , ')
        .replace('"client"', String(own))
        .replace('up__take', 'take')
        .replace('"t"', String(own));
      expect(raw === `{"jsonrpc":"2.0",${sent},"method":"tools/call"}`).toBe(true);
      expect(headers).toMatchObject({ 'content-length': String(Buffer.byteLength(raw)) });
    }
  },
);

test('those of modern clients do so as well', async () => {
  await new ModernClient(gateway.url).call('up__take', { large: LARGE });
  expect(up.of('tools/call').at(-1)?.params).toMatchObject({ name: 'take', arguments: { large: LARGE } });
});

test('a body that is too large, or not as long as it says, is refused, and others are not', async () => {
  const session = await Session.open(gateway.url);
  const large = await session.post(`{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(5 * MIB)}"}`);
  expect([large.status, large.message.error?.message]).toEqual([413, expect.stringContaining('server.maxBodySize')]);
  expect(await session.callText('up__take')).toBe('ok');
});

test('who writes all of a body that is too large before reading anything finds the refusal, on a connection that is good', async () => {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8').pause();
  const post = (body: string) =>
    `POST /mcp HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  let read = '';
  socket.on('data', (part: string) => (read += part)).pause();
  await once(socket, 'connect');
  for (let sent = 0; sent < 2; sent++) {
    for (const part of post('x'.repeat(8 * MIB)).match(/.{1,65536}/gs)!)
      await new Promise<void>((done, fail) => socket.write(part, (error) => (error ? fail(error) : done())));
  }
  socket.resume();
  await expect.poll(() => read.split('HTTP/1.1 413 ').length).toBe(3);
  socket.destroy();
});

test('of a body without an end no more is read than eight times the limit', async () => {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname).resume();
  const closed = once(socket, 'close').catch(() => undefined);
  let written = 0;
  socket.on('error', () => undefined);
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const piece = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  while (!socket.destroyed && written < 64 * MIB) {
    await new Promise<void>((done) => socket.write(piece, () => done()));
    written += 65_536;
  }
  await closed;
  expect(written).toBeGreaterThan(32 * MIB);
  expect(written).toBeLessThan(64 * MIB);
});
