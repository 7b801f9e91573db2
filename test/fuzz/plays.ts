/** Clients that have a hostile upstream perform for them, and what they may see of it. */
import { expect } from 'vitest';
import type { HttpStream, Rpc } from '../multiplexer/http-stream.ts';
import type { RawClient } from '../multiplexer/raw-client.ts';
import { until } from '../multiplexer/until.ts';
import type { Play } from './hostile-upstream.ts';

/** A client, and the name that is in the tags of its calls. */
export interface Player {
  readonly who: string;
  readonly client: RawClient;
}

/** What came back of one call. */
export interface Played {
  readonly tag: string;
  readonly response: Rpc;
  /** The text of its result, if it has one. */
  readonly text: string | undefined;
}

const TAG = /tag-(\w+)-\d+-/g;
let calls = 0;

/**
 * Has an upstream perform, answers whatever it asks, and checks what the client sees meanwhile.
 * @throws Error when anything of another client, a second answer, or progress of another call is among it
 */
export async function play(
  { who, client }: Player,
  upstream: string,
  { acts, ...how }: Omit<Play, 'tag'>,
): Promise<Played> {
  const id = ++calls;
  const tag = `tag-${who}-${id}-`;
  const stream = await client.call(`${upstream}__act`, { tag, acts, ...how }, { id, progressToken: tag });
  await answerAll(stream, client);
  const told = `${tag} of ${JSON.stringify({ acts, ...how })}`;
  expect(stream.status, told).toBe(200);
  for (const { data } of stream.events) {
    for (const [, owner] of data.matchAll(TAG)) expect(owner, `${told}: ${data}`).toBe(who);
  }
  const progress = stream.messages.filter(({ method }) => method === 'notifications/progress');
  for (const { params } of progress) expect(params?.progressToken, told).toBe(tag);
  const responses = stream.messages.filter(({ method }) => method === undefined);
  expect(responses, told).toHaveLength(1);
  const [response] = responses;
  expect(response?.id, told).toBe(id);
  const content = response?.result?.content as { text?: string }[] | undefined;
  return { tag, response: response!, text: Array.isArray(content) ? content[0]?.text : undefined };
}

/** Answers every request that comes on a stream, until the stream is over. */
async function answerAll(stream: HttpStream, client: RawClient): Promise<void> {
  let seen = 0;
  for (;;) {
    await until(() => stream.over || stream.messages.length > seen, 'the end of a call');
    const { messages, over } = stream;
    for (const { id, method, params } of messages.slice(seen)) {
      if (method === undefined || id === undefined) continue;
      await client.answer(id, { result: { action: 'accept', content: { v: params?.message } } });
    }
    seen = messages.length;
    if (over) return;
  }
}
