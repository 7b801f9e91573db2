/** Answers over HTTP that are none, come twice, or come from elsewhere. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stdioUpstream } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import {
  event,
  type Handler,
  json,
  type Received,
  type ScriptedUpstream,
  startUpstream,
  textResult,
  tool,
} from './scripted-upstream.ts';

/** An error has to be there within this time; `timeouts.call` is not that short. */
const SOON_MS = 5_000;

let upstream: ScriptedUpstream;
let gateway: Gateway;
let session: Session;

beforeAll(async () => {
  upstream = await startUpstream({ tools: [tool('call')] });
  const small = { maxMessageSize: '4KiB' };
  const upstreams = {
    up: { url: upstream.url },
    smallHttp: { url: upstream.url, ...small },
    smallStdio: { ...stdioUpstream('raw-upstream', ['plain']), ...small, timeouts: { call: '500ms' } },
    healthy: { url: upstream.url },
  };
  gateway = await startGateway({ config: { upstreams } });
  session = await Session.open(gateway.url);
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

/** How the call marked `odd` is answered; every other one gets `fine`. */
let odd: Handler;
let asked = 0;

beforeEach(() => {
  asked = 0;
  upstream.script.handlers = {
    'tools/call': (message, res) => {
      if ((message.params?.arguments as { odd?: boolean } | undefined)?.odd !== true) return textResult('fine');
      asked++;
      return odd(message, res);
    },
  };
});

/** Makes the call that is answered by `how`. @returns the error, which has to come soon and beside healthy calls */
async function failure(how: Handler, name = 'up__call') {
  odd = how;
  const started = performance.now();
  const call = session.request('tools/call', { name, arguments: { odd: true } });
  expect(await session.callText('healthy__call')).toBe('fine');
  const { error, result } = await call;
  expect(result).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(SOON_MS);
  expect(await session.callText('up__call')).toBe('fine');
  return error!;
}

const idOf = ({ id }: Received) => JSON.stringify(id);

describe('an answer that is none', () => {
  const MALFORMED: Record<string, (id: string) => string> = {
    'broken JSON': (id) => `{"jsonrpc":"2.0","id":${id},"result":{`,
    'no JSON at all': () => '<html>Welcome</html>',
    nothing: () => '',
    'a result that is no object': (id) => `{"jsonrpc":"2.0","id":${id},"result":42}`,
    'neither result nor error': (id) => `{"jsonrpc":"2.0","id":${id}}`,
    'both result and error': (id) => `{"jsonrpc":"2.0","id":${id},"result":{},"error":{"code":1,"message":"x"}}`,
    'another version': (id) => `{"jsonrpc":"1.0","id":${id},"result":{}}`,
    'an answer to something else': () => '{"jsonrpc":"2.0","id":987654,"result":{}}',
    'an error that is no object': (id) => `{"jsonrpc":"2.0","id":${id},"error":"no"}`,
  };

  test.each(Object.keys(MALFORMED))('%s as a JSON body → -32603 that names the upstream', async (what) => {
    const { code, message } = await failure((call, res) => json(res, MALFORMED[what]!(idOf(call))));
    expect(code).toBe(-32603);
    expect(message).toMatch(/\bup\b/);
    expect(asked).toBe(1);
  });

  test('a stream that ends without one → -32603 that says the outcome is unknown, and no second try', async () => {
    const { code, message } = await failure(({ id }, res) => {
      event(res, { jsonrpc: '2.0', id: `not ${String(id)}`, result: {} });
      res.end();
      return undefined;
    });
    expect({ code, unknown: /unknown/.test(message), asked }).toEqual({ code: -32603, unknown: true, asked: 1 });
  });

  const BREAKS: Record<string, (res: ServerResponse) => void> = {
    'before the head': (res) => void res.destroy(),
    'in a stream': (res) => {
      event(res, { jsonrpc: '2.0', method: 'notifications/unknown' });
      res.socket?.destroySoon();
    },
    'in a JSON body': (res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 }).write('{"jsonrpc":');
      res.socket?.destroySoon();
    },
  };

  test.each(Object.keys(BREAKS))(
    '#154 a connection that breaks %s → the outcome is unknown, no second try',
    async (where) => {
      const { code, message } = await failure((_, res) => void BREAKS[where]!(res));
      expect({ code, unknown: /unknown/.test(message), asked }).toEqual({ code: -32603, unknown: true, asked: 1 });
    },
  );

  test.each([500, 502, 504])('#154 status %i says nothing of the outcome: no second try', async (status) => {
    const { code, message } = await failure((_, res) => json(res, 'Bad gateway', status));
    expect({ code, asked }).toEqual({ code: -32603, asked: 1 });
    expect(message).toContain(`HTTP ${status}`);
  });

  test('202 and other types than JSON or a stream → -32603', async () => {
    for (const [status, type] of [
      [202, 'application/json'],
      [200, 'text/html'],
    ] as const) {
      const answer: Handler = (_, res) => void res.writeHead(status, { 'content-type': type }).end('');
      expect((await failure(answer)).code).toBe(-32603);
    }
  });

  test('#156 a redirect is not followed', async () => {
    let followed = 0;
    const elsewhere = createServer((_, res) => {
      followed++;
      res.end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/mcp`;
    for (const status of [302, 307, 308]) {
      const { message } = await failure((_, res) => void res.writeHead(status, { location }).end());
      expect(message).toContain(`HTTP ${status}`);
    }
    expect(followed).toBe(0);
    elsewhere.close();
  });
});

describe('an answer and more', () => {
  test('#85 what follows the answer on its stream is dropped', async () => {
    odd = ({ id, params }, res) => {
      const { _meta } = params as { _meta: object };
      event(res, { jsonrpc: '2.0', id, result: textResult('first') });
      event(res, { jsonrpc: '2.0', method: 'notifications/progress', params: { ..._meta, progress: 1 } });
      event(res, { jsonrpc: '2.0', id, result: textResult('second') });
      res.end();
      return undefined;
    };
    const stream = await session.listen();
    const answer = await session.call('up__call', { odd: true }, { id: 1, progressToken: 1 });
    await answer.ended();
    expect(answer.messages).toEqual([{ jsonrpc: '2.0', id: 1, result: textResult('first') }]);
    expect(await session.callText('up__call')).toBe('fine');
    expect(stream.messages.filter(({ id, params }) => id !== undefined || params)).toEqual([]);
    await stream.close();
  });

  test('progress for a token that nobody gave is dropped', async () => {
    odd = ({ id }, res) => {
      for (const progressToken of ['guess', 1, 987_654]) {
        event(res, { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } });
      }
      event(res, { jsonrpc: '2.0', id, result: textResult('done') });
      res.end();
      return undefined;
    };
    const answer = await session.call('up__call', { odd: true }, { id: 1 });
    await answer.ended();
    expect(answer.messages).toEqual([{ jsonrpc: '2.0', id: 1, result: textResult('done') }]);
  });
});

describe('maxMessageSize', () => {
  test('a larger answer over HTTP → -32603 that names it', async () => {
    const large: Handler = () => textResult('x'.repeat(5_000));
    const { code, message } = await failure(large, 'smallHttp__call');
    expect(code).toBe(-32603);
    expect(message).toContain('maxMessageSize');
    odd = large;
    expect(await session.callText('up__call', { odd: true })).toHaveLength(5_000);
  });

  test('a larger answer over stdio → -32603, a line in the log that names it, and the process goes on', async () => {
    const raw = (size: number) =>
      session.request('tools/call', { name: 'smallStdio__raw', arguments: { text: 'x'.repeat(size) } });
    expect((await raw(100)).result).toBeDefined();
    expect((await raw(5_000)).error?.code).toBe(-32603);
    const named = /maxMessageSize/;
    await gateway.waitForLog((line) => line.upstream === 'smallStdio' && named.test(String(line.msg)));
    expect((await raw(100)).result).toBeDefined();
  });
});
