/** What becomes of questions when the call in whose course they were put to a modern client is over. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Park, type ParkHost, type Waiting } from '../../src/bridge/park.ts';
import type { Exchange, InputAnswer, Outcome, Round } from '../../src/protocol/call.ts';

const END: Outcome = { kind: 'local', result: '{"content":[]}' };
const ANSWER = Buffer.from('{"action":"accept","content":{}}');

/** A question, and what came of it. */
class Question implements Round {
  readonly upstream = 'a';
  readonly requests = new Map([['1', { method: 'elicitation/create', params: Buffer.from('{"message":"Yes?"}') }]]);
  readonly certain: boolean;
  onwithdrawn: Round['onwithdrawn'];
  end: string | undefined;

  constructor(certain: boolean) {
    this.certain = certain;
  }

  answer(_key: string, { json }: InputAnswer): void {
    this.end ??= json.toString();
  }

  progress(): void {
    // nobody reports any
  }

  elsewhere(): boolean {
    this.end ??= 'elsewhere';
    return true;
  }

  abandon(): void {
    this.end ??= 'abandoned';
  }

  drop(): void {
    this.end ??= 'dropped';
  }
}

/** A call, what its client has got so far, and the park that it waits in. */
function waiting() {
  const got: Outcome[] = [];
  const connect = (): Exchange =>
    ({
      capabilities: { elicitation: {} },
      done: (outcome: Outcome) => void got.push(outcome),
      abandon: () => undefined,
    }) as unknown as Exchange;
  const call: { exchange: Exchange | undefined } & Waiting = {
    exchange: connect(),
    attach: (exchange) => {
      call.exchange = exchange;
    },
    detach: () => {
      const { exchange } = call;
      call.exchange = undefined;
      return exchange;
    },
    cancel: () => undefined,
  };
  const left = vi.fn();
  const host: ParkHost = {
    enter: () => undefined,
    ended: () => undefined,
    leave: left,
    state: (_, round) => `state ${round}`,
    expose: ({ method }) => JSON.stringify({ method }),
    patience: () => 600_000,
  };
  return { park: new Park(call, host), connect, got, left };
}

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

describe('when the call is over', () => {
  test('the upstream hears that what it asked in the course of it is not answered', () => {
    const { park, connect, got, left } = waiting();
    const question = new Question(true);
    park.raise(question);
    vi.advanceTimersByTime(1_000);
    park.done(END);
    expect(question.end).toBe('abandoned');
    park.resume(connect, 1, new Map([['elicit_1', ANSWER]]));
    expect(got.at(-1)).toBe(END);
    vi.advanceTimersByTime(600_000);
    expect(left).toHaveBeenCalledOnce();
  });

  test('what was not put to the client yet, and may be of another call, is put to that', () => {
    const { park, got } = waiting();
    const question = new Question(false);
    park.raise(question);
    park.done(END);
    expect(question.end).toBe('elsewhere');
    expect(got).toEqual([END]);
  });

  test('its client still answers what may be of another call, when it comes back for the end', () => {
    const { park, connect, got } = waiting();
    const question = new Question(false);
    park.raise(question);
    vi.advanceTimersByTime(1_000);
    park.done(END);
    expect(question.end).toBeUndefined();
    park.resume(connect, 1, new Map([['elicit_1', ANSWER]]));
    expect(question.end).toBe(ANSWER.toString());
    expect(got.at(-1)).toBe(END);
  });

  test('what the client left open when it came back is put to another call that it may be of', () => {
    const { park, connect, got } = waiting();
    const [one, two] = [new Question(false), new Question(false)];
    park.raise(one);
    park.raise(two);
    vi.advanceTimersByTime(1_000);
    park.resume(connect, 1, new Map([['elicit_2', ANSWER]]));
    park.done(END);
    expect([one.end, two.end]).toEqual(['elsewhere', ANSWER.toString()]);
    expect(got.at(-1)).toBe(END);
  });

  test('what a client leaves open that comes back after the end is put to another call that it may be of', () => {
    const { park, connect, got } = waiting();
    const question = new Question(false);
    park.raise(question);
    vi.advanceTimersByTime(1_000);
    park.done(END);
    park.resume(connect, 1, new Map());
    expect(question.end).toBe('elsewhere');
    expect(got.at(-1)).toBe(END);
  });

  test('and its client does not come back, the upstream hears so in time', () => {
    const { park } = waiting();
    const question = new Question(false);
    park.raise(question);
    vi.advanceTimersByTime(1_000);
    park.done(END);
    vi.advanceTimersByTime(600_000);
    expect(question.end).toBe('abandoned');
  });
});
