/** Many clients at once, each with a secret of its own, doing the same things under the same ids and tokens. */
import { expect } from 'vitest';
import type { Step } from '../fixtures/peer/play.ts';
import { type Played, SdkClient } from '../multiplexer/sdk-client.ts';
import { poll } from '../multiplexer/until.ts';
import { type Random, random, shuffled } from './random.ts';
import type { Combination } from './upstreams.ts';

export interface Member {
  readonly sdk: SdkClient;
  readonly secret: string;
  readonly draw: Random;
}

const MESSAGE = 'notifications/message';
const UPDATED = 'notifications/resources/updated';
const ROOTS = { method: 'roots/list' };
const CALLS = 3;
const PROGRESSES = 6;
const LOGS = 4;

/** Connects that many clients. Secrets are of one length, so that every message has the same shape. */
export async function connectFleet(url: string, size: number): Promise<Member[]> {
  const connect = async (_: unknown, i: number): Promise<Member> => {
    const draw = random(i + 1);
    const secret = `secret-${String(i).padStart(3, '0')}-${String(draw(1_000_000)).padStart(6, '0')}`;
    return { sdk: await SdkClient.connect(url, { secret }), secret, draw };
  };
  return Promise.all(Array.from({ length: size }, connect));
}

const elicit = (tag: string) => ({
  method: 'elicitation/create',
  params: { message: tag, requestedSchema: { type: 'object', properties: { secret: { type: 'string' } } } },
});

const sample = (tag: string) => ({
  method: 'sampling/createMessage',
  params: { maxTokens: 9, messages: [{ role: 'user', content: { type: 'text', text: tag } }] },
});

/** Steps in an order that only the seed knows. */
function steps({ ownLogs }: Combination, tag: string, draw: Random): Step[] {
  const progress: Step[] = Array.from({ length: PROGRESSES }, () => ({ progress: 1 }));
  const logs: Step[] = ownLogs ? Array.from({ length: LOGS }, () => ({ log: 1 })) : [];
  const rounds: Step[] = [elicit(tag), sample(tag), ROOTS].map((ask) => ({ ask: [ask] }));
  const pauses: Step[] = Array.from({ length: 3 }, () => ({ pause: draw(12) }));
  return shuffled([...progress, ...logs, ...rounds, ...pauses], draw);
}

/** Every client has several calls in progress on an upstream at once; each must see its own and nothing else. */
export async function playTogether(fleet: readonly Member[], upstream: Combination): Promise<void> {
  await Promise.all(fleet.map((member) => playAlone(member, upstream)));
  for (const { sdk, secret } of fleet) {
    const tags = () =>
      sdk
        .of(MESSAGE)
        .filter(({ logger }) => String(logger).startsWith(`${upstream.name}/`))
        .map(({ data }) => (data as { tag: string }).tag);
    await poll(() => tags().length).toBe(upstream.ownLogs ? CALLS * LOGS : 0);
    expect(tags().filter((tag) => !tag.startsWith(secret))).toEqual([]);
  }
}

async function playAlone({ sdk, secret, draw }: Member, upstream: Combination): Promise<void> {
  const calls = Array.from({ length: CALLS }, async (_, i) => {
    const tag = `${secret}/${upstream.name}/${i}`;
    const script = steps(upstream, tag, draw);
    const seen: { progress: number; message?: string | undefined }[] = [];
    const played = await sdk.play(upstream.name, tag, script, { onprogress: (p) => void seen.push(p) });
    expect(played.tag).toBe(tag);
    expect(seen.map(({ progress }) => progress)).toEqual(Array.from({ length: PROGRESSES }, (_, n) => n + 1));
    expect(new Set(seen.map(({ message }) => message))).toEqual(new Set([tag]));
    expectOwnAnswers(played, upstream, secret);
  });
  await Promise.all(calls);
}

function expectOwnAnswers({ outcomes }: Played, { asks }: Combination, secret: string): void {
  expect(outcomes).toHaveLength(3);
  for (const outcome of outcomes) {
    if (asks) expect(JSON.stringify(outcome)).toContain(secret);
    else expect(outcome.error).toMatchObject({ code: -32601 });
  }
}

/** Nobody was asked anything but what came of its own calls. */
export function expectOwnQuestions(fleet: readonly Member[]): void {
  for (const { sdk, secret } of fleet) {
    const worded = sdk.asked
      .filter(({ method }) => method !== ROOTS.method)
      .map(({ params }) => JSON.stringify(params));
    expect(worded.filter((text) => !text.includes(secret))).toEqual([]);
  }
}

/**
 * Every client starts the same call; every other one cancels its own, and only those end so.
 * @param cancelled the tags of the calls whose cancellation has reached the upstream
 */
export async function cancelSome(
  fleet: readonly Member[],
  { name, asks }: Combination,
  cancelled: () => string[],
): Promise<void> {
  // the calls wait for their clients' answers; where clients are not asked, at one gate for all
  const gate = `cancel ${name}`;
  const open = Promise.withResolvers<void>();
  const tagOf = (secret: string) => `${gate} ${secret}`;
  const started = fleet.map(({ sdk, secret }) => {
    const controller = new AbortController();
    const progressing = Promise.withResolvers<void>();
    sdk.answerAfter = open.promise;
    const wait: Step = asks ? { ask: [elicit(secret)] } : { gate };
    const options = { signal: controller.signal, onprogress: () => progressing.resolve() };
    const played = sdk.play(name, tagOf(secret), [{ progress: 1 }, wait], options);
    played.catch(() => undefined);
    return { played, progressing: progressing.promise, controller, secret };
  });
  await Promise.all(started.map(({ progressing }) => progressing));
  const leaving = started.filter((_, i) => i % 2 === 0);
  for (const { controller } of leaving) controller.abort('not wanted any more');
  for (const { played } of leaving) await expect(played).rejects.toThrow('not wanted any more');
  const ended = () => cancelled().filter((tag) => tag.startsWith(`${gate} `));
  // cancellations travel beside other requests: only when the upstream has seen them may the others go on
  await poll(() => ended().sort()).toEqual(leaving.map(({ secret }) => tagOf(secret)).sort());
  open.resolve();
  if (!asks) await fleet[0]!.sdk.tool(`${name}__open_gate`, { gate });
  for (const { played, secret } of started.filter((_, i) => i % 2 === 1)) {
    const { tag, outcomes } = await played;
    expect(tag).toBe(tagOf(secret));
    expect(outcomes.map(({ result }) => result?.content)).toEqual(asks ? [{ secret }] : []);
  }
  expect(ended()).toHaveLength(leaving.length);
}

/** Every client subscribes to a resource of its own and one of all; each change reaches those who asked. */
export async function subscribeTogether(fleet: readonly Member[], { name, manyProcesses }: Combination): Promise<void> {
  const common = `${name}://static/a`;
  const own = ({ secret }: Member) => `${name}://item/${secret}`;
  const updates = ({ sdk }: Member) => {
    const uris = sdk.of(UPDATED).map(({ uri }) => String(uri));
    return uris.filter((uri) => uri.startsWith(`${name}://`));
  };
  const touch = ({ sdk }: Member, uri: string) => sdk.tool(`${name}__touch`, { uri });
  const subscribe = (member: Member) =>
    Promise.all([own(member), common].map((uri) => member.sdk.client.subscribeResource({ uri })));
  await Promise.all(fleet.map(subscribe));
  // a call that runs beside one of another session may go to another process, which knows of no subscription
  if (manyProcesses) for (const member of fleet) await touch(member, own(member));
  else await Promise.all(fleet.map((member) => touch(member, own(member))));
  for (const member of fleet) await poll(() => updates(member)).toEqual([own(member)]);
  for (const member of manyProcesses ? fleet : fleet.slice(0, 1)) await touch(member, common);
  for (const member of fleet) await poll(() => updates(member)).toContain(common);
  expect(fleet.flatMap(updates).filter((uri) => uri !== common)).toEqual(fleet.map(own));
}

/** Whether all clients used the same ids, which are their progress tokens as well. */
export function expectSameIds(fleet: readonly Member[]): void {
  expect(new Set(fleet.map(({ sdk }) => sdk.ids.join(' '))).size).toBe(1);
}

/** Nobody was told anything but logs, updates and changes of lists. */
export function expectNoStrangers(fleet: readonly Member[]): void {
  const told = fleet.flatMap(({ sdk }) => sdk.told.map(({ method }) => method));
  expect(told.filter((method) => ![MESSAGE, UPDATED].includes(method) && !method.endsWith('/list_changed'))).toEqual(
    [],
  );
}
