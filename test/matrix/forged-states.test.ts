/**
 * What modern clients bring back and did not get like that: whatever is wrong with a `requestState` or a cursor, the answer
 * is the same to the last byte, nothing reaches an upstream, and what was really given out stays good.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpFixture, startFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { type LossyProxy, startLossyProxy } from '../multiplexer/lossy-proxy.ts';
import { ABLE } from '../multiplexer/raw-client.ts';
import { startPeer } from '../multiplexer/setup.ts';
import { tampered } from './forged.ts';

const LONG_MS = 60_000;
const ID = 'the same';
const ELICIT = {
  method: 'elicitation/create',
  params: { message: 'Yes?', requestedSchema: { type: 'object', properties: { answer: { type: 'string' } } } },
};

let fixtures: HttpFixture[];
let proxies: LossyProxy[];
let gateway: Gateway;
let client: ModernClient;
let others: ModernClient;

beforeAll(async () => {
  fixtures = await Promise.all([startPeer(), startFixture('eras-server', { args: ['modern'] })]);
  proxies = await Promise.all(fixtures.map(({ url }) => startLossyProxy(url, () => false)));
  const [legacy, modern] = proxies.map(({ url }) => ({ url }));
  gateway = await startGateway({
    config: { lists: { firstWait: '60s', pageSize: 5 }, upstreams: { legacy, modern } },
  });
  client = new ModernClient(gateway.url, ABLE);
  others = new ModernClient(gateway.url, { elicitation: {} });
}, LONG_MS);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all((proxies ?? []).map((proxy) => proxy.close()));
  await Promise.all((fixtures ?? []).map((fixture) => fixture.stop()));
}, LONG_MS);

/** Everything that came to an upstream so far. */
const reached = (): number => proxies.reduce((sum, { seen }) => sum + seen.length, 0);

/** All that a client can see of an answer. */
const visible = ({ status, headers: { date: _, ...headers }, text }: Exchange) => ({ status, headers, text });

/** Sends requests that must fail. @returns the answer that all of them had */
async function refused(requests: Iterable<[what: string, params: object, method?: string]>): Promise<string> {
  const before = reached();
  let first: ReturnType<typeof visible> | undefined;
  for (const [what, params, method = 'tools/call'] of requests) {
    const answer = await client.ask(method, { id: ID, params: { ...params } });
    first ??= visible(answer);
    expect(visible(answer), what).toEqual(first);
  }
  expect(reached()).toBe(before);
  return first!.text;
}

const INVALID_STATE = JSON.stringify({
  jsonrpc: '2.0',
  id: ID,
  error: {
    code: -32602,
    message:
      'requestState is not valid for this request, or not any more; start the request again (what it did so far may have taken effect)',
  },
});

interface Round {
  readonly requestState: string;
  /** Its keys. */
  readonly keys: readonly string[];
}

async function begin(params: object): Promise<Round> {
  return roundOf(await client.result('tools/call', { params: { ...params } }));
}

function roundOf({ resultType, requestState, inputRequests }: Readonly<Record<string, unknown>>): Round {
  expect(resultType).toBe('input_required');
  return { requestState: String(requestState), keys: Object.keys(inputRequests as object) };
}

const answers = ({ requestState, keys }: Round, content: object) => ({
  requestState,
  inputResponses: Object.fromEntries(keys.map((key) => [key, { action: 'accept', content }])),
});

/** A call of each kind that may be gone on with, and what it takes to end it. */
const KINDS = [
  {
    title: 'of a call that waits in the gateway',
    request: { name: 'legacy__play', arguments: { tag: 'a', steps: [{ ask: [ELICIT] }] } },
    otherTools: ['legacy__echo', 'modern__greet', 'legacy__no_such_tool', 'no_such_tool'],
    result: expect.objectContaining({
      structuredContent: { tag: 'a', outcomes: [{ result: { action: 'accept', content: { name: 'ada' } } }] },
    }),
  },
  {
    title: 'of an upstream',
    request: { name: 'modern__test_input_required_result_elicitation', arguments: { some: [1, 'x', null] } },
    otherTools: ['modern__test_input_required_result_sampling', 'modern__greet', 'legacy__echo', 'no_such_tool'],
    result: expect.objectContaining({ content: [{ type: 'text', text: 'Hello, ada!' }] }),
  },
];

describe.each(KINDS)('the state $title', ({ request, otherTools, result }) => {
  test(
    '#107 #109 changed in any way, or brought back with another request: the same refusal; it stays good for its own',
    async () => {
      const round = await begin(request);
      const given = answers(round, { name: 'ada' });
      const forged = function* (): Generator<[string, object, string?]> {
        for (const [what, requestState] of tampered(round.requestState))
          yield [what, { ...request, ...given, requestState }];
        for (const name of otherTools) yield [`the tool ${name}`, { ...request, ...given, name }];
        const others = [{}, { ...request.arguments, more: 1 }, { ...request.arguments, some: [1, 'x'] }, { tag: 'b' }];
        for (const args of others) yield [JSON.stringify(args), { ...request, ...given, arguments: args }];
        yield ['no arguments', { name: request.name, ...given }];
        yield ['a prompt', { ...given, name: 'modern__test_simple_prompt' }, 'prompts/get'];
        yield ['a prompt of that name', { ...given, name: request.name }, 'prompts/get'];
        yield ['a resource', { ...given, uri: 'test://static-text' }, 'resources/read'];
      };
      expect(await refused(forged())).toBe(INVALID_STATE);
      // other spellings of the same arguments are the same request
      const reversed = Object.fromEntries(Object.entries(request.arguments).reverse());
      expect(await client.result('tools/call', { params: { ...request, ...given, arguments: reversed } })).toEqual(
        result,
      );
    },
    LONG_MS,
  );
});

describe('the state of a call that waits in the gateway', () => {
  const request = { name: 'legacy__play', arguments: { tag: 'c', steps: [{ ask: [ELICIT] }, { ask: [ELICIT] }] } };

  test(
    '#118 is good once: other answers than those that were given are refused, in the next round and after the end',
    async () => {
      const first = await begin(request);
      const one = answers(first, { answer: '1' });
      const second = roundOf(await client.result('tools/call', { params: { ...request, ...one } }));
      expect(second.requestState).not.toBe(first.requestState);
      const late = answers(first, { answer: 'other' });
      const replayed: [string, object][] = [
        ['other answers to the first round', { ...request, ...late }],
        ['no answers to the first round', { ...request, requestState: first.requestState }],
        [
          'the first state, the keys of the second',
          { ...request, ...answers({ ...second, requestState: first.requestState }, {}) },
        ],
      ];
      expect(await refused(replayed)).toBe(INVALID_STATE);

      const two = answers(second, { answer: '2' });
      const end = await client.result('tools/call', { params: { ...request, ...two } });
      expect(end.structuredContent).toEqual({
        tag: 'c',
        outcomes: ['1', '2'].map((answer) => ({ result: { action: 'accept', content: { answer } } })),
      });
      const over: [string, object][] = [
        ...replayed,
        ['the first answers again', { ...request, ...one }],
        ['other answers to the second round', { ...request, ...answers(second, { answer: 'other' }) }],
      ];
      expect(await refused(over)).toBe(INVALID_STATE);
      // who did not hear the end may ask for it once more, without anything being done twice
      const before = reached();
      const again = await client.result('tools/call', { params: { ...request, ...two } });
      expect(again.structuredContent).toEqual(end.structuredContent);
      expect(reached()).toBe(before);
    },
    LONG_MS,
  );

  test(
    'of one call is not good for another of the same request',
    async () => {
      const [a, b] = [await begin(request), await begin(request)];
      const first = answers(a, { answer: 'a' });
      const second = answers(b, { answer: 'b' });
      const next = await Promise.all(
        [second, first].map(async (given) =>
          roundOf(await client.result('tools/call', { params: { ...request, ...given } })),
        ),
      );
      const ends = await Promise.all(
        next.map((round) =>
          client.result('tools/call', { params: { ...request, ...answers(round, { answer: 'end' }) } }),
        ),
      );
      const said = ends.map(({ structuredContent }) => JSON.stringify(structuredContent));
      expect(said[0]).toContain('"answer":"b"');
      expect(said[1]).toContain('"answer":"a"');
    },
    LONG_MS,
  );
});

describe('a cursor', () => {
  const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];
  const INVALID_CURSOR = JSON.stringify({
    jsonrpc: '2.0',
    id: ID,
    error: { code: -32602, message: 'Invalid or outdated cursor; list again from the start' },
  });

  test(
    '#69 changed in any way, of another list, of a client that can do other things, or no cursor: the same refusal',
    async () => {
      const page = await client.result('tools/list');
      const theirs = await others.result('tools/list');
      const { requestState } = await begin(KINDS[0]!.request);
      const forged = function* (): Generator<[string, object, string]> {
        for (const [what, cursor] of tampered(String(page.nextCursor))) yield [what, { cursor }, 'tools/list'];
        for (const method of LISTS.slice(1)) yield [method, { cursor: page.nextCursor }, method];
        yield ['that of others', { cursor: theirs.nextCursor }, 'tools/list'];
        yield ['a requestState', { cursor: requestState }, 'tools/list'];
      };
      expect(await refused(forged())).toBe(INVALID_CURSOR);
      const next = await client.result('tools/list', { params: { cursor: page.nextCursor } });
      expect(next.tools).toHaveLength(5);
      expect(next.tools).not.toEqual(page.tools);
    },
    LONG_MS,
  );

  test('is no state of a request', async () => {
    const { nextCursor } = await client.result('tools/list');
    const wrong: [string, object][] = [['a cursor', { ...KINDS[0]!.request, requestState: nextCursor }]];
    expect(await refused(wrong)).toBe(INVALID_STATE);
  });
});
