/** A gateway under fire, and a canary: a client whose calls to an upstream of its own must never notice anything. */
import { expect } from 'vitest';
import { type HttpFixture, startFixture } from '../fixtures/child.ts';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import type { HttpStream } from '../multiplexer/http-stream.ts';
import { RawClient, type RawOptions } from '../multiplexer/raw-client.ts';

/** How many calls the canary makes at once. */
const SONGS = 3;
/** What may be logged as an error: that the limit for messages did what it is there for. */
const EXPECTED_ERROR = /larger than maxMessageSize/;
/**
 * What Node.js writes when something is wrong. Pieces of log lines are no such thing: a text in them may hold a U+2028,
 * at which readline ends a line.
 */
const NODE_SPEAKS = /^\(node:\d+\)|^node:|^Uncaught|^\s+at .*:\d+:\d+\)?$|^\{"level":"(error|fatal)"/;

export class Lab {
  readonly gateway: Gateway;
  readonly port: number;
  readonly #clients = new Map<string, Promise<RawClient>>();
  readonly #peer: HttpFixture;
  readonly #canary: RawClient;
  readonly #stream: HttpStream;
  #songs = 0;
  /** How many log lines were looked at. */
  #read = 0;

  readonly #again: () => Promise<Lab>;

  private constructor(
    gateway: Gateway,
    peer: HttpFixture,
    canary: RawClient,
    stream: HttpStream,
    again: () => Promise<Lab>,
  ) {
    this.#again = again;
    this.gateway = gateway;
    this.port = Number(new URL(gateway.url).port);
    this.#peer = peer;
    this.#canary = canary;
    this.#stream = stream;
  }

  /**
   * Starts a gateway with the upstream `canary` and these.
   * @param settings other parts of the config
   */
  static async start(upstreams: object, settings: object = {}): Promise<Lab> {
    const peer = await startFixture('peer-server');
    const sessions = { maxPerPrincipal: 1_000_000 };
    const config = { sessions, ...settings, upstreams: { canary: { url: peer.url }, ...upstreams } };
    const gateway = await startGateway({ config });
    const canary = await RawClient.open(gateway.url, { name: 'canary' });
    return new Lab(gateway, peer, canary, await canary.listen(), () => Lab.start(upstreams, settings));
  }

  /** The client that goes by this name, opened when it is first asked for. */
  client(name: string, options: RawOptions = {}): Promise<RawClient> {
    const known = this.#clients.get(name) ?? RawClient.open(this.gateway.url, { name, ...options });
    this.#clients.set(name, known);
    return known;
  }

  /** This lab; or, when its gateway is gone, a new one like it, so that a failing case can be looked for. */
  async revived(): Promise<Lab> {
    const alive = await fetch(new URL('/healthz', this.gateway.url)).then(
      ({ ok }) => ok,
      () => false,
    );
    if (alive) return this;
    await this.stop();
    return this.#again();
  }

  /**
   * Looks whether the gateway lives, the canary gets its own answers and nothing else, and nothing went wrong inside.
   * @throws Error that says what is the matter
   */
  async check(): Promise<void> {
    const health = await fetch(new URL('/healthz', this.gateway.url)).catch((error: Error) => error);
    if (health instanceof Error) throw new Error(`the gateway is gone: ${this.#lastWords()}`);
    expect(health.status).toBe(200);
    const songs = Array.from({ length: SONGS }, (_, i) => ({ id: i + 1, song: `song-${++this.#songs}` }));
    const answers = await Promise.all(songs.map((song) => this.#sing(song)));
    expect(answers).toEqual(songs.map(({ id, song }) => ({ id, text: JSON.stringify({ song }) })));
    // another client may have made an upstream known, which is for everyone to hear
    const foreign = this.#stream.messages.filter(({ method = '' }) => !method.endsWith('/list_changed'));
    expect(foreign).toEqual([]);
    const fresh = this.gateway.logs.slice(this.#read);
    this.#read = this.gateway.logs.length;
    const errors = fresh.filter(({ level }) => level === 'error' || level === 'fatal');
    expect(errors.filter(({ msg }) => !EXPECTED_ERROR.test(String(msg)))).toEqual([]);
    expect(this.gateway.noise.filter((line) => NODE_SPEAKS.test(line))).toEqual([]);
  }

  /**
   * Waits for cases that run at once, then checks: that the gateway is gone says more than what became of each case.
   * @returns what came of each
   * @throws Error of the check, or else of the first case that failed
   */
  async survives<T>(cases: readonly Promise<T>[]): Promise<T[]> {
    const settled = await Promise.allSettled(cases);
    await this.check();
    return settled.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  }

  async stop(): Promise<void> {
    this.#stream.drop();
    await this.gateway.stop().catch(() => undefined);
    await this.#peer.stop();
  }

  async #sing({ id, song }: { id: number; song: string }): Promise<{ id: unknown; text: unknown }> {
    const answer = await this.#canary.call('canary__echo', { song }, { id });
    const response = await answer.response(id);
    const [block] = (response.result?.content ?? []) as { text?: string }[];
    return { id: response.id, text: block?.text ?? response };
  }

  #lastWords(): string {
    return [...this.gateway.noise.slice(-20), ...this.gateway.logs.slice(-3).map((log) => JSON.stringify(log))].join(
      '\n',
    );
  }
}
