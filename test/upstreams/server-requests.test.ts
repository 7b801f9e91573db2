import { describe, expect, test, vi } from 'vitest';
import type { Round } from '../../src/protocol/call.ts';
import { toolCall } from './calls.ts';
import { openScripted, type Scripted } from './scripted-wire.ts';

const declared = { elicitation: {}, sampling: {}, roots: {} };
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** A link with one call in flight, in the course of which the upstream asks this. */
async function asked(id: string, method: string, params?: string): Promise<Scripted & { round: Round }> {
  const scripted = await openScripted({ declared });
  const recorded = toolCall('x');
  scripted.link.request(recorded.call);
  const rest = params === undefined ? '' : `,"params":${params}`;
  scripted.wire.say(`{"jsonrpc":"2.0","id":${id},"method":"${method}"${rest}}`);
  return { ...scripted, round: recorded.rounds[0]! };
}

describe('a round', () => {
  test.each(['7', '"7"', '"\\u0061"', '-1', '12345678901234567890'])(
    'is answered under the id %s as the upstream spelled it',
    async (id) => {
      const { round, wire } = await asked(id, 'elicitation/create', '{"message":"größe","n":1.0}');
      expect(round.upstream).toBe('up');
      const [key, request] = [...round.requests][0]!;
      expect(request.method).toBe('elicitation/create');
      expect(request.params?.toString()).toBe('{"message":"größe","n":1.0}');
      round.answer(key, { kind: 'result', json: Buffer.from('{"action":"accept","content":{"n":1.0}}') });
      expect(wire.raw.at(-1)).toBe(`{"jsonrpc":"2.0","id":${id},"result":{"action":"accept","content":{"n":1.0}}}`);
    },
  );

  test('takes the first answer only', async () => {
    const { round, wire } = await asked('1', 'roots/list');
    expect(round.requests.get('1')?.params).toBeUndefined();
    round.answer('no such key', { kind: 'result', json: json({}) });
    round.answer('1', { kind: 'result', json: json({ roots: [] }) });
    const sent = wire.raw.length;
    round.answer('1', { kind: 'result', json: json({ roots: [1] }) });
    round.abandon('too late');
    round.progress('1', { progress: 1 });
    expect(wire.raw).toHaveLength(sent);
    expect(wire.raw.at(-1)).toBe('{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}');
  });

  test('passes on a refusal as the error it is', async () => {
    const { round, wire } = await asked('1', 'sampling/createMessage', '{}');
    round.answer('1', { kind: 'error', json: json({ code: -1, message: 'User rejected', data: { x: 1 } }) });
    expect(wire.sent.at(-1)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -1, message: 'User rejected', data: { x: 1 } },
    });
  });

  test('ends as the protocol has it when nobody answers', async () => {
    const elicitation = await asked('1', 'elicitation/create', '{}');
    elicitation.round.abandon('nobody is there');
    expect(elicitation.wire.raw.at(-1)).toBe('{"jsonrpc":"2.0","id":1,"result":{"action":"cancel"}}');
    const sampling = await asked('2', 'sampling/createMessage', '{}');
    sampling.round.abandon('nobody is there');
    expect(sampling.wire.sent.at(-1)).toMatchObject({ id: 2, error: { code: -32603, message: 'nobody is there' } });
  });

  test.each(['5', '"tok"'])('hears of progress under the upstream\u2019s own token %s', async (token) => {
    const { round, wire } = await asked('1', 'sampling/createMessage', `{"_meta":{"progressToken":${token}}}`);
    round.progress('1', { progress: 3, progressToken: 'the client\u2019s own' });
    expect(wire.sent.at(-1)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progress: 3, progressToken: JSON.parse(token) as unknown },
    });
  });

  test('hears of progress under a token that no number of JavaScript can hold', async () => {
    const token = '12345678901234567890';
    const { round, wire } = await asked('1', 'sampling/createMessage', `{"_meta":{"progressToken":${token}}}`);
    round.progress('1', {});
    round.progress('1', { progress: 1, message: 'half' });
    expect(wire.raw.slice(-2).map((text) => text.match(/"params":(.*)}$/)?.[1])).toEqual([
      `{"progressToken":${token}}`,
      `{"progressToken":${token},"progress":1,"message":"half"}`,
    ]);
  });

  test('of an upstream that did not ask for progress hears of none', async () => {
    const { round, wire } = await asked('1', 'sampling/createMessage', '{}');
    const sent = wire.raw.length;
    round.progress('1', { progress: 3 });
    expect(wire.raw).toHaveLength(sent);
  });
});

describe('an upstream takes its request back', () => {
  test.each([
    ['7', '7'],
    ['"a"', '"\\u0061"'],
  ])('id %s, cancelled as %s', async (id, cancelled) => {
    const { round, wire } = await asked(id, 'elicitation/create', '{}');
    const reasons: (string | undefined)[] = [];
    round.onwithdrawn = (reason) => void reasons.push(reason);
    const cancel = (requestId: string): void =>
      wire.say(
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${requestId},"reason":"never mind"}}`,
      );
    for (const other of ['8', '"7"', 'null', '{}', '[7]']) cancel(other);
    expect(reasons).toEqual([]);
    cancel(cancelled);
    cancel(cancelled);
    expect(reasons).toEqual(['never mind']);
    const sent = wire.raw.length;
    round.answer('1', { kind: 'result', json: json({}) });
    expect(wire.raw).toHaveLength(sent);
  });

  test('by ending', async () => {
    const { round, wire } = await asked('7', 'elicitation/create', '{}');
    const reasons: (string | undefined)[] = [];
    round.onwithdrawn = (reason) => void reasons.push(reason);
    wire.listener.closed(undefined);
    expect(reasons).toEqual(['the upstream is gone']);
  });
});

describe('whom it is asked of', () => {
  const elicit = { id: 'e', method: 'elicitation/create', params: {} };

  test('the call whose stream carried it', async () => {
    const { link, wire } = await openScripted({ declared });
    const [a, b] = [toolCall('a'), toolCall('b')];
    link.request(a.call);
    link.request(b.call);
    wire.say(elicit, wire.sent.at(-1)!.id!);
    expect([a.rounds.length, b.rounds.length]).toEqual([0, 1]);
  });

  test('outside of any call, the listener', async () => {
    const { wire, heard } = await openScripted({ declared });
    wire.say(elicit);
    expect(heard.rounds).toHaveLength(1);
  });

  test.each([
    ['a capability the upstream was not told of', 'sampling/createMessage', { roots: {} }],
    [
      'a capability that every object seems to have',
      'elicitation/create',
      Object.create({ elicitation: {} }) as object,
    ],
    ['a method nobody knows', 'tasks/steal', declared],
  ])('%s is refused, and no client hears of it', async (_, method, capabilities) => {
    const { link, wire, heard } = await openScripted({ declared: capabilities as Record<string, unknown> });
    const call = toolCall('x');
    link.request(call.call);
    wire.say({ id: 'q', method, params: {} });
    expect(wire.sent.at(-1)).toMatchObject({
      id: 'q',
      error: { code: -32601, message: `Method not found: ${method}` },
    });
    expect([call.rounds.length, heard.rounds.length]).toEqual([0, 0]);
  });
});

test('while a person is asked the idle time of the call stands still, and starts anew with the answer', async () => {
  vi.useFakeTimers();
  try {
    const { link, wire } = await openScripted({ declared });
    const call = toolCall('x', '{}', undefined, { idle: 100, total: 10_000, knob: 'timeouts.call' });
    link.request(call.call);
    wire.say({ id: 1, method: 'elicitation/create', params: {} });
    vi.advanceTimersByTime(5_000);
    expect(call.told).toEqual(['input']);
    call.rounds[0]!.answer('1', { kind: 'result', json: json({ action: 'accept' }) });
    vi.advanceTimersByTime(99);
    expect(call.told).toEqual(['input']);
    vi.advanceTimersByTime(1);
    expect(call.told).toEqual(['input', 'done']);
  } finally {
    vi.useRealTimers();
  }
});
