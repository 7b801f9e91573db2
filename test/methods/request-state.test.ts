/** A `requestState` is good for whom and what it was made for, and for as long as it says; all else is one refusal. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Park } from '../../src/bridge/park.ts';
import { Parks } from '../../src/bridge/parks.ts';
import { Fault } from '../../src/errors.ts';
import type { MethodContext } from '../../src/methods/context.ts';
import { openState, type RequestState, sealState } from '../../src/methods/request-state.ts';
import type { Call } from '../../src/protocol/call.ts';
import { readMessage } from '../../src/protocol/message.ts';
import { Params } from '../../src/protocol/params.ts';
import { freshKey, Sealer } from '../../src/sessions/seal.ts';

const MINUTE = 60_000;
const context = { sealer: new Sealer() } as unknown as MethodContext;

const STATES: readonly RequestState[] = [
  { kind: 'forward', id: '1', upstream: 'a', name: 'tool', state: '"its own"' },
  { kind: 'park', park: 'some-id', round: 3 },
  { kind: 'url', upstream: 'a', elicitations: [{ key: 'url_1', id: 'x' }] },
];

interface Asked {
  readonly principal?: string;
  readonly profile?: string;
  readonly method?: string;
  /** JSON text of `arguments`; none without it. */
  readonly args?: string | undefined;
}

/** As much of a call as matters here. */
function callOf({
  principal = 'alice',
  profile = 'default',
  method = 'tools/call',
  args = '{"a":1,"b":[1.0,"x"]}',
}: Asked = {}): Call {
  const members = args === '' ? '' : `"arguments":${args},`;
  const text = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{${members}"_meta":{}}}`;
  const message = readMessage(Buffer.from(text));
  const client = { profile };
  return { principal: { key: principal }, client, method, message, params: new Params(message) } as unknown as Call;
}

/** The refusal of a state. @throws Error when it is not refused */
function refusal(call: Call, target: string, text: string, where = context): Fault {
  try {
    openState(where, call, target, text);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('it was taken');
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

describe.each(STATES)('a state of kind $kind', (state) => {
  const text = () => sealState(context, callOf(), 'tool', state);

  test('opens for what it was made for, however the arguments are spelled, and shows nothing of itself', () => {
    const sealed = text();
    expect(openState(context, callOf(), 'tool', sealed)).toEqual(state);
    expect(openState(context, callOf({ args: ' { "b" : [ 1.0, "\\u0078" ], "a" : 1 } ' }), 'tool', sealed)).toEqual(
      state,
    );
    expect(Buffer.from(sealed.split('.')[2]!, 'base64url').toString('latin1')).not.toMatch(/alice|tool|kind|its own/);
  });

  test.each<[string, Asked, string]>([
    ['#108 another principal', { principal: 'bob' }, 'tool'],
    ['another profile', { profile: 'research' }, 'tool'],
    ['a principal whose name goes on', { principal: 'alice\0tools/call' }, 'tool'],
    ['another profile', { profile: 'research' }, 'tool'],
    ['another method', { method: 'prompts/get' }, 'tool'],
    ['#109 another tool', {}, 'tool2'],
    ['#109 another value', { args: '{"a":2,"b":[1.0,"x"]}' }, 'tool'],
    ['another order of a list', { args: '{"a":1,"b":["x",1.0]}' }, 'tool'],
    ['a value of another type', { args: '{"a":"1","b":[1.0,"x"]}' }, 'tool'],
    ['an argument more', { args: '{"a":1,"b":[1.0,"x"],"c":null}' }, 'tool'],
    ['an argument fewer', { args: '{"a":1}' }, 'tool'],
    ['no arguments', { args: '' }, 'tool'],
    ['empty arguments', { args: '{}' }, 'tool'],
  ])('does not open for %s', (_, asked, target) => {
    expect(refusal(callOf(asked), target, text())).toEqual(new Fault('invalidState'));
  });

  test('#110 opens for a quarter of an hour and a minute for clocks that differ, and after a rotation of keys', () => {
    const [old, next] = [freshKey(), freshKey()];
    const before = { sealer: new Sealer([old]) } as unknown as MethodContext;
    const after = { sealer: new Sealer([next, old]) } as unknown as MethodContext;
    const sealed = sealState(before, callOf(), 'tool', state);
    vi.advanceTimersByTime(16 * MINUTE);
    expect(openState(after, callOf(), 'tool', sealed)).toEqual(state);
    vi.advanceTimersByTime(1);
    const expired = refusal(callOf(), 'tool', sealed, after);
    const foreign = refusal(callOf(), 'tool', sealed);
    expect(expired).toEqual(foreign);
    expect([expired.message, expired.code, expired.status, expired.data]).toEqual([
      foreign.message,
      foreign.code,
      foreign.status,
      foreign.data,
    ]);
  });
});

test('numbers that JavaScript cannot tell apart are different arguments', () => {
  const [one, two] = ['{"n":9007199254740993}', '{"n":9007199254740992}'];
  const sealed = sealState(context, callOf({ args: one }), 'tool', STATES[0]!);
  expect(openState(context, callOf({ args: one }), 'tool', sealed)).toEqual(STATES[0]);
  expect(refusal(callOf({ args: two }), 'tool', sealed)).toEqual(new Fault('invalidState'));
});

test('#108 a call that waits is found by the principal that made it, and by nobody else', () => {
  const parks = new Parks(1);
  const [park, other] = [{ id: 'p' }, { id: 'q' }] as unknown as Park[];
  parks.enter(park!, 'alice');
  expect(parks.get('p', 'alice')).toBe(park);
  expect(parks.get('p', 'bob')).toBeUndefined();
  expect(parks.get('q', 'alice')).toBeUndefined();
  // the limit is that of each principal
  expect(() => parks.enter(other!, 'alice')).toThrow(new Fault('tooManyParked', { limit: 1 }));
  parks.enter(other!, 'bob');
  parks.leave(park!);
  expect(parks.get('p', 'alice')).toBeUndefined();
  expect(parks.size).toBe(1);
});

test('of calls that are over the newest are kept, as far as those that wait leave room', () => {
  const parks = new Parks(3);
  const made = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id }) as Park);
  const [a, b, c, d, e] = made as [Park, Park, Park, Park, Park];
  // `leave` knows a call by itself
  for (const park of made) park.forget = () => parks.leave(park);
  for (const park of [a, b, c]) {
    parks.enter(park, 'alice');
    parks.ended(park);
  }
  const kept = () => made.filter(({ id }) => parks.get(id, 'alice')).map(({ id }) => id);
  expect(kept()).toEqual(['a', 'b', 'c']);
  parks.enter(d, 'alice');
  expect(kept()).toEqual(['b', 'c', 'd']);
  parks.enter(e, 'alice');
  expect(kept()).toEqual(['c', 'd', 'e']);
  parks.enter(a, 'alice');
  expect(kept()).toEqual(['a', 'd', 'e']);
  expect(() => parks.enter(b, 'alice')).toThrow(new Fault('tooManyParked', { limit: 3 }));
  for (const park of [a, d, e]) parks.leave(park);
  expect(parks.size).toBe(0);
});
