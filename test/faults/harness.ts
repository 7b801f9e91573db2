/** What every fault is put through: others beside it, its own client's view, and what is left afterwards. */
import { expect } from 'vitest';
import { type HttpFixture, startFixture } from '../fixtures/child.ts';
import { type CountedGateway, startCounted } from '../multiplexer/counted.ts';
import type { HttpStream, Rpc } from '../multiplexer/http-stream.ts';
import { RawClient } from '../multiplexer/raw-client.ts';
import { startPeer, stdioPeer } from '../multiplexer/setup.ts';
import { poll } from '../multiplexer/until.ts';

/** How an upstream fails, and what its client is to see of it. */
export interface Fault {
  readonly name: string;
  /** Its entry in the config. */
  upstream(): Promise<object> | object;
  /** Its tool to call, and with what; default `raw`. */
  readonly tool?: string;
  readonly args?: object;
  /** Makes it fail, once its call reports progress. */
  provoke?(): Promise<unknown> | unknown;
  /** What the error must say. */
  readonly says: RegExp;
  /** Mends it; a call must succeed afterwards. Without it the upstream stays as it is. */
  recover?(): Promise<unknown> | unknown;
}

/** The most that a client waits for the error of a fault, milliseconds; no time limit below is that long, but for answers of 50 MB. */
export const SOON_MS = 20_000;

const TIMEOUTS = { open: '30s', call: '1500ms', stop: '300ms', idle: '2s' };
const RECOVERY = { firstRetry: '20ms', maxRetry: '300ms' };
const STEADY = ['steadyStdio', 'steadyHttp'];

/** How long a list may take on a busy machine; one that waited for an upstream would take longer. */
const LISTED_MS = 5_000;

/** The limits of every upstream that fails. */
export const limits = { timeouts: TIMEOUTS, recovery: RECOVERY };

/** The answer to the call `f`, for which the client comes back as often as it is sent away. */
async function answerOf(client: RawClient, call: HttpStream): Promise<Rpc> {
  const late = performance.now() + 2 * SOON_MS;
  for (let stream = call; performance.now() < late; stream = await client.listen(stream.lastEventId)) {
    const { messages } = await stream.ended(SOON_MS);
    const answer = messages.find(({ id, method }) => id === 'f' && method === undefined);
    if (answer) return answer;
  }
  throw new Error('no answer');
}

export class Harness {
  readonly gateway: CountedGateway;
  readonly #steady: HttpFixture;

  private constructor(gateway: CountedGateway, steady: HttpFixture) {
    this.gateway = gateway;
    this.#steady = steady;
  }

  /** A gateway in front of everything that fails, and of two upstreams that do not. */
  static async start(faults: readonly Fault[]): Promise<Harness> {
    const steady = await startPeer('http', 'steady');
    const entries = await Promise.all(
      faults.map(async (fault) => [fault.name, { ...limits, ...(await fault.upstream()) }] as const),
    );
    const gateway = await startCounted({
      lists: { firstWait: '20s' },
      sessions: { idleTimeout: '5m', events: { maxAge: '1s' } },
      upstreams: {
        steadyStdio: stdioPeer('steady-stdio'),
        steadyHttp: { url: steady.url },
        ...Object.fromEntries(entries),
      },
    });
    return new Harness(gateway, steady);
  }

  /** One fault from its beginning to its end. */
  async suffer(fault: Fault): Promise<void> {
    const client = await RawClient.open(this.gateway.url);
    const calls = await Promise.all(STEADY.map((upstream) => this.#begin(client, upstream, fault.name)));
    const began = performance.now();
    const call = await client.call(`${fault.name}__${fault.tool ?? 'raw'}`, fault.args ?? {}, {
      id: 'f',
      progressToken: 'f',
    });
    if (fault.provoke) {
      await call.method('notifications/progress');
      await fault.provoke();
    }
    const { error, result } = await answerOf(client, call);
    expect(result).toBeUndefined();
    expect(error?.code).toBe(-32603);
    expect(error?.message).toMatch(new RegExp(`^Upstream ${fault.name} `));
    expect(error?.message).toMatch(fault.says);
    expect(performance.now() - began).toBeLessThan(SOON_MS);

    const listed = performance.now();
    expect((await client.request('tools/list')).result).toHaveProperty('tools');
    expect(performance.now() - listed).toBeLessThan(LISTED_MS);
    for (const [i, upstream] of STEADY.entries()) {
      await client.tool(`${upstream}__open_gate`, { gate: fault.name });
      expect((await calls[i]!.ended()).messages.at(-1)).toMatchObject({
        result: { structuredContent: { tag: fault.name } },
      });
    }
    if (fault.recover) {
      await fault.recover();
      const again = () => client.request('tools/call', { name: `${fault.name}__echo`, arguments: { back: true } });
      await poll(async () => JSON.stringify((await again()).result ?? {}), 20_000).toContain('back');
    }
    await client.end();
  }

  async #begin(client: RawClient, upstream: string, gate: string) {
    const args = { tag: gate, steps: [{ progress: 1 }, { gate }] };
    const call = await client.call(`${upstream}__play`, args, { id: upstream, progressToken: upstream });
    await call.method('notifications/progress');
    return call;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.#steady.stop();
  }
}

/** A server that can be killed, and started again on the same port. */
export class Mortal {
  readonly #mode: readonly string[];
  #fixture: HttpFixture | undefined;

  /** @param mode of raw-upstream; without one it is the peer */
  constructor(...mode: string[]) {
    this.#mode = mode;
  }

  async start(): Promise<string> {
    const port = this.#fixture?.port ?? 0;
    this.#fixture =
      this.#mode.length > 0
        ? await startFixture('raw-upstream', { port, args: this.#mode })
        : await startFixture('peer-server', { port, env: { PLAY: '1', PREFIX_URIS: `mortal-${port}` } });
    return this.#fixture.url;
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    await this.#fixture!.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#fixture?.stop();
  }
}
