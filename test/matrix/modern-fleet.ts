/**
 * Many modern clients at once that do the same: what each sends first is the same to the last byte, id and progress token
 * included. All of them are one principal, and declare the same. Whose a message is tells the nonce that the upstream makes
 * for every call; who answered tells the secret that each client has.
 */
import { expect } from 'vitest';
import type { PlayOutcome, Step } from '../fixtures/peer/play.ts';
import { type Random, random, shuffled } from '../fixtures/shared/random.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { ModernClient } from '../gateway/modern-client.ts';
import { ABLE } from '../multiplexer/raw-client.ts';
import { poll } from '../multiplexer/until.ts';

export interface Member {
  readonly client: ModernClient;
  readonly secret: string;
  readonly draw: Random;
}

/** One thing that a client was asked. */
interface Asked {
  readonly kind: string;
  /** Whose question it is; `undefined` for roots, which have no text that could hold it. */
  readonly nonce: string | undefined;
}

/** What a client saw of one call. */
export interface Seen {
  readonly nonce: string;
  readonly outcomes: readonly PlayOutcome[];
  readonly progress: readonly (readonly [progress: unknown, nonce: unknown])[];
  readonly logs: readonly (readonly [n: unknown, nonce: unknown])[];
  readonly asked: readonly Asked[];
  /** What it had to bring back, one for each round. */
  readonly states: readonly string[];
}

const LONG_MS = 120_000;
const STAGGER_MS = 30;
const PROGRESSES = 6;
const LOGS = 4;

const ELICIT = {
  method: 'elicitation/create',
  params: { message: 'Yes, $nonce?', requestedSchema: { type: 'object', properties: { secret: { type: 'string' } } } },
};
const SAMPLE = {
  method: 'sampling/createMessage',
  params: { maxTokens: 9, messages: [{ role: 'user', content: { type: 'text', text: 'Say $nonce' } }] },
};
const ROOTS = { method: 'roots/list' };
/** In this order they are asked, whatever comes in between. */
const ROUNDS = [[ELICIT], [SAMPLE, ELICIT], [ROOTS]];
const NONCE = /[0-9a-f]{8}-[0-9a-f-]{27}/;

export function fleetOf(url: string, size: number): Member[] {
  return Array.from({ length: size }, (_, i) => {
    const draw = random(i + 1);
    return { client: new ModernClient(url, ABLE), secret: `secret-${i}-${draw(1_000_000)}`, draw };
  });
}

/** The steps of one call, in an order that only the seed knows. */
function steps(draw: Random): Step[] {
  const progress: Step[] = Array.from({ length: PROGRESSES }, () => ({ progress: 1 }));
  const logs: Step[] = Array.from({ length: LOGS }, () => ({ log: 1 }));
  const pauses: Step[] = Array.from({ length: 3 }, () => ({ jitter: 12 }));
  const asks = ROUNDS.map((ask): Step => ({ ask }));
  // the outcomes are told in the order of the rounds
  return shuffled<Step | undefined>([...progress, ...logs, ...pauses, ...asks.map(() => undefined)], draw).map(
    (step) => step ?? asks.shift()!,
  );
}

/** The text that shows whose a question is. */
function textOf(request: InputRequest): string | undefined {
  const { message, messages } = request.params ?? {};
  return NONCE.exec(message ?? messages?.[0]?.content.text ?? '')?.[0];
}

interface InputRequest {
  readonly method: string;
  readonly params?: { readonly message?: string; readonly messages?: readonly { content: { text: string } }[] };
}

/** What a client says, which shows who it is and whose question it answers. */
function reply(request: InputRequest, secret: string): object {
  const said = `${secret} ${textOf(request)}`;
  switch (request.method) {
    case 'elicitation/create':
      return { action: 'accept', content: { secret: said } };
    case 'sampling/createMessage':
      return { role: 'assistant', model: 'test', content: { type: 'text', text: said } };
    default:
      return { roots: [{ uri: `file:///${secret}` }] };
  }
}

/** What one exchange ended with. @throws Error when it is an error */
export async function resultOf(exchange: Exchange): Promise<Readonly<Record<string, unknown>>> {
  await exchange.ended(LONG_MS);
  const { result, error } = exchange.messages.at(-1) ?? {};
  if (!result) throw new Error(`HTTP ${exchange.status}: ${JSON.stringify(error ?? exchange.text)}`);
  return result;
}

export interface PlayOptions {
  readonly tag: string;
  readonly script: readonly Step[];
  /** Sees each exchange as soon as its head is there. */
  readonly watch?: (exchange: Exchange, retry: object | undefined) => Promise<Exchange | undefined>;
}

/** Calls `play`, answers whatever is asked in its course, and returns what came of it. */
export async function play(
  { client, secret }: Member,
  upstream: string,
  { tag, script, watch }: PlayOptions,
): Promise<Seen> {
  const seen = {
    progress: [] as [unknown, unknown][],
    logs: [] as [unknown, unknown][],
    asked: [] as Asked[],
    states: [] as string[],
  };
  const request = { name: `${upstream}__play`, arguments: { tag, steps: script, sign: true } };
  let retry: object | undefined;
  for (;;) {
    const params = { ...request, ...retry };
    let exchange = await client.send('tools/call', { params, progressToken: 'p', logLevel: 'info' });
    exchange = (await watch?.(exchange, retry)) ?? exchange;
    const result = await resultOf(exchange);
    for (const { method, params: told = {} } of exchange.messages) {
      if (method === 'notifications/progress') seen.progress.push([told.progress, told.message]);
      if (method === 'notifications/message') {
        const { n, nonce } = told.data as { n: number; nonce: string };
        seen.logs.push([n, nonce]);
      }
    }
    if (result.resultType !== 'input_required') {
      const { nonce, outcomes } = result.structuredContent as { nonce: string; outcomes: PlayOutcome[] };
      return { nonce, outcomes, ...seen };
    }
    const requests = Object.entries(result.inputRequests as Record<string, InputRequest>);
    const requestState = String(result.requestState);
    for (const [, asked] of requests) seen.asked.push({ kind: asked.method, nonce: textOf(asked) });
    seen.states.push(requestState);
    const inputResponses = Object.fromEntries(requests.map(([key, asked]) => [key, reply(asked, secret)]));
    retry = { inputResponses, requestState };
  }
}

/** Every client has several calls in progress at once. @returns by client, what it saw of each of its calls */
export async function playTogether(
  fleet: readonly Member[],
  upstream: string,
  calls: number,
): Promise<readonly (readonly Seen[])[]> {
  const scripts = Array.from({ length: calls }, (_, i) => steps(random(1_000 + i)));
  const all = async (member: Member) => {
    await new Promise((done) => setTimeout(done, member.draw(STAGGER_MS)));
    return Promise.all(scripts.map((script) => play(member, upstream, { tag: 'play', script })));
  };
  return Promise.all(fleet.map(all));
}

/** What is so on every transport: nothing of one call is seen in another. */
export function expectOwn(fleet: readonly Member[], seen: readonly (readonly Seen[])[]): void {
  const nonces = seen.flat().map(({ nonce }) => nonce);
  expect(new Set(nonces).size).toBe(nonces.length);
  for (const { nonce, outcomes, progress, logs } of seen.flat()) {
    expect([...progress, ...logs].filter(([, whose]) => whose !== nonce)).toEqual([]);
    const numbers = progress.map(([n]) => Number(n));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    // every answer is the one to the question that this call asked
    expect(outcomes.map((outcome) => NONCE.exec(JSON.stringify(outcome))?.[0])).toEqual([
      nonce,
      nonce,
      nonce,
      undefined,
    ]);
    for (const outcome of outcomes)
      expect(fleet.filter(({ secret }) => JSON.stringify(outcome).includes(secret))).toHaveLength(1);
  }
  // every question was put to somebody, and to nobody else
  const asked = seen.flat().flatMap((one) => one.asked);
  for (const [kind, times] of [
    ['elicitation/create', 2],
    ['sampling/createMessage', 1],
  ] as const) {
    const counts = nonces.map((nonce) => asked.filter((each) => each.kind === kind && each.nonce === nonce).length);
    expect(counts).toEqual(nonces.map(() => times));
  }
  expect(asked.filter(({ kind }) => kind === 'roots/list')).toHaveLength(nonces.length);
  const states = seen.flat().flatMap((one) => one.states);
  expect(new Set(states).size).toBe(states.length);
}

/** What is so where each call has a stream of its own: it is asked and answered there alone, and sees everything. */
export function expectAll(fleet: readonly Member[], seen: readonly (readonly Seen[])[]): void {
  const upTo = (n: number, nonce: string) => Array.from({ length: n }, (_, i) => [i + 1, nonce]);
  for (const [i, { secret }] of fleet.entries()) {
    for (const { nonce, outcomes, progress, logs, asked } of seen[i]!) {
      expect(progress).toEqual(upTo(PROGRESSES, nonce));
      expect(logs).toEqual(upTo(LOGS, nonce));
      for (const outcome of outcomes) expect(JSON.stringify(outcome)).toContain(secret);
      expect(asked.filter(({ kind, nonce: whose }) => kind !== 'roots/list' && whose !== nonce)).toEqual([]);
      expect(asked).toHaveLength(4);
    }
  }
}

/** Every client starts the same call, every other one hangs up; only those calls end at the upstream. */
export async function hangUp(
  fleet: readonly Member[],
  upstream: string,
  cancelled: (tag: string) => string[],
): Promise<void> {
  const tag = `hang up ${upstream}`;
  const script: Step[] = [{ progress: 1 }, { gate: tag }];
  const start = async ({ client }: Member): Promise<{ exchange: Exchange; nonce: string }> => {
    const params = { name: `${upstream}__play`, arguments: { tag, steps: script, sign: true } };
    const exchange = await client.send('tools/call', { params, progressToken: 'p' });
    const begun = await exchange.waitFor(({ method }) => method === 'notifications/progress', LONG_MS);
    return { exchange, nonce: String(begun.params?.message) };
  };
  const started = await Promise.all(fleet.map(start));
  const isLeaving = (_: unknown, i: number) => i % 2 === 0;
  await Promise.all(started.filter(isLeaving).map(({ exchange }) => exchange.close()));
  const left = started.filter(isLeaving).map(({ nonce }) => nonce);
  await poll(() => cancelled(tag).sort(), LONG_MS).toEqual(left.sort());
  await fleet[0]!.client.call(`${upstream}__open_gate`, { gate: tag });
  for (const [i, { exchange, nonce }] of started.entries()) {
    if (isLeaving(exchange, i)) continue;
    expect((await resultOf(exchange)).structuredContent).toMatchObject({ nonce });
  }
  expect(cancelled(tag).sort()).toEqual(left);
}

/** Every client loses its connection once it has answered, and makes the same request again: each gets its own answer. */
export async function loseConnections(fleet: readonly Member[], upstream: string): Promise<void> {
  const tag = `lose ${upstream}`;
  const script: Step[] = [{ ask: [ELICIT] }, { progress: 1 }, { gate: tag }];
  const back: Promise<void>[] = [];
  const played = fleet.map((member) => {
    const lost = Promise.withResolvers<void>();
    back.push(lost.promise);
    const watch = async (exchange: Exchange, retry: object | undefined) => {
      if (!retry) return undefined;
      await exchange.waitFor(({ method }) => method === 'notifications/progress', LONG_MS);
      await exchange.close();
      const params = { name: `${upstream}__play`, arguments: { tag, steps: script, sign: true }, ...retry };
      const again = member.client.send('tools/call', { params, progressToken: 'p', logLevel: 'info' });
      lost.resolve();
      return again;
    };
    const seen = play(member, upstream, { tag, script, watch });
    seen.catch(lost.reject);
    return seen;
  });
  await Promise.all(back);
  await fleet[0]!.client.call(`${upstream}__open_gate`, { gate: tag });
  const seen = await Promise.all(played);
  for (const [i, { secret }] of fleet.entries()) {
    const { nonce, outcomes } = seen[i]!;
    expect(outcomes.map(({ result }) => result?.content)).toEqual([{ secret: `${secret} ${nonce}` }]);
  }
}
