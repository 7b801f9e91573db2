/** What the clients of the soak do, again and again. Each scene takes a moment and leaves nothing open, or all of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { elicit } from '../../test/multiplexer/questions.ts';
import { ABLE, RawClient } from '../../test/multiplexer/raw-client.ts';
import type { Setup } from './setup.ts';

/** Patience of clients, milliseconds. */
const WAIT_MS = 30_000;
/** How often a scene is tried at least, unless it goes well. */
const CHANCES = 3;

export interface Scene {
  readonly title: string;
  /** Between two runs of it, milliseconds. */
  readonly pause: number;
  run(setup: Setup, n: number): Promise<void>;
}

/** Runs with a session of its own, which it ends. */
async function session(url: string, run: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await RawClient.open(url, { capabilities: ABLE });
  try {
    await run(client);
  } finally {
    await client.end();
  }
}

const REMOTE = ['http', 'sse', 'shared'];

/** Calls that report progress and log, over each transport. */
const calls: Scene = {
  title: 'calls with progress',
  pause: 200,
  run: ({ gateway }, n) =>
    session(gateway.url, async (client) => {
      const steps = [{ progress: 5 }, { log: 2 }, { pause: 50 }, { progress: 1, pad: 1_000 }];
      for (const [id, upstream] of REMOTE.entries()) {
        for (let i = 0; i < 3; i++) await client.tool(`${upstream}__echo`, { n, i });
        const reply = await client.call(`${upstream}__play`, { tag: `${n}`, steps }, { id, progressToken: id });
        ok(await reply.response(id, WAIT_MS));
        await reply.ended(WAIT_MS);
      }
      ok(await client.request('tools/list'));
    }),
};

/** A process of its own for each session. */
const processes: Scene = {
  title: 'processes of sessions',
  pause: 200,
  run: ({ gateway }) =>
    session(gateway.url, async (client) => ok(await client.request('tools/call', { name: 'tiny__pid' }))),
};

/** Questions in the course of calls; a process that takes its time to start is asked, too. */
const questions: Scene = {
  title: 'elicitation',
  pause: 1_000,
  run: ({ gateway }, n) =>
    session(gateway.url, async (client) => {
      for (const [id, upstream] of (n % 5 === 0 ? ['http', 'sse', 'stdio'] : ['http', 'sse']).entries()) {
        const reply = await client.call(`${upstream}__play`, { tag: 'asks', steps: [{ ask: [elicit()] }] }, { id });
        const question = await reply.method('elicitation/create', WAIT_MS);
        await client.answer(question.id, { result: { action: 'accept', content: { choice: 'this' } } });
        ok(await reply.response(id, WAIT_MS));
      }
    }),
};

/** Calls that are taken back. */
const cancels: Scene = {
  title: 'cancelled calls',
  pause: 500,
  run: ({ gateway }) =>
    session(gateway.url, async (client) => {
      for (const [id, upstream] of REMOTE.entries()) {
        const steps = [{ progress: 1 }, { pause: 600_000 }];
        const reply = await client.call(`${upstream}__play`, { tag: 'c', steps }, { id, progressToken: id });
        await reply.method('notifications/progress', WAIT_MS);
        await client.notify('notifications/cancelled', { requestId: id });
        reply.drop();
      }
    }),
};

/** Subscriptions, one of which is not given up. */
const subscriptions: Scene = {
  title: 'subscriptions',
  pause: 500,
  run: ({ gateway }, n) =>
    session(gateway.url, async (client) => {
      const stream = await client.listen();
      for (const upstream of ['http', 'shared']) {
        const uri = `${upstream}://item/${n % 50}`;
        ok(await client.request('resources/subscribe', { uri }));
        await client.tool(`${upstream}__touch`, { uri });
        const updated = ({ method, params }: { method?: string; params?: Readonly<Record<string, unknown>> }) =>
          method === 'notifications/resources/updated' && params?.uri === uri;
        await stream.waitFor(updated, WAIT_MS);
        if (upstream === 'shared') ok(await client.request('resources/unsubscribe', { uri }));
      }
      stream.drop();
    }),
};

/** Clients that go in the middle of a call, without a word. */
const abandoned: Scene = {
  title: 'abandoned sessions',
  pause: 1_000,
  run: async ({ gateway }) => {
    const client = await RawClient.open(gateway.url, { capabilities: ABLE });
    const streams = [await client.listen()];
    for (const [id, upstream] of ['http', 'sse'].entries()) {
      const steps = [{ progress: 1 }, { ask: [elicit()] }];
      const reply = await client.call(`${upstream}__play`, { tag: 'gone', steps }, { id, progressToken: id });
      streams.push(reply);
      await reply.method('notifications/progress', WAIT_MS);
    }
    ok(await client.request('tools/call', { name: 'tiny__pid' }));
    for (const stream of streams) stream.drop();
  },
};

/** Calls of the upstream that dies all the time: any answer will do. */
const flapping: Scene = {
  title: 'calls of what flaps',
  pause: 500,
  run: ({ gateway }) =>
    session(gateway.url, async (client) => {
      const { result, error } = await client.request('tools/call', { name: 'flapping__pid' });
      if (!result && !error) throw new Error('no answer');
    }),
};

/** Other configs, which the gateway finds by itself. */
const edits: Scene = {
  title: 'config edits',
  pause: 5_000,
  run: ({ edit }, n) => edit(n),
};

/** All that goes on at once. */
export const scenes: readonly Scene[] = [
  calls,
  processes,
  questions,
  cancels,
  subscriptions,
  abandoned,
  flapping,
  edits,
];

/** How often a scene went well, and how often not. */
export interface Tally {
  readonly title: string;
  passed: number;
  failed: number;
  lastError?: string;
}

/**
 * Plays a scene until the signal comes; what goes wrong is counted and does not end it. On a machine so busy that it has
 * not gone well by then, it gets some more chances.
 */
export async function repeat(scene: Scene, setup: Setup, signal: AbortSignal): Promise<Tally> {
  const tally: Tally = { title: scene.title, passed: 0, failed: 0 };
  for (let n = 1; !signal.aborted || (tally.passed === 0 && n <= CHANCES); n++) {
    try {
      await scene.run(setup, n);
      tally.passed++;
    } catch (error) {
      tally.failed++;
      tally.lastError = error instanceof Error ? error.message : String(error);
    }
    await delay(scene.pause, undefined, { signal }).catch(() => undefined);
  }
  return tally;
}

function ok({ error }: { readonly error?: object }): void {
  if (error) throw new Error(JSON.stringify(error));
}
