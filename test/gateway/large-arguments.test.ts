import { randomBytes } from 'node:crypto';
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
