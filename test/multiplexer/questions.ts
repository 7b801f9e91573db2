/** What upstreams ask clients in these tests, and how to follow one question to its answer. */
import type { Ask, PlayOutcome, Step } from '../fixtures/peer/play.ts';
import type { HttpStream, Rpc } from './http-stream.ts';
import type { RawClient } from './raw-client.ts';

/** An elicitation in form mode. */
export const elicit = (message = 'Which one?', more: object = {}): Ask => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties: { choice: { type: 'string' } } }, ...more },
});

/** An elicitation in URL mode. */
export const elicitUrl = (elicitationId: string, message = 'Please sign in'): Ask => ({
  method: 'elicitation/create',
  params: { mode: 'url', message, url: `https://sign.in.example/${elicitationId}`, elicitationId },
});

/** A sampling request. */
export const sample = (text = 'Say something', more: object = {}): Ask => ({
  method: 'sampling/createMessage',
  params: { maxTokens: 5, messages: [{ role: 'user', content: { type: 'text', text } }], ...more },
});

export const roots: Ask = { method: 'roots/list' };

/** One of each kind, and an answer to it. */
export const KINDS = {
  elicitation: { ask: elicit(), answer: { action: 'accept', content: { choice: 'this' } } },
  sampling: {
    ask: sample(),
    answer: { role: 'assistant', model: 'm', content: { type: 'text', text: 'Well' }, stopReason: 'endTurn' },
  },
  roots: { ask: roots, answer: { roots: [{ uri: 'file:///here', name: 'here' }] } },
} as const;

/** A call of a tool that asks. */
export interface Asking {
  readonly reply: HttpStream;
  /** The request as the client got it. */
  readonly question: Rpc;
  /** What came of it at the upstream, once the call has its result. */
  outcomes(): Promise<readonly PlayOutcome[]>;
}

/** Starts a call in the course of which an upstream asks, and waits for the (first) question. */
export async function startAsking(
  client: RawClient,
  upstream: string,
  asks: readonly Ask[],
  { id = 1, tag = 'asks', before = [] }: { id?: number; tag?: string; before?: readonly Step[] } = {},
): Promise<Asking> {
  const steps: Step[] = [...before, { ask: asks }];
  const reply = await client.call(`${upstream}__play`, { tag, steps }, { id });
  const question = await reply.waitFor(({ id: own, method }) => own !== undefined && method !== undefined);
  return { reply, question, outcomes: async () => outcomesOf(await reply.response(id)) };
}

/** What came of the questions of a play, from its response. */
export function outcomesOf({ result, error }: Rpc): readonly PlayOutcome[] {
  const { outcomes } = (result?.structuredContent ?? {}) as { outcomes?: readonly PlayOutcome[] };
  if (!outcomes) throw new Error(`no outcomes in ${JSON.stringify(result ?? error)}`);
  return outcomes;
}

/**
 * Has an upstream ask outside of any call.
 * @param watcher who looks for what comes of it; another client of the same process leaves the one asked without any call
 * @returns waits for what comes of it
 */
export async function askLater(
  client: RawClient,
  upstream: string,
  tag: string,
  asks: readonly Ask[],
  watcher = client,
): Promise<() => Promise<readonly PlayOutcome[]>> {
  await client.tool(`${upstream}__play_later`, { tag, steps: [{ ask: asks }] });
  return async () => (await watcher.tool(`${upstream}__played`, { tag })).outcomes as readonly PlayOutcome[];
}
