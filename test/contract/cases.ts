/** What every link does, whatever its transport. Each case is run on all of them. */
import { expect } from 'vitest';
import type { Fault } from '../../src/errors.ts';
import { WEIRD_SPELLINGS } from '../fixtures/peer/weird.ts';
import { answerText, callOf, type RecordedCall, resultOf, toolCall } from '../upstreams/calls.ts';
import { IDENTITY, type Opened, type Transport, type TransportName, whoami } from './transports.ts';

export interface Case {
  readonly name: string;
  /** Why a transport cannot express it. */
  readonly skip?: Partial<Record<TransportName, string>>;
  /** @param opened a link to the SDK peer that all cases of one transport share */
  run(opened: Opened, transport: Transport): Promise<void>;
}

/** The error a call ended with. */
export async function faultOf({ done }: RecordedCall): Promise<Fault> {
  const outcome = await done;
  if (outcome.kind !== 'error') throw new Error(`no fault, but ${outcome.kind}`);
  return outcome.error;
}

const numbersIn = (progress: readonly string[]): number[] =>
  progress.map((text) => (JSON.parse(text) as { params: { progress: number } }).params.progress);

/** A sleep that lasts until it is cancelled, once the peer has begun with it. */
async function asleep({ send }: Opened): Promise<RecordedCall> {
  const sleep = send(toolCall('sleep', '{"ms":60000}', '"sleep"'));
  await expect.poll(() => sleep.progress.length, { timeout: 5_000, interval: 10 }).toBeGreaterThan(0);
  return sleep;
}

export const cases: readonly Case[] = [
  {
    name: 'the handshake tells each side of the other',
    run: async (opened) => {
      expect(opened.link.server).toEqual({
        era: 'legacy',
        version: '2025-11-25',
        capabilities: {
          tools: { listChanged: true },
          prompts: {},
          resources: expect.any(Object) as object,
          completions: {},
          logging: {},
        },
        info: { name: 'peer', version: '1.0.0' },
        instructions: 'Zuerst „echo“ rufen.',
      });
      expect(opened.link).toMatchObject({ upstream: 'up', closed: false, declared: IDENTITY.capabilities });
      const told = await whoami(opened);
      expect(told.clientInfo).toEqual(IDENTITY.info);
      expect(told.clientCapabilities).toEqual(IDENTITY.capabilities);
    },
  },
  {
    name: 'the configured headers and the negotiated version are sent',
    skip: { stdio: 'pipes have no headers' },
    run: async (opened, { name }) => {
      const { headers } = await whoami(opened);
      expect(headers).toMatchObject({ 'x-configured': 'by the admin', 'content-type': 'application/json' });
      // 2024-11-05 has no such header, so HTTP+SSE goes without
      expect(headers?.['mcp-protocol-version']).toBe(name === 'http' ? '2025-11-25' : undefined);
    },
  },
  {
    name: 'the environment of the process is the configured one',
    skip: { http: 'the process is not ours', sse: 'the process is not ours' },
    run: async (opened) => {
      expect((await whoami(opened)).env).toEqual(['INSTRUCTIONS', 'PATH', 'PLAY']);
    },
  },
  {
    name: 'a result comes back as the bytes that arrived',
    run: async ({ send }) => {
      const text = await answerText(send(toolCall('weird')));
      for (const spelling of WEIRD_SPELLINGS) expect(text).toContain(spelling);
      expect(text).toContain('"unknownMember":["kept",{"too":true}]');
      expect(text).toContain('hologram');
    },
  },
  {
    name: 'text of any script arrives whole, in both directions',
    run: async ({ call }) => {
      const args = { text: 'größe 😀 読む \u2028 שלום \u0000 "\\', ключ: '\n\r\t' };
      const result = await call<{ structuredContent: object }>('echo', JSON.stringify(args));
      expect(result.structuredContent).toEqual(args);
    },
  },
  {
    name: 'a megabyte in either direction',
    run: async ({ call }) => {
      const { content } = await call<{ content: { text: string }[] }>('big', '{"bytes":1048576}');
      expect(content[0]?.text).toBe('x'.repeat(1_048_576));
      const args = JSON.stringify({ long: 'é'.repeat(524_288) });
      expect(JSON.stringify((await call('echo', args)).structuredContent)).toBe(args);
    },
  },
  {
    name: 'a JSON-RPC error is passed on as it is, and is no fault',
    run: async ({ send }) => {
      const answer = JSON.parse(await answerText(send(toolCall('no such tool')))) as { error: object };
      expect(answer.error).toEqual({ code: -32602, message: 'MCP error -32602: Unknown tool no such tool' });
      const missing = JSON.parse(await answerText(send(callOf('resources/read', '{"uri":"note://none"}')))) as object;
      expect(missing).toMatchObject({ error: { code: -32002, data: { uri: 'note://none' } } });
      const unknown = JSON.parse(await answerText(send(callOf('no/such/method')))) as object;
      expect(unknown).toMatchObject({ error: { code: -32601 } });
    },
  },
  {
    name: 'progress comes in order, before the result, under the caller\u2019s own token',
    run: async ({ send }) => {
      for (const token of ['7', '"7"', '"größe"', '12345678901234567890']) {
        const play = send(toolCall('play', '{"tag":"x","steps":[{"progress":50}]}', token));
        await resultOf(play);
        expect(play.told).toEqual([...Array.from({ length: 50 }, () => 'progress'), 'done']);
        expect(numbersIn(play.progress)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
        for (const text of play.progress) expect(text).toContain(`"progressToken":${token},`);
      }
    },
  },
  {
    name: 'no progress comes to a call that asked for none',
    run: async ({ send }) => {
      const play = send(toolCall('play', '{"tag":"x","steps":[{"progress":5}]}'));
      await resultOf(play);
      expect(play.told).toEqual(['done']);
    },
  },
  {
    name: 'many calls at once with one id and one token do not cross',
    run: async ({ send }) => {
      const calls = Array.from({ length: 20 }, (_, i) => ({
        echo: send(toolCall('echo', `{"n":${i}}`, '"same"')),
        // the later it is asked the sooner it is answered
        sleep: send(toolCall('sleep', `{"ms":${140 - 5 * i}}`, '"same"')),
      }));
      for (const [i, { echo, sleep }] of calls.entries()) {
        expect(await resultOf(echo)).toMatchObject({ structuredContent: { n: i } });
        const ms = 140 - 5 * i;
        expect(await resultOf(sleep)).toMatchObject({ content: [{ text: `slept ${ms} ms` }] });
        for (const text of sleep.progress) expect(text).toContain(`"total":${ms},`);
        expect(echo.told).toEqual(['done']);
      }
    },
  },
  {
    name: 'cancelling ends exactly one call, there and here',
    run: async (opened) => {
      const before = (await whoami(opened)).sleeps;
      const [a, b] = [await asleep(opened), await asleep(opened)];
      const cancelled = async (): Promise<number> => (await whoami(opened)).sleeps.cancelled - before.cancelled;
      a.call.oncancel?.('changed my mind');
      await expect.poll(cancelled).toBe(1);
      const told = a.told.length;
      const more = b.progress.length;
      await expect.poll(() => b.progress.length).toBeGreaterThan(more + 2);
      expect([a.told.length, b.told.includes('done'), await cancelled()]).toEqual([told, false, 1]);
      opened.link.cancel(b.call);
      await expect.poll(cancelled).toBe(2);
      expect(opened.link.inFlight).toBe(0);
    },
  },
  {
    name: 'time out: a fault here, a cancellation there',
    run: async (opened) => {
      const before = (await whoami(opened)).sleeps;
      const sleep = opened.send(
        toolCall('sleep', '{"ms":60000}', undefined, { idle: 300, total: 5_000, knob: 'timeouts.call' }),
      );
      expect(await faultOf(sleep)).toMatchObject({
        fault: 'upstreamTimeout',
        message: 'Upstream up did not answer tools/call within 300 ms (timeouts.call); the request was cancelled there',
      });
      await expect.poll(async () => (await whoami(opened)).sleeps.cancelled).toBe(before.cancelled + 1);
    },
  },
  {
    name: 'progress puts the time out off, up to the total',
    run: async ({ send }) => {
      const deadline = { idle: 300, total: 600, knob: 'timeouts.call' };
      const sleep = send(toolCall('sleep', '{"ms":60000}', '1', deadline));
      expect((await faultOf(sleep)).message).toContain('within 600 ms (timeouts.callMax)');
      expect(sleep.progress.length).toBeGreaterThan(5);
    },
  },
  {
    name: 'a ping of the server is answered, in a call and outside of any',
    run: async ({ call }) => {
      const steps = [{ ask: [{ method: 'ping' }] }, { pause: 1 }, { ask: [{ method: 'ping' }] }];
      const outcomes = { structuredContent: { outcomes: [{ result: {} }, { result: {} }] } };
      expect(await call('play', JSON.stringify({ tag: 'in', steps }))).toMatchObject(outcomes);
      await call('play_later', JSON.stringify({ tag: 'out', steps: steps.slice(0, 1) }));
      const after = await call('played', '{"tag":"out"}');
      expect(after).toMatchObject({ structuredContent: { outcomes: [{ result: {} }] } });
    },
  },
  {
    name: 'a request the server was told nobody can answer is refused',
    run: async ({ call, heard }) => {
      const steps = [{ ask: [{ method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }] }];
      const result = await call('play', JSON.stringify({ tag: 'x', steps }));
      expect(result).toMatchObject({ structuredContent: { outcomes: [{ error: { code: -32601 } }] } });
      expect(heard.rounds).toEqual([]);
    },
  },
  {
    name: 'what the server asks for in the course of a call comes to that call',
    run: async ({ send }) => {
      const steps = [{ ask: [{ method: 'roots/list' }] }];
      const play = send(toolCall('play', JSON.stringify({ tag: 'x', steps })));
      await expect.poll(() => play.rounds.length).toBe(1);
      play.rounds[0]?.answer('1', { kind: 'result', json: Buffer.from('{"roots":[{"uri":"file:///größe"}]}') });
      expect(await resultOf(play)).toMatchObject({
        structuredContent: { outcomes: [{ result: { roots: [{ uri: 'file:///größe' }] } }] },
      });
    },
  },
  {
    name: 'log messages of a call come to it in order, before its result',
    run: async ({ send }) => {
      const log = send(toolCall('log', '{"n":5,"level":"warning"}'));
      await resultOf(log);
      expect(log.told).toEqual(['log', 'log', 'log', 'log', 'log', 'done']);
      const said = log.logs.map((m) => m.bytes.toString('utf8', m.params!.start, m.params!.end));
      expect(said.map((text) => (JSON.parse(text) as { data: { i: number } }).data.i)).toEqual([1, 2, 3, 4, 5]);
    },
  },
  {
    name: 'a changed list is heard of',
    run: async ({ call, heard }) => {
      // over HTTP the stream for such news opens beside the first calls: what comes earlier is not heard
      let n = 0;
      const changed = async (): Promise<readonly string[]> => {
        await call('add_tool', `{"name":"added_${n++}"}`);
        return heard.listChanged;
      };
      await expect.poll(changed, { timeout: 5_000 }).toContain('tools');
    },
  },
];
