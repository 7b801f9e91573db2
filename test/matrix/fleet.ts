/**
 * Many clients at once that do the same: every request of theirs is the same to the last byte, ids and progress tokens
 * included. Each has a secret, which is only in its answers to what it is asked. Whose a message is tells the nonce that
 * the upstream makes for every call, puts into all its messages, and gives to its caller in the result.
 */
import { expect } from 'vitest';
import type { Step } from '../fixtures/peer/play.ts';
import { type Random, random, shuffled } from '../fixtures/shared/random.ts';
import { ABLE } from '../multiplexer/raw-client.ts';
import { type Played, SdkClient } from '../multiplexer/sdk-client.ts';
import { poll } from '../multiplexer/until.ts';
import type { Combination } from './upstreams.ts';

export interface Member {
  readonly sdk: SdkClient;
  readonly secret: string;
  /** Whether it declared that it can be asked. */
  readonly able: boolean;
  /** The nonces of its own calls. */
  readonly nonces: Set<string>;
  readonly draw: Random;
}

const MESSAGE = 'notifications/message';
const UPDATED = 'notifications/resources/updated';
const PROGRESSES = 6;
const LOGS = 4;
const LONG_MS = 60_000;
/** Nobody begins later than so many milliseconds after the first. */
const STAGGER_MS = 30;

/** Connects that many clients. @param able whether they declare every capability, or none */
export async function connectFleet(url: string, size: number, able: boolean): Promise<Member[]> {
  const connect = async (_: unknown, i: number): Promise<Member> => {
    const draw = random(i + 1);
    const secret = `secret-${i}-${draw(1_000_000)}`;
    const sdk = await SdkClient.connect(url, { secret, capabilities: able ? ABLE : {} });
    return { sdk, secret, able, nonces: new Set(), draw };
  };
  return Promise.all(Array.from({ length: size }, connect));
}

const ELICIT = {
  method: 'elicitation/create',
  params: { message: 'Yes?', requestedSchema: { type: 'object', properties: { secret: { type: 'string' } } } },
};
const SAMPLE = {
  method: 'sampling/createMessage',
  params: { maxTokens: 9, messages: [{ role: 'user', content: { type: 'text', text: 'Say' } }] },
};
const ASKS = [ELICIT, SAMPLE, { method: 'roots/list' }];

/** What one call does, in an order that only the seed knows; the same for every client. */
function steps(draw: Random): Step[] {
  const progress: Step[] = Array.from({ length: PROGRESSES }, () => ({ progress: 1 }));
  const logs: Step[] = Array.from({ length: LOGS }, () => ({ log: 1 }));
  const rounds: Step[] = ASKS.map((ask) => ({ ask: [ask] }));
  const pauses: Step[] = Array.from({ length: 3 }, () => ({ jitter: 12 }));
  return shuffled([...progress, ...logs, ...rounds, ...pauses], draw);
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Every client has several calls in progress on every upstream at once; each must see its own and nothing else.
 * @param calls how many on each
 */
export async function playTogether(
  fleet: readonly Member[],
  upstreams: readonly Combination[],
  calls: number,
): Promise<void> {
  const scripts = upstreams.map((_, lane) =>
    Array.from({ length: calls }, (_, i) => steps(random(1_000 + lane * calls + i))),
  );
  const play = async (member: Member) => {
    await wait(member.draw(STAGGER_MS));
    const begun = upstreams.map((upstream, i) => scripts[i]!.map((script) => playAlone(member, upstream, script)));
    return Promise.all(begun.map(async (played) => Promise.all(played)));
  };
  const played = await Promise.all(fleet.map(play));
  for (const [i, member] of fleet.entries()) {
    for (const [lane, upstream] of upstreams.entries()) {
      const own = played[i]![lane]!.map(({ nonce }) => nonce);
      const all = Object.fromEntries(own.map((nonce) => [nonce, upTo(LOGS)]));
      // where all clients share one stream, logs of several at once are nobody's
      if (upstream.ownLogs) await poll(() => logsOf(member, upstream), LONG_MS).toEqual(all);
      else expect(Object.keys(logsOf(member, upstream)).filter((nonce) => !own.includes(nonce))).toEqual([]);
    }
  }
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** The numbers of the logs that a client got from an upstream, by nonce. */
function logsOf({ sdk }: Member, { name, transport }: Combination): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const { logger, data } of sdk.of(MESSAGE)) {
    if (!String(logger).startsWith(`${name}/`)) continue;
    const { nonce, n } = data as { nonce: string; n: number };
    const numbers = [...(found[nonce] ?? []), n];
    // where calls share one stream, some go on that of their call and others on the one of the session
    found[nonce] = transport === 'http' ? numbers : numbers.sort((a, b) => a - b);
  }
  return found;
}

async function playAlone(member: Member, { name, asks }: Combination, script: readonly Step[]): Promise<Played> {
  const { sdk, secret, able, nonces } = member;
  const seen: { progress: number; message?: string | undefined }[] = [];
  const played = await sdk.play(name, 'play', script, { sign: true, onprogress: (p) => void seen.push(p) });
  const { nonce, outcomes } = played;
  nonces.add(nonce);
  expect(seen.map(({ progress, message }) => [progress, message])).toEqual(upTo(PROGRESSES).map((n) => [n, nonce]));
  expect(outcomes).toHaveLength(ASKS.length);
  for (const outcome of outcomes) {
    if (asks && able) expect(JSON.stringify(outcome)).toContain(secret);
    else expect(outcome.error).toMatchObject({ code: -32601 });
  }
  return played;
}

/** Nobody was asked, or told in a log, anything but what came of its own calls. */
export function expectNothingCrossed(fleet: readonly Member[]): void {
  const crossed = fleet.flatMap(({ sdk, nonces }) => {
    const asked = sdk.asked.map(({ params }) => (params._meta as { nonce?: string } | undefined)?.nonce);
    const told = sdk.of(MESSAGE).map(({ data }) => (data as { nonce?: string }).nonce);
    return [...asked, ...told].filter((nonce) => nonce === undefined || !nonces.has(nonce));
  });
  expect(crossed).toEqual([]);
  const others = fleet.flatMap(({ sdk }) => sdk.told.map(({ method }) => method));
  expect(others.filter((method) => ![MESSAGE, UPDATED].includes(method) && !method.endsWith('/list_changed'))).toEqual(
    [],
  );
}

/** All clients have sent the same requests so far, to the last byte but for their capabilities. */
export function expectSameRequests(fleet: readonly Member[]): void {
  const sent = fleet.map(({ sdk }) => sdk.sent.join('\n'));
  expect(sent[0]?.length).toBeGreaterThan(0);
  expect(new Set(sent).size).toBe(1);
}

/**
 * Every client starts the same call; every other one cancels its own, and only those end so.
 * @param cancelled the nonces of the calls of this tag whose cancellation has reached the upstream
 */
export async function cancelSome(
  fleet: readonly Member[],
  { name, asks }: Combination,
  cancelled: (tag: string) => string[],
): Promise<void> {
  const asked = asks && fleet[0]!.able;
  const tag = `cancel ${name}`;
  const open = Promise.withResolvers<void>();
  const started = fleet.map(({ sdk, secret, nonces }) => {
    const controller = new AbortController();
    const begun = Promise.withResolvers<string>();
    sdk.answerAfter = open.promise;
    // the calls wait for their clients' answers; where clients are not asked, at one gate for all
    const script: Step[] = [{ progress: 1 }, { log: 1 }, asked ? { ask: [ELICIT] } : { gate: tag }];
    const played = sdk.play(name, tag, script, {
      sign: true,
      signal: controller.signal,
      onprogress: ({ message = '' }) => {
        nonces.add(message);
        begun.resolve(message);
      },
    });
    played.catch(begun.reject);
    return { played, begun: begun.promise, controller, secret };
  });
  const nonces = await Promise.all(started.map(({ begun }) => begun));
  const isLeaving = (_: unknown, i: number) => i % 2 === 0;
  const leaving = started.filter(isLeaving);
  for (const { controller } of leaving) controller.abort('not wanted any more');
  for (const { played } of leaving) await expect(played).rejects.toThrow('not wanted any more');
  // cancellations travel beside other requests: only when the upstream has seen them may the others go on
  await poll(() => cancelled(tag).sort(), LONG_MS).toEqual(nonces.filter(isLeaving).sort());
  open.resolve();
  if (!asked) await fleet[0]!.sdk.tool(`${name}__open_gate`, { gate: tag });
  for (const [i, { played, secret }] of started.entries()) {
    if (isLeaving(played, i)) continue;
    const { nonce, outcomes } = await played;
    expect(nonce).toBe(nonces[i]);
    expect(outcomes.map(({ result }) => result?.content)).toEqual(asked ? [{ secret }] : []);
  }
  expect(cancelled(tag)).toHaveLength(leaving.length);
}

/** Every other client subscribes to one resource, the others to another, all to a third; then all of them change. */
export async function subscribeTogether(fleet: readonly Member[], upstream: Combination): Promise<void> {
  const { name, sharing, manyProcesses } = upstream;
  const [even, odd, common] = ['a', 'b', 'c'].map((item) => `${name}://static/${item}`) as [string, string, string];
  const mine = (i: number) => [i % 2 === 0 ? even : odd, common];
  const subscribe = ({ sdk }: Member, i: number) =>
    Promise.all(mine(i).map((uri) => sdk.client.subscribeResource({ uri })));
  await Promise.all(fleet.map(subscribe));
  // one after the other: a call beside one of another session may go to another process, which knows of no subscription
  const touchers = manyProcesses ? fleet : fleet.slice(0, 2);
  for (const { sdk } of touchers) for (const uri of [even, odd, common]) await sdk.tool(`${name}__touch`, { uri });
  const each = manyProcesses && sharing === 'session' ? 1 : touchers.length;
  const heard = ({ sdk }: Member) => {
    const counts: Record<string, number> = {};
    for (const { uri } of sdk.of(UPDATED)) counts[String(uri)] = (counts[String(uri)] ?? 0) + 1;
    return Object.fromEntries(Object.entries(counts).filter(([uri]) => uri.startsWith(`${name}://`)));
  };
  const told = (i: number) => Object.fromEntries(mine(i).map((uri) => [uri, each]));
  for (const [i, member] of fleet.entries()) await poll(() => heard(member), LONG_MS).toEqual(told(i));
  // and it stays so, once everyone has heard of everything
  expect(fleet.map(heard)).toEqual(fleet.map((_, i) => told(i)));
}
