/** What only an upstream over HTTP can do: cut its streams anywhere, send odd heads, and describe itself in any shape. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawClient } from '../multiplexer/raw-client.ts';
import { stringText, valueText } from '../protocol/json-arbitraries.ts';
import { anything, raw } from './garbage.ts';
import { type Act, type HostileHttp, startHostile } from './hostile-upstream.ts';
import { Lab } from './lab.ts';
import { type Played, type Player, play } from './plays.ts';
import { batchOf, fuzz, timeLimit } from './settings.ts';
import { heavyText, idText } from './texts.ts';

const ANSWER: Act = { answer: true };
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

let cutter: HostileHttp;
let shaper: HostileHttp;
let lab: Lab;

beforeAll(async () => {
  [cutter, shaper] = await Promise.all([startHostile(), startHostile()]);
  const brief = { open: '2s', request: '1s', call: '400ms', callMax: '1200ms' };
  const upstreams = {
    cutter: { url: cutter.url },
    heads: { url: cutter.url, timeouts: brief },
    shaper: { url: shaper.url, timeouts: brief, maxMessageSize: '512KiB' },
  };
  const sessions = { maxPerPrincipal: 10_000, deliver: '300ms' };
  lab = await Lab.start(upstreams, { sessions, lists: { firstWait: '2s' } });
});
afterAll(async () => {
  await lab?.stop();
  await Promise.all([cutter, shaper].map((upstream) => upstream?.close()));
});

const player = async (who: string): Promise<Player> => ({ who, client: await lab.client(who) });

describe('an event stream', () => {
  /** All that a stream may hold, and characters of two to four bytes, around the answer to the call. */
  const STREAM = [
    '\uFEFF: comment é\r\n\r\n',
    'retry: 5\nflavour: unknown\ndata: {"jsonrpc":"2.0","method":"notifications/x→"}\n\n',
    'event: ping\ndata: {"no":"message"}\n\n',
    'data\n\n',
    'data: {"jsonrpc":"2.0","method":"notifications/progress",\rdata:"params":{"progressToken":@TOKEN@,\r\n',
    'data: "progress":1,"message":"😀"}}\r\n\r\n',
    ':\n\ndata:{"jsonrpc":"2.0",\r\n',
    'data: "id":@ID@,\rdata:"result":{"content":[{"type":"text",\n',
    'data: "text":"→é😀"}]}}\r\n\r\n',
  ].join('');
  const LENGTH = Buffer.byteLength(STREAM);
  /** What the id and the token of a call are longer than their places. */
  const ROOM = 20;
  const AT_ONCE = 40;

  test('cut into two at every byte, and into single bytes, says the same', async () => {
    const clients = await Promise.all(['ada', 'bob'].map(player));
    const everywhere = Array.from({ length: LENGTH + ROOM }, (_, i) => i);
    const ways = [...everywhere.map((at) => [at]), everywhere, everywhere.filter((at) => at % 3 === 0)];
    for (let from = 0; from < ways.length; from += AT_ONCE) {
      const played = ways.slice(from, from + AT_ONCE).map(async (cuts, i) => {
        // the id is written over, so places after it differ from call to call, which does no harm
        const { text } = await play(clients[i % 2]!, 'cutter', { acts: [raw(STREAM, cuts)] });
        expect(text, `cut at ${cuts.slice(0, 5)}`).toBe('→é😀');
      });
      await lab.survives(played);
    }
  });
});

describe('heads', () => {
  const BATCHES = 4;
  const STATUSES = [
    ...[200, 200, 200, 201, 202, 203, 204, 205, 206, 299, 300, 301, 302, 304, 307, 308],
    ...[400, 401, 402, 403, 404, 405, 406, 409, 410, 415, 418, 429, 451, 500, 501, 502, 503, 504, 599],
  ];
  const TYPES = [
    ...['application/json', 'text/event-stream', 'text/event-stream', 'text/html', 'application/json; charset=latin1'],
    ...['TEXT/EVENT-STREAM', 'application/jsonx', '*/*', ';', 'application/json, text/event-stream', '__proto__'],
  ];
  const one = fc.record({
    status: fc.constantFrom(...STATUSES),
    type: fc.constantFrom(...TYPES),
    acts: fc.array(fc.oneof({ weight: 3, arbitrary: anything }, { weight: 1, arbitrary: fc.constant(ANSWER) }), {
      maxLength: 3,
    }),
    ends: fc.boolean(),
  });

  test(
    'of every kind: each call has one end',
    () =>
      fuzz(BATCHES, batchOf(24, one), async (batch) => {
        lab = await lab.revived();
        const clients = await Promise.all(['cleo', 'dan'].map(player));
        const played = batch.map(({ acts, ends, ...head }, i) =>
          play(clients[i % 2]!, 'heads', { acts: ends ? [...acts, { end: true }] : acts, ...head }),
        );
        const polite = play(await player('eve'), 'cutter', { acts: [ANSWER] });
        const [{ tag, text }] = (await lab.survives([polite, ...played])) as [Played];
        expect(text).toBe(tag);
      }),
    timeLimit(BATCHES),
  );
});

describe('descriptions', () => {
  const RUNS = 20;
  const member = (keys: readonly string[], value: fc.Arbitrary<string>) =>
    fc.tuple(fc.constantFrom(...keys), value).map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  const object = (keys: readonly string[], value: fc.Arbitrary<string>) =>
    fc.array(member(keys, value), { maxLength: 6 }).map((list) => `{${list.join(',')}}`);
  const any = fc.oneof({ weight: 3, arbitrary: valueText }, { weight: 1, arbitrary: idText });

  const VERSIONS = ['"2025-11-25"', '"2025-06-18"', '"2024-11-05"', '"1999-01-01"', '"2026-07-28"'];
  const capabilities = object(
    ['tools', 'prompts', 'resources', 'logging', 'completions', 'experimental', '__proto__'],
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom('{}', '{"listChanged":true}', '{"subscribe":true}') }, any),
  );
  const greeting = fc.oneof(
    any,
    fc
      .tuple(
        fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...VERSIONS) }, any),
        fc.oneof({ weight: 5, arbitrary: capabilities }, any),
        fc.oneof({ weight: 2, arbitrary: object(['name', 'version', 'title'], any) }, any),
        any,
      )
      .map(
        ([version, offers, info, instructions]) =>
          `{"protocolVersion":${version},"capabilities":${offers},"serverInfo":${info},"instructions":${instructions}}`,
      ),
  );

  const ITEM = [
    'name',
    'name',
    'uri',
    'uriTemplate',
    'title',
    'inputSchema',
    '_meta',
    'annotations',
    'icons',
    '__proto__',
  ];
  const NAMES = ['"act"', '"__proto__"', '"a__b"', '""', '"\\u0000"', '"\\ud800"', '"ä b/c.d"', `"${'n'.repeat(300)}"`];
  const item = fc.oneof(
    { weight: 4, arbitrary: object(ITEM, fc.oneof(fc.constantFrom(...NAMES), stringText, any)) },
    any,
    heavyText,
  );
  const items = fc.oneof(
    { weight: 5, arbitrary: fc.array(item, { maxLength: 5 }).map((list) => `[${list.join(',')}]`) },
    any,
  );
  const list = fc.oneof(
    { weight: 5, arbitrary: object(['tools', 'prompts', 'resources', 'resourceTemplates'], items) },
    { weight: 3, arbitrary: fc.tuple(items, any).map(([tools, next]) => `{"tools":${tools},"nextCursor":${next}}`) },
    any,
  );
  const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];
  const shape = fc.record({ greeting: fc.option(greeting), lists: fc.tuple(list, list, list, list) });
  let opened = 0;

  test(
    'of any shape: the lists stay lists, with the items of the others, and nobody waits',
    () =>
      fuzz(RUNS, shape, async ({ greeting, lists }) => {
        lab = await lab.revived();
        for (const [i, method] of LISTS.entries()) shaper.instead.set(method, lists[i]!);
        if (greeting === null) shaper.instead.delete('initialize');
        else shaper.instead.set('initialize', greeting);
        // what a client declares decides which catalog it sees: this one has never been fetched
        const capabilities = { elicitation: { form: { case: ++opened } } };
        const client = await RawClient.open(lab.gateway.url, { name: 'frank', capabilities });
        const { result } = await client.request('tools/list');
        const { tools } = result as { tools: { name: string }[] };
        const names = tools.map(({ name }) => name);
        expect(names).toContain('canary__echo');
        expect(names.filter((name) => !NAME.test(name))).toEqual([]);
        expect(names).toHaveLength(new Set(names).size);
        for (const method of LISTS.slice(1)) expect((await client.request(method)).result, method).toBeDefined();
        await play({ who: 'frank', client }, 'shaper', { acts: [ANSWER] });
        shaper.push({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
        expect(await client.end()).toBe(200);
        await lab.check();
      }),
    timeLimit(RUNS),
  );
});
