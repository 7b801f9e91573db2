/** Lists in gzip: for clients that take it, of what they may see, and never of an older state. */
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { rawCall } from './raw-call.ts';
import { event, type Handler, type ScriptedUpstream, startUpstream, textResult, tool } from './scripted-upstream.ts';

const MANY = Array.from({ length: 100 }, (_, i) => tool(`tool_${i}`));

let scripted: ScriptedUpstream;
let gateway: Gateway;

/** Puts another tool in the place of half of them, and says that they have changed. */
const change: Handler = ({ id }, res) => {
  scripted.script.tools = [...MANY.slice(0, 50), tool('new_one')];
  event(res, { jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  event(res, { jsonrpc: '2.0', id, result: textResult('changed') });
  res.end();
  return undefined;
};

beforeAll(async () => {
  scripted = await startUpstream({
    tools: MANY,
    prompts: [{ name: 'only' }],
    capabilities: { tools: { listChanged: true } },
    handlers: { 'tools/call': change },
  });
  gateway = await startGateway({
    config: { upstreams: { up: { url: scripted.url } }, profiles: { few: { include: ['up/tool_1*', 'up/tool_2*'] } } },
  });
});

afterAll(async () => {
  await gateway?.stop();
  await scripted?.close();
});

/** Lists something. @returns the head and the text, unpacked */
async function list(session: Session, encoding: string | undefined, method = 'tools/list', headers: object = {}) {
  const accept = encoding === undefined ? {} : { 'accept-encoding': encoding };
  const call = await rawCall(session.url, session.id, { id: 7, method }, { ...accept, ...headers });
  const { bytes } = await call.rest();
  const { 'content-encoding': coding, 'content-length': length, vary } = call.response.headers;
  expect(Number(length)).toBe(bytes.length);
  return { coding, vary, text: (coding === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8'), size: bytes.length };
}

/** Asks until it comes in gzip. */
const packed = (session: Session) =>
  vi.waitFor(async () => {
    const listed = await list(session, 'gzip, br');
    expect(listed.coding).toBe('gzip');
    return listed;
  });

const namesIn = (text: string): string[] =>
  (JSON.parse(text) as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name);

describe('a list', () => {
  test('comes in gzip where the client takes it, and says the same', async () => {
    const session = await Session.open(gateway.url);
    const short = await packed(session);
    const plain = await list(session, undefined);
    expect([short.text, short.vary, plain.vary]).toEqual([plain.text, 'Accept-Encoding', 'Accept-Encoding']);
    expect(short.size).toBeLessThan(plain.size / 4);
    expect(namesIn(short.text)).toHaveLength(MANY.length);
  });

  test.each([undefined, 'br', 'identity', 'gzip;q=0', 'gzip;q=0.0, *;q=1', '*;q=0', ''])(
    'not for Accept-Encoding: %s',
    async (encoding) => {
      const session = await Session.open(gateway.url);
      await packed(session);
      expect((await list(session, encoding)).coding).toBeUndefined();
    },
  );

  test.each(['gzip', 'GZIP;q=0.1', 'br, x-gzip', '*', 'deflate, *;q=0.5'])(
    'but for Accept-Encoding: %s',
    async (encoding) => {
      const session = await Session.open(gateway.url);
      await packed(session);
      expect((await list(session, encoding)).coding).toBe('gzip');
    },
  );

  test('that is small comes as it is', async () => {
    const session = await Session.open(gateway.url);
    for (let i = 0; i < 4; i++) {
      const listed = await list(session, 'gzip', 'prompts/list');
      expect([listed.coding, listed.vary]).toEqual([undefined, undefined]);
    }
  });

  test('is made once for all who see the same, and each sees its own', async () => {
    await packed(await Session.open(gateway.url));
    const other = await Session.open(gateway.url);
    // nothing is waited for: it is there
    expect((await list(other, 'gzip')).coding).toBe('gzip');
    const few = await packed(await Session.open(`${gateway.url}/few`));
    expect(namesIn(few.text)).toEqual(
      MANY.map(({ name }) => `up__${String(name)}`).filter((name) => /^up__tool_[12]/.test(name)),
    );
  });

  test('tells pages of other origins what it depends on beside', async () => {
    const session = await Session.open(gateway.url);
    const { origin } = new URL(gateway.url);
    const listed = await list(session, 'gzip', 'tools/list', { origin });
    expect(listed.vary).toBe('Origin, Access-Control-Request-Headers, Accept-Encoding');
  });

  test('is that of now when the upstream has changed it', async () => {
    const session = await Session.open(gateway.url);
    await packed(session);
    expect(await session.callText('up__tool_1')).toBe('changed');
    await vi.waitFor(async () => {
      const { text } = await list(session, 'gzip');
      expect(namesIn(text)).toContain('up__new_one');
    });
    const short = await packed(session);
    expect(namesIn(short.text)).toHaveLength(51);
  });
});
