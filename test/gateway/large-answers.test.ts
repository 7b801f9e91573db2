import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { Session } from './client.ts';
import { MODERN, ModernClient } from './modern-client.ts';
import { rawCall } from './raw-call.ts';
import { event, json, type Received, type ScriptedUpstream, startUpstream, tool } from './scripted-upstream.ts';
import { talk } from './socket.ts';

const MIB = 1_048_576;
const LARGE = `${'l\u00e4rge \\u00e9 \\"text\\" '.repeat(20_000)}!`;
const CONTENT = `"content":[{"type":"text","text":"${LARGE}"}],"n":1.0`;

/** How an upstream spells the answer to a call, by the name of the tool. */
type Spelling = (id: unknown, res: ServerResponse) => unknown;

const chunked = (res: ServerResponse, parts: readonly string[]): void => {
  res.writeHead(200, { 'content-type': 'application/json' });
  for (const part of parts) res.write(part);
  res.end();
};

const spellings: Record<string, Spelling> = {
  inFront: (id, res) => json(res, `{"jsonrpc":"2.0","id":${id},"result":{${CONTENT}}}`),
  behind: (id, res) => json(res, `{ "result" : {${CONTENT}}, "jsonrpc" : "2.0" , "id" : ${id} }\n`),
  pieces: (id, res) => chunked(res, `{"result":{${CONTENT}},"id":"${id}","jsonrpc":"2.0"}`.match(/.{1,999}/g)!),
  stream: (id, res) => {
    event(res, `{"jsonrpc":"2.0","id":${id},"result":{${CONTENT}}}`);
    res.end();
  },
  lines: (id, res) => {
    event(res, `{"jsonrpc":"2.0",\n"result":{\n${CONTENT}\n}\n,"id":\n${id}}`);
    res.end();
  },
};

/** What a broken answer has come to before it breaks. */
const HALF = `{"result":{"content":[{"type":"text","text":"${'x'.repeat(300_000)}`;

/** Answers whose end is not what their beginning promised. */
const broken: Record<string, Spelling> = {
  hangsUp: (_, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000_000 });
    res.write(HALF, () => res.destroy());
  },
  ends: (_, res) => chunked(res, [HALF]),
  garbles: (id, res) => chunked(res, [HALF, `"}}},"id":${id},"jsonrpc":"2.0"}`]),
  answersAnother: (id, res) => chunked(res, [HALF, `"}]},"id":${Number(id) + 1},"jsonrpc":"2.0"}`]),
  answersTwice: (id, res) => chunked(res, [HALF, `"}]},"id":${id},"id":1,"jsonrpc":"2.0"}`]),
  isNoText: (id, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.write(HALF);
    res.write(Buffer.of(0xff));
    res.end(`"}]},"id":${id},"jsonrpc":"2.0"}`);
  },
  isTooLarge: (id, res) => chunked(res, [HALF, 'x'.repeat(20 * MIB), `"}]},"id":${id},"jsonrpc":"2.0"}`]),
  stalls: (_, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.write(HALF);
  },
  breaksStream: (_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(`data: ${HALF}`, () => res.destroy());
  },
  isNamedLate: (id, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.end(`data: ${HALF}"}]},"id":${id},"jsonrpc":"2.0"}\nevent: other\n\n`);
  },
};

const links = (spelled: (uri: string, type: string) => string): string =>
  ['file:///mine', 'file:///b']
    .map((uri) => spelled(uri, '"type":"resource_link"'))
    .concat(`{"type":"text","text":"${LARGE}","uri":"file:///b"}`)
    .concat(`{"type":"resource","resource":{"uri":"file:///b","text":"${LARGE}"}}`)
    .join(',');

Object.assign(spellings, broken, {
  links: (id, res) => {
    const content = links((uri, type) => `{${type},"name":"n","uri":"${uri}"}`);
    json(res, `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${LARGE}"},${content}]}}`);
  },
  linksBehind: (id, res) => {
    const content = links((uri, type) => `{"uri":"${uri}","name":"${LARGE}",${type}}`);
    json(res, `{"jsonrpc":"2.0","id":${id},"result":{"content":[${content}]}}`);
  },
  endless: (_, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.write('{"result":{"content":[{"type":"text","text":"');
    const more = (error?: Error | null): void => {
      if (!error && !res.destroyed) res.write('y'.repeat(65_536), more);
    };
    more();
  },
} satisfies Record<string, Spelling>);

let up: ScriptedUpstream;
let other: ScriptedUpstream;
let sole: Gateway;
let two: Gateway;
/** It keeps little. */
let small: Gateway;
/** The reply that the upstream is writing. */
let writing: ServerResponse;

const answering = async (message: Received, res: ServerResponse): Promise<undefined> => {
  writing = res;
  await spellings[String(message.params?.name)]!(message.id, res);
};

beforeAll(async () => {
  const names = Object.keys(spellings).map(tool);
  up = await startUpstream({
    tools: [...names, tool('quick')],
    handlers: {
      'tools/call': (message, res) =>
        message.params?.name === 'quick' ? { content: [{ type: 'text', text: 'q' }] } : answering(message, res),
    },
  });
  other = await startUpstream({ tools: [tool('other')], resources: [{ uri: 'file:///b', name: 'b' }] });
  const upstream = { url: up.url, maxMessageSize: '16MiB', timeouts: { call: '1500ms' } };
  const plain = { prefix: 'never' };
  sole = await startGateway({ config: { names: plain, upstreams: { up: upstream } } });
  small = await startGateway({
    config: { names: plain, sessions: { events: { maxBytes: '128KiB' } }, upstreams: { up: upstream } },
  });
  two = await startGateway({ config: { names: plain, upstreams: { up: upstream, other: { url: other.url } } } });
});

afterAll(async () => {
  await sole?.stop();
  await two?.stop();
  await small?.stop();
  await up?.close();
  await other?.close();
});

interface Block {
  readonly uri?: string;
  readonly resource?: { readonly uri: string };
}

const callOf = (name: string, id: string | number = 'c') => ({ id, method: 'tools/call', params: { name } });

const MODERN_HEADERS = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call' };

async function begin(gateway: Gateway, name: string, version = '2025-11-25') {
  if (version === MODERN) {
    const key = 'io.modelcontextprotocol';
    const _meta = { [`${key}/protocolVersion`]: MODERN, [`${key}/clientCapabilities`]: {} };
    const message = { ...callOf(name), params: { name, _meta } };
    return rawCall(gateway.url, undefined, message, { ...MODERN_HEADERS, 'mcp-name': name });
  }
  const session = await Session.open(gateway.url, { version });
  return rawCall(gateway.url, session.id, callOf(name));
}

const VERSIONS = ['2025-11-25', '2025-06-18', MODERN];

describe('a large answer is passed on while it comes', () => {
  const names = ['inFront', 'behind', 'pieces', 'stream', 'lines'];

  test.each(names.flatMap((name) => VERSIONS.map((version) => [name, version] as const)))(
    '%s, to a client of %s: as it came, but for the id',
    async (name, version) => {
      for (const gateway of [sole, two]) {
        const call = await begin(gateway, name, version);
        // it was not known how long it would be
        expect(call.response.headers).toMatchObject({
          'content-type': 'application/json',
          'transfer-encoding': 'chunked',
        });
        const { bytes, whole } = await call.rest();
        const { id, result } = JSON.parse(bytes.toString()) as { id: string; result: Record<string, unknown> };
        expect([whole, id]).toEqual([true, 'c']);
        expect(bytes.includes(CONTENT)).toBe(true);
        expect(Object.keys(result)).toEqual(
          version === MODERN ? ['content', 'n', 'resultType', '_meta'] : ['content', 'n'],
        );
      }
    },
  );

  test.each(['2025-03-26', '2024-11-05'])(
    'a client of %s gets what its version has, once it is whole',
    async (version) => {
      const { response, rest } = await begin(sole, 'inFront', version);
      expect(response.headers).toHaveProperty('content-length');
      expect((await rest()).bytes.includes(CONTENT)).toBe(true);
    },
  );

  test('URIs in it are exposed, whether the type of their block stands before or behind them', async () => {
    const exposed = ['file:///mine', 'mcp+up:file:///b', 'file:///b', 'mcp+up:file:///b'];
    for (const [name, uris] of [
      ['links', [undefined, ...exposed]],
      ['linksBehind', exposed],
    ] as const) {
      const { response, rest } = await begin(two, name);
      expect(response.headers).toHaveProperty('transfer-encoding');
      const { result } = JSON.parse((await rest()).bytes.toString()) as { result: { content: Block[] } };
      expect(result.content.map(({ uri, resource }) => uri ?? resource?.uri)).toEqual(uris);
    }
  });

  test('to a client of HTTP/1.0 it is whole, since its end could not be told from a failure', async () => {
    const session = await Session.open(sole.url);
    const body = JSON.stringify({ jsonrpc: '2.0', ...callOf('inFront') });
    const head = `POST /mcp HTTP/1.0\r\nhost: 127.0.0.1\r\nmcp-session-id: ${session.id}\r\ncontent-length: ${body.length}\r\n`;
    const types = 'content-type: application/json\r\naccept: application/json, text/event-stream\r\n\r\n';
    const answer = await talk(sole.url, [head + types + body]);
    expect(answer).toMatch(/^content-length: \d+$/im);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ id: 'c', result: { n: 1 } });
  });

  test('after progress it is the last event of the stream', async () => {
    spellings.stream = (id, res) => {
      const params = { progressToken: id, progress: 1 };
      event(res, { jsonrpc: '2.0', method: 'notifications/progress', params });
      event(res, `{"jsonrpc":"2.0",\n"id":${id},"result":{\n${CONTENT}}}`);
      res.end();
    };
    const answer = await new ModernClient(sole.url).ask('tools/call', {
      params: { name: 'stream' },
      progressToken: 't',
    });
    const session = await Session.open(sole.url);
    const legacy = await session.call('stream', {}, { id: 'c', progressToken: 't' });
    await legacy.ended();
    for (const { messages, type, texts } of [answer, legacy]) {
      expect(type).toBe('text/event-stream');
      expect(messages.map(({ method }) => method)).toEqual(['notifications/progress', undefined]);
      expect(texts[1]).toContain(CONTENT);
    }
  });
});

describe('on a stream that can be resumed', () => {
  const told = (id: unknown, res: ServerResponse): void =>
    event(res, { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: id, progress: 1 } });

  async function call() {
    const session = await Session.open(small.url);
    const answer = await session.call('stream', {}, { id: 'c', progressToken: 't' });
    await answer.ended();
    return {
      answer,
      again: () =>
        session.send({
          method: 'GET',
          headers: { accept: 'text/event-stream', 'last-event-id': answer.eventIds.at(-1) },
        }),
    };
  }

  test('one that is larger than what is kept is passed on, without an id to resume from', async () => {
    spellings.stream = (id, res) => {
      told(id, res);
      event(res, `{"jsonrpc":"2.0",\n"id":${id},"result":{\n${CONTENT}}}`);
      res.end();
    };
    const { answer, again } = await call();
    expect(answer.texts.at(-1)).toContain(CONTENT);
    // those of the priming event and of the progress
    expect(answer.eventIds).toHaveLength(2);
    expect((await again()).status).toBe(204);
  });

  test('who comes back for one that broke off is told', async () => {
    spellings.stream = (id, res) => {
      told(id, res);
      res.write(`data: ${HALF}`, () => res.destroy());
    };
    const { answer, again } = await call();
    expect(answer.messages.map(({ method }) => method)).toEqual(['notifications/progress']);
    const rest = await again();
    await rest.ended();
    expect(rest.response('c').error?.message).toMatch(/did not get to its end.*sessions\.events\.maxBytes/);
  });

  test('one that is not larger is kept', async () => {
    spellings.stream = (id, res) => {
      told(id, res);
      event(res, `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${'t'.repeat(80_000)}"}]}}`);
      res.end();
    };
    expect((await call()).answer.eventIds).toHaveLength(3);
  });
});

describe('an answer that cannot be passed on to its end', () => {
  const reasons: Readonly<Record<string, RegExp>> = {
    hangsUp: /closed|ended|reset/i,
    ends: /unexpected end/,
    garbles: /expected "," or "]" at byte \d+/,
    answersAnother: /id of another request/,
    answersTwice: /"id" occurs twice/,
    isNoText: /invalid UTF-8/,
    isTooLarge: /larger than maxMessageSize/,
    stalls: /did not end within 1500 ms \(.*timeouts\.call\)/,
    breaksStream: /closed|ended|reset/i,
    isNamedLate: /named behind its data/,
  };

  test.each(Object.entries(reasons))(
    'is cut off where the client notices, and the log says why: %s',
    async (name, reason) => {
      for (const version of ['2025-11-25', MODERN]) {
        const before = sole.logs.length;
        const call = await begin(sole, name, version);
        const { bytes, whole } = await call.rest();
        expect(whole).toBe(false);
        expect(bytes.length).toBeGreaterThan(100_000);
        const broke = await sole.waitForLog(
          (line) => sole.logs.indexOf(line) >= before && /broke off/.test(String(line.msg)),
        );
        expect(broke).toMatchObject({ level: 'warn', upstream: 'up', method: 'tools/call', name });
        expect(broke.reason).toMatch(reason);
      }
      const session = await Session.open(sole.url);
      expect(await session.callText('quick')).toBe('q');
    },
  );
});

describe('a client in the middle of an answer', () => {
  test('that hangs up, cancels, or ends its session stops the upstream', async () => {
    const ends = [
      async (call: Awaited<ReturnType<typeof rawCall>>) => call.hangUp(),
      async (_: unknown, session: Session) => session.notify('notifications/cancelled', { requestId: 'c' }),
      async (_: unknown, session: Session) => void (await session.send({ method: 'DELETE' })),
    ];
    for (const end of ends) {
      const session = await Session.open(sole.url);
      const call = await rawCall(sole.url, session.id, callOf('endless'));
      await call.some(100_000);
      await end(call, session);
      await expect.poll(() => writing.destroyed, { timeout: 5_000 }).toBe(true);
      expect((await call.rest()).whole).toBe(false);
    }
    const modern = await begin(sole, 'endless', MODERN);
    await modern.some(100_000);
    modern.hangUp();
    await expect.poll(() => writing.destroyed, { timeout: 5_000 }).toBe(true);
  });
});
