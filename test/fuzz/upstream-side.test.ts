/** Upstreams that say anything at all: their calls end, and nobody else notices. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anything, FOREIGN, harmless, message, raw } from './garbage.ts';
import { type Act, HOSTILE_STDIO, type HostileHttp, startHostile } from './hostile-upstream.ts';
import { Lab } from './lab.ts';
import { type Played, type Player, play } from './plays.ts';
import { batchOf, fuzz, timeLimit } from './settings.ts';
import { requestIdText } from './texts.ts';

const TRANSPORTS = ['stdio', 'http'] as const;
const ANSWER: Act = { answer: true };
const ABLE = { elicitation: {}, sampling: {}, roots: {} };

let hostile: HostileHttp;
let lab: Lab;

beforeAll(async () => {
  hostile = await startHostile();
  const patient = { timeouts: { open: '5s', call: '8s' } };
  const brief = {
    maxMessageSize: '256KiB',
    timeouts: { open: '5s', call: '400ms', callMax: '1200ms', elicitation: '300ms' },
  };
  const upstreams = {
    stdio: { ...HOSTILE_STDIO, ...patient },
    http: { url: hostile.url, ...patient },
    briefStdio: { ...HOSTILE_STDIO, ...brief },
    briefHttp: { url: hostile.url, ...brief },
  };
  lab = await Lab.start(upstreams, { sessions: { maxPerPrincipal: 10_000, deliver: '300ms' } });
});
afterAll(async () => {
  await lab?.stop();
  await hostile?.close();
});

/** Two clients that can be asked everything, and one that can be asked nothing. */
async function players(): Promise<Player[]> {
  const named = [
    { who: 'ada', capabilities: ABLE },
    { who: 'bob', capabilities: ABLE },
    { who: 'cleo', capabilities: {} },
  ];
  return Promise.all(
    named.map(async ({ who, capabilities }) => ({ who, client: await lab.client(who, { capabilities }) })),
  );
}

describe.each(TRANSPORTS)('an upstream over %s', (upstream) => {
  const NOISY = 5;
  const noisy = fc.record({
    before: fc.array(harmless, { maxLength: 5 }),
    after: fc.array(harmless, { maxLength: 2 }),
  });

  test(
    'that makes noise around its answers: every answer is found, and nothing else',
    () =>
      fuzz(NOISY, batchOf(24, noisy), async (batch) => {
        lab = await lab.revived();
        const all = await players();
        const played = batch.map(({ before, after }, i) =>
          play(all[i % all.length]!, upstream, { acts: [...before, ANSWER, ...after] }),
        );
        for (const { tag, text, response } of await lab.survives(played))
          expect(text, JSON.stringify(response)).toBe(tag);
      }),
    timeLimit(NOISY),
  );

  const ANY = 4;
  const brief = upstream === 'stdio' ? 'briefStdio' : 'briefHttp';
  const acts = fc.tuple(fc.array(anything, { minLength: 1, maxLength: 5 }), fc.boolean());

  test(
    'that does anything: every call has one end, and the next client is served',
    () =>
      fuzz(ANY, batchOf(24, acts), async (batch) => {
        lab = await lab.revived();
        const all = await players();
        const played = batch.map(([list, answered], i) =>
          play(all[i % 2]!, brief, { acts: answered ? [...list, ANSWER] : list }),
        );
        const polite = play(all[2]!, upstream, { acts: [ANSWER] });
        const [{ tag, text }] = (await lab.survives([polite, ...played])) as [Played];
        expect(text).toBe(tag);
      }),
    timeLimit(ANY),
  );

  const ASKING = 4;
  test(
    'that asks under ids of every kind: each question is answered once, under the id as it was spelled',
    () =>
      fuzz(ASKING, batchOf(16, requestIdText), async (ids) => {
        lab = await lab.revived();
        const [player] = (await players()) as [Player];
        await reported(player, upstream);
        const asks = ids.map((id, i) =>
          message(`{"id":${id},"method":"elicitation/create","params":{"message":"q${i}"},"jsonrpc":"2.0"}`),
        );
        const { tag, text } = await play(player, upstream, { acts: [...asks, { responses: ids.length }, ANSWER] });
        expect(text).toBe(tag);
        const wanted = ids.map(
          (id, i) => `{"jsonrpc":"2.0","id":${id},"result":{"action":"accept","content":{"v":"[${upstream}] q${i}"}}}`,
        );
        const answers = (await reported(player, upstream)).filter((line) => !line.includes('"method"'));
        expect(answers.sort()).toEqual(wanted.sort());
        await lab.check();
      }),
    timeLimit(ASKING),
  );

  test('that answers twice, and for others: the first answer counts, the others are nobody’s', async () => {
    const all = await players();
    const forged = (id: string) =>
      `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${FOREIGN}"}]}}`;
    const twice = [ANSWER, message(forged('@ID@')), ANSWER, message(forged('"@ID@"')), raw(forged('@ID@'))];
    const played = await lab.survives(
      all.flatMap((player) => [1, 2, 3].map(() => play(player, upstream, { acts: twice }))),
    );
    for (const { tag, text } of played) expect(text).toBe(tag);
  });
});

/** What a client's link of an upstream was sent since the last time, without requests. */
async function reported({ client }: Player, upstream: string): Promise<string[]> {
  const { result } = await client.request('tools/call', { name: `${upstream}__report`, arguments: {} });
  const [block] = (result as { content: { text: string }[] }).content;
  return JSON.parse(block!.text) as string[];
}
