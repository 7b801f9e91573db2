/** Anything at all POSTed by clients: it is answered sensibly or refused, and harms nobody else. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringText, valueText } from '../protocol/json-arbitraries.ts';
import { readAnswer } from './answers.ts';
import { Lab } from './lab.ts';
import { type RawRequest, sendRaw } from './raw-http.ts';
import { batchOf, fuzz, timeLimit } from './settings.ts';
import { anyBytes, idText, messageText, nested, requestIdText, shown } from './texts.ts';

const MAX_DEPTH = 128;
const MAX_BODY = 128 * 1024;
const PARSE_ERROR = -32700;

let lab: Lab;

const start = () => Lab.start({}, { server: { port: 0, maxBodySize: MAX_BODY, maxDepth: MAX_DEPTH, hold: '50ms' } });

beforeAll(async () => {
  lab = await start();
});
afterAll(() => lab?.stop());

/** Headers of a POST in a session. */
const inSession = (id: string): [string, string][] => [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
  ['Mcp-Session-Id', id],
];

const sessionOf = async (version: string) => (await lab.client(version, { version })).session;

async function post(session: string, body: Buffer | string, more: RawRequest = {}) {
  return sendRaw(lab.port, { headers: inSession(session), body: Buffer.from(body), ...more });
}

/** Whether a parser that knows nothing of the gateway takes these bytes for JSON. */
function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

describe('requests that are right, however odd', () => {
  const argument = fc.oneof(stringText, valueText);
  const token = fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: idText });
  const one = fc.record({ id: requestIdText, argument, token, cuts: fc.array(fc.nat(), { maxLength: 5 }) });
  const BATCHES = 6;

  test(
    'each gets its own answer under its id as it was spelled',
    () =>
      fuzz(BATCHES, batchOf(25, one), async (batch) => {
        lab = await lab.revived();
        const session = await sessionOf('2025-11-25');
        const checks = batch.map(async ({ id, argument, token, cuts }, i) => {
          const meta = token === undefined ? '' : `,"_meta":{"progressToken":${token}}`;
          const params = `{"name":"canary__echo","arguments":{"mine":"call ${i}","x":${argument}}${meta}}`;
          const body = `{"params":${params},"id":${id},"method":"tools/call","jsonrpc":"2.0"}`;
          const reply = await post(session, body, { cuts, chunked: i % 2 === 0 });
          const [answer, ...others] = readAnswer(reply, body);
          expect(others).toEqual([]);
          expect(reply.status, shown(body)).toBe(200);
          expect(reply.body, shown(body)).toContain(`"id":${id}`);
          // in a batch two cases may have the same id at once; the second one is refused then
          const twice = batch.filter((other) => sameId(other.id, id)).length > 1;
          const own = twice ? /call \d|in progress/ : `call ${i}`;
          const wrongToken = token !== undefined && !/^["\-\d]/.test(token);
          if (!wrongToken && !answer?.error) expect(JSON.stringify(answer?.result)).toMatch(own);
          else if (!twice) expect(token, JSON.stringify(answer)).toBeDefined();
        });
        await lab.survives(checks);
      }),
    timeLimit(BATCHES),
  );

  test('a body that comes byte by byte', async () => {
    const body =
      '{"jsonrpc":"2.0","id":"é😀","method":"tools/call","params":{"name":"canary__echo","arguments":{"ä":"→"}}}';
    const cuts = Array.from({ length: Buffer.byteLength(body) }, (_, i) => i);
    for (const chunked of [false, true]) {
      const [answer] = readAnswer(await post(await sessionOf('2025-11-25'), body, { cuts, chunked }), body);
      expect(answer).toMatchObject({ id: 'é😀', result: { structuredContent: { ä: '→' } } });
    }
  });
});

describe('anything at all', () => {
  const BATCHES = 10;
  const VERSIONS = ['2025-11-25', '2025-03-26', '2024-11-05'];
  const session = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...VERSIONS).map((version) => ({ version })) },
    {
      weight: 1,
      arbitrary: fc.string({ minLength: 1, maxLength: 20 }).map((id) => ({ id: id.replace(/[^!-~]/g, '~') })),
    },
  );
  const one = fc.record({ body: anyBytes, session, cuts: fc.array(fc.nat(), { maxLength: 3 }), chunked: fc.boolean() });

  test(
    'is answered or refused, and told apart from JSON as any parser would',
    () =>
      fuzz(BATCHES, batchOf(40, one), async (batch) => {
        lab = await lab.revived();
        const checks = batch.map(async ({ body, session, ...how }) => {
          const id = 'version' in session ? await sessionOf(session.version) : session.id;
          const reply = await post(id, body, how);
          // what refuses a body before its end may close the connection before the refusal was read
          if (body.length > MAX_BODY) return expect([413, undefined], shown(body)).toContain(reply.status);
          const codes = readAnswer(reply, body).map(({ error }) => error?.code);
          if (isJson(body)) return expect(codes, `${shown(body)}: ${reply.body}`).not.toContain(PARSE_ERROR);
          // too deep is noticed before the text turns out to be none
          expect([PARSE_ERROR, /nested deeper/.test(reply.body) ? -32600 : undefined], shown(body)).toContain(codes[0]);
        });
        await lab.survives(checks);
      }),
    timeLimit(BATCHES),
  );

  test('exactly as deep as server.maxDepth is served, one level more is refused', async () => {
    const session = await sessionOf('2025-11-25');
    const ping = (depth: number, array: boolean) =>
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${nested(depth, array)}}}`;
    for (const array of [true, false]) {
      expect((await post(session, ping(MAX_DEPTH - 2, array))).body).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
      expect((await post(session, ping(MAX_DEPTH - 1, array))).status).toBe(400);
    }
  });
});

describe('batches of 2025-03-26', () => {
  const BATCHES = 5;
  const good = requestIdText.map((id) => ({ id, text: `{"jsonrpc":"2.0","method":"ping","id":${id}}` }));
  const bad = fc.oneof(messageText, valueText).map((text) => ({ id: undefined, text }));
  const one = fc.array(fc.oneof({ weight: 2, arbitrary: good }, { weight: 1, arbitrary: bad }), { maxLength: 8 });

  test(
    'every request in one is answered, whatever else is in it',
    () =>
      fuzz(BATCHES, batchOf(20, one), async (batch) => {
        lab = await lab.revived();
        // no two cases at once, so that no id is in use twice
        const checks = batch.map(async (elements, i) => {
          const client = await lab.client(`batch ${i}`, { version: '2025-03-26' });
          const body = `[${elements.map(({ text }) => text).join(',')}]`;
          const reply = await post(client.session, body);
          const answers = readAnswer(reply, body);
          if (reply.status !== 200) return;
          const wanted = elements.flatMap(({ id }) => id ?? []);
          for (const id of wanted) expect(reply.body, shown(body)).toContain(`"id":${id}`);
          const responses = answers.filter(({ method }) => method === undefined);
          expect(responses.length, shown(body)).toBeGreaterThanOrEqual(new Set(wanted).size);
          expect(responses.length, shown(body)).toBeLessThanOrEqual(elements.length);
        });
        await lab.survives(checks);
      }),
    timeLimit(BATCHES),
  );
});

describe('heads', () => {
  const BATCHES = 6;
  /** Header values as bytes: Latin-1 without line ends and NUL, which end a header or a request. */
  const value = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)), maxLength: 60 }),
    fc.constantFrom('', '*/*', 'application/json', 'text/event-stream', '2025-11-25', '2026-07-28', '__proto__', '1.1'),
    fc.nat({ max: 9_000 }).map((length) => 'z'.repeat(length)),
  );
  const NAMES = [
    ...['Mcp-Session-Id', 'MCP-Protocol-Version', 'Last-Event-ID', 'Accept', 'Content-Type', 'Origin', 'Authorization'],
    ...['Mcp-Method', 'Mcp-Name', 'Expect', 'Upgrade', 'Content-Encoding', 'X-Forwarded-For', '__proto__', 'Cookie'],
  ];
  const headers = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 4 });
  const one = fc.record({
    method: fc.constantFrom('POST', 'POST', 'GET', 'DELETE', 'OPTIONS', 'HEAD', 'PUT', 'PATCH', 'TRACE', 'get'),
    path: fc.oneof(
      { weight: 5, arbitrary: fc.constant('/mcp') },
      fc.constantFrom('/', '/mcp/', '/mcp?x=1', '/%6dcp', '/../mcp', '//mcp', '/mcp/%00', '/__proto__', '/healthz'),
      fc.webPath(),
    ),
    headers,
    own: fc.boolean(),
    body: fc.oneof(anyBytes, messageText.map(Buffer.from)),
    missing: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 50 })),
  });

  test(
    'are answered or refused, and no answer is a fault of the gateway',
    () =>
      fuzz(BATCHES, batchOf(40, one), async (batch) => {
        lab = await lab.revived();
        const checks = batch.map(async ({ own, missing, headers, body: sent, ...request }) => {
          const body = request.method === 'POST' ? sent : Buffer.alloc(0);
          // a session of its own, since DELETE ends it
          const { session } = own ? await lab.client('heads') : { session: '' };
          const mine = own && request.method !== 'DELETE' ? inSession(session) : [];
          const told = JSON.stringify({ ...request, headers, own, missing });
          const raw = { ...request, body, headers: [...mine, ...headers], headOnly: request.method === 'GET' };
          const reply = await sendRaw(lab.port, { ...raw, announced: body.length + missing });
          expect(reply.complete, told).toBe(true);
          // a request that was never finished need not be answered
          if (reply.status === undefined) return expect(missing, told).toBeGreaterThan(0);
          expect(reply.status, told).toBeLessThan(500);
        });
        await lab.survives(checks);
      }),
    timeLimit(BATCHES),
  );
});

/** Whether two spellings are the same id. */
const sameId = (a: string, b: string): boolean => JSON.parse(a) === JSON.parse(b);
