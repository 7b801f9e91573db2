import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Fault } from '../../src/errors.ts';
import type { Outcome } from '../../src/protocol/call.ts';
import { messageBytes } from '../../src/protocol/message.ts';
import { WireFault } from '../../src/upstreams/wire.ts';
import { answerText, callOf, type RecordedCall, toolCall } from './calls.ts';
import { openScripted, type Scripted } from './scripted-wire.ts';

/** Sends a call and gives its id on the upstream side. */
function sent({ link, wire }: Scripted, recorded: RecordedCall): number {
  link.request(recorded.call);
  return wire.sent.at(-1)!.id!;
}

/** The error a call ended with. */
async function fault(done: Promise<Outcome>): Promise<Fault> {
  const outcome = await done;
  if (outcome.kind !== 'error') throw new Error(`ended with ${outcome.kind}`);
  return outcome.error;
}

afterEach(() => void vi.useRealTimers());

describe('answers', () => {
  test('come back as the bytes that arrived, whatever the id\u2019s spelling', async () => {
    const scripted = await openScripted();
    for (const spell of [(id: number) => `${id}`, (id: number) => `"${id}"`, (id: number) => `${id}.0`]) {
      const call = toolCall('x');
      const text = `{ "result":{"n":1.0,"big":12345678901234567890} ,"id":${spell(sent(scripted, call))},"jsonrpc":"2.0"}`;
      scripted.wire.say(text);
      expect(await answerText(call)).toBe(text);
    }
    expect(scripted.link.inFlight).toBe(0);
  });

  test('in an array, beside notifications, belong to their calls', async () => {
    const scripted = await openScripted();
    const [a, b] = [toolCall('a'), toolCall('b')];
    const [first, second] = [sent(scripted, a), sent(scripted, b)];
    const response = (id: number, result: object): object => ({ jsonrpc: '2.0', id, result });
    scripted.wire.say(
      JSON.stringify([
        response(second, { of: 'b' }),
        { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
        5,
        response(first, { of: 'a' }),
      ]),
    );
    expect(await answerText(a)).toContain('"of":"a"');
    expect(await answerText(b)).toContain('"of":"b"');
    expect(scripted.heard.listChanged).toEqual(['tools']);
  });

  test('a second one, one for nobody and one for a strange id are passed over', async () => {
    const scripted = await openScripted();
    const call = toolCall('x');
    const id = sent(scripted, call);
    for (const strange of ['null', '999', '"x"', '-1', '1e400', '""']) {
      scripted.wire.say(`{"jsonrpc":"2.0","id":${strange},"result":{"wrong":1}}`);
    }
    scripted.wire.say({ id, result: { first: 1 } });
    scripted.wire.say({ id, result: { second: 2 } });
    expect(await answerText(call)).toContain('first');
    expect(call.told).toEqual(['done']);
    expect(scripted.wire.forgotten).toContain(id);
    expect([call.call.oncancel, call.call.onpressure], 'an answered call lets go of its link').toEqual([
      undefined,
      undefined,
    ]);
  });

  test.each([
    ['in front', (id: number) => `{"jsonrpc":"2.0","id":${id},"result":{"a":nonsense}}`],
    ['at the end', (id: number) => `{"jsonrpc":"2.0","result":{"a":nonsense},"id":${id}}`],
  ])('that are no JSON answer the request that they name %s', async (_, text) => {
    const scripted = await openScripted();
    const [call, other] = [toolCall('x'), toolCall('y')];
    const id = sent(scripted, call);
    const next = sent(scripted, other);
    scripted.wire.say(text(id));
    expect(await fault(call.done)).toMatchObject({ fault: 'upstreamMalformed' });
    scripted.wire.say({ id: next, result: { n: 1 } });
    expect(await answerText(other)).toContain('"n":1');
  });

  test.each([
    ['{"result":[]}', '"result" is no object'],
    ['{"error":"no"}', '"error" is no object'],
  ])('%s is malformed', async (members, detail) => {
    const scripted = await openScripted();
    const call = toolCall('x');
    const id = sent(scripted, call);
    scripted.wire.say(members.replace('{', `{"jsonrpc":"2.0","id":${id},`));
    expect(await fault(call.done)).toMatchObject({
      fault: 'upstreamMalformed',
      message: `Upstream up sent a malformed answer to tools/call: ${detail}`,
    });
  });

  test.each(['no JSON', '{"jsonrpc":"2.0","id":', '42', '[]', '[[]]', '{}', '{"jsonrpc":"1.0","id":"?","result":{}}'])(
    'what is no message harms nobody: %s',
    async (noise) => {
      const scripted = await openScripted();
      const call = toolCall('x');
      const id = sent(scripted, call);
      scripted.wire.say(noise);
      scripted.wire.say(noise, id);
      scripted.wire.say({ id, result: { after: 'noise' } });
      expect(await answerText(call)).toContain('noise');
    },
  );
});

describe('progress', () => {
  test.each(['7', '"7"', '"\\u0061"'])('comes under the caller\u2019s own token %s', async (token) => {
    const scripted = await openScripted();
    const call = toolCall('x', '{}', token);
    const id = sent(scripted, call);
    expect(scripted.wire.raw.at(-1)).toContain(`"progressToken":${id}`);
    scripted.wire.say(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1.0,"progressToken":${id}}}`,
    );
    scripted.wire.say({ id, result: {} });
    await call.done;
    expect(call.told).toEqual(['progress', 'done']);
    expect(call.progress).toEqual([
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1.0,"progressToken":${token}}}`,
    ]);
  });

  test('that does not increase is passed over', async () => {
    const scripted = await openScripted();
    const call = toolCall('x', '{}', '1');
    const id = sent(scripted, call);
    for (const progress of ['5', '3', '5', '5.5', '1e1', '"11"', '7'])
      scripted.wire.say(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":${progress}}}`,
      );
    scripted.wire.say({ id, result: {} });
    await call.done;
    expect(
      call.progress.map((text) => (JSON.parse(text) as { params: { progress: unknown } }).params.progress),
    ).toEqual([5, 5.5, 10, '11']);
  });

  test('that nobody asked for, is late, or is garbled reaches nobody and harms nobody', async () => {
    const scripted = await openScripted();
    const silent = toolCall('silent');
    const over = toolCall('over', '{}', '1');
    const [silentId, overId] = [sent(scripted, silent), sent(scripted, over)];
    scripted.wire.say({ id: overId, result: {} });
    const says = (params: string): void =>
      scripted.wire.say(`{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`);
    for (const token of [silentId, overId, 999, '"x"', 'null', '{}', '[]'])
      says(`{"progressToken":${token},"progress":1}`);
    says(`{"progressToken":${silentId},"progressToken":${silentId}}`);
    says('[]');
    says('{}');
    scripted.wire.say({ id: silentId, result: {} });
    await silent.done;
    expect([silent.told, over.told]).toEqual([['done'], ['done']]);
    expect(scripted.lines.filter((line) => Number(line.level) > 20)).toEqual([]);
  });
});

describe('cancelling', () => {
  test('withdraws exactly one request; its late answer and progress reach nobody', async () => {
    const scripted = await openScripted();
    const [a, b] = [toolCall('a', '{}', '1'), toolCall('b', '{}', '1')];
    const [first, second] = [sent(scripted, a), sent(scripted, b)];
    a.call.oncancel?.('changed my mind');
    expect(scripted.wire.sent.at(-1)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: first, reason: 'changed my mind' },
    });
    const params = { progressToken: first, progress: 1 };
    scripted.wire.say({ method: 'notifications/progress', params });
    scripted.wire.say({ id: first, result: {} });
    scripted.wire.say({ id: second, result: { b: 1 } });
    expect(await answerText(b)).toContain('"b":1');
    expect(a.told).toEqual([]);
    const before = scripted.wire.sent.length;
    scripted.link.cancel(a.call);
    scripted.link.cancel(b.call);
    expect(scripted.wire.sent).toHaveLength(before);
  });

  test('time out: the request is withdrawn, and the error names method, time and knob', async () => {
    vi.useFakeTimers();
    const scripted = await openScripted();
    const call = toolCall('x', '{}', '1', { idle: 100, total: 250, knob: 'timeouts.call' });
    const id = sent(scripted, call);
    vi.advanceTimersByTime(100);
    expect((await fault(call.done)).message).toBe(
      'Upstream up did not answer tools/call within 100 ms (timeouts.call); the request was cancelled there',
    );
    expect(scripted.wire.sent.at(-1)).toMatchObject({ method: 'notifications/cancelled', params: { requestId: id } });
  });

  test('progress keeps a call alive up to the total, which is then the time that is named', async () => {
    vi.useFakeTimers();
    const scripted = await openScripted();
    const call = toolCall('x', '{}', '1', { idle: 100, total: 250, knob: 'timeouts.call' });
    const progressToken = sent(scripted, call);
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(60);
      scripted.wire.say({ method: 'notifications/progress', params: { progressToken, progress: i } });
    }
    expect((await fault(call.done)).message).toContain('within 250 ms (timeouts.callMax)');
    expect(call.progress).toHaveLength(4);
  });
});

describe('the end of the link', () => {
  test('fails what is in flight, once, and everything after it at once', async () => {
    const scripted = await openScripted();
    const [a, b] = [toolCall('a'), callOf('prompts/get')];
    sent(scripted, a);
    sent(scripted, b);
    scripted.wire.listener.closed(new WireFault('the process exited with code 3'));
    scripted.wire.listener.closed(undefined);
    expect(await fault(a.done)).toMatchObject({
      fault: 'upstreamLost',
      message: expect.stringContaining('the process exited with code 3'),
    });
    expect((await fault(b.done)).message).toContain('while prompts/get was in progress');
    expect(scripted.link).toMatchObject({ closed: true, inFlight: 0 });
    const late = toolCall('late');
    scripted.link.request(late.call);
    expect(await late.done).toMatchObject({ kind: 'error', unsent: true, error: { fault: 'upstreamUnavailable' } });
    expect(scripted.heard.closed).toHaveLength(1);
  });

  test('on purpose is told without a fault', async () => {
    const { link, wire, heard } = await openScripted();
    await link.close();
    expect([wire.closed, heard.closed]).toEqual([true, [undefined]]);
  });

  test.each([
    ['was certainly not sent', new WireFault('ECONNREFUSED', { unsent: true }), 'upstreamUnavailable', true],
    ['may have been', new WireFault('ECONNRESET'), 'upstreamLost', false],
  ])('one request that %s', async (_, wireFault, name, unsent) => {
    const scripted = await openScripted();
    const [a, b] = [toolCall('a'), toolCall('b')];
    const [first, second] = [sent(scripted, a), sent(scripted, b)];
    scripted.wire.listener.failed(first, wireFault);
    expect(await a.done).toMatchObject({ kind: 'error', unsent, error: { fault: name } });
    scripted.wire.say({ id: second, result: {} });
    await answerText(b);
  });
});

describe('what an upstream says of its own accord', () => {
  test.each(['1', '"p"', '12345678901234567890'])('a ping with id %s is answered at once', async (id) => {
    const { wire } = await openScripted();
    wire.say(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
    expect(wire.raw.at(-1)).toBe(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  });

  test('changes of lists, updates and missed notifications are heard', async () => {
    const { wire, heard } = await openScripted();
    for (const list of ['tools', 'prompts', 'resources']) wire.say({ method: `notifications/${list}/list_changed` });
    wire.say({ method: 'notifications/resources/updated', params: { uri: 'a' } });
    wire.say({ method: 'notifications/of/the/future' });
    expect(heard.listChanged).toEqual(['tools', 'prompts', 'resources']);
    expect(heard.updated).toHaveLength(1);
    wire.listener.missed();
    expect(heard.listChanged.slice(3)).toEqual(['tools', 'prompts', 'resources']);
  });

  test('a log message belongs to the only call in flight, else to none', async () => {
    const scripted = await openScripted();
    const say = (of?: number): void =>
      scripted.wire.say({ method: 'notifications/message', params: { level: 'info', data: 1 } }, of);
    say();
    const a = toolCall('a');
    sent(scripted, a);
    say();
    const b = toolCall('b');
    const second = sent(scripted, b);
    say();
    say(second);
    expect(scripted.heard.logs).toHaveLength(2);
    expect([a.logs.length, b.logs.length]).toEqual([1, 1]);
    expect(messageBytes(b.logs[0]!).toString()).toContain('"data":1');
  });
});

test('a client that is slow holds its own stream', async () => {
  const scripted = await openScripted();
  const call = toolCall('x');
  const id = sent(scripted, call);
  call.call.onpressure?.(true);
  call.call.onpressure?.(false);
  expect(scripted.wire.held).toEqual([
    [id, true],
    [id, false],
  ]);
});
