/**
 * The other workers that serve the same port: who of them runs, and how a request gets to the one that holds what it is
 * about. Each listens at a socket of its own, in a folder that the user of Patchbay alone may enter.
 */
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Pool } from 'undici';
import type { Elsewhere } from '../../methods/elsewhere.ts';
import type { Tallies } from '../../storage/tallies.ts';
import { Passing } from './passing.ts';

/** Says to the owner whose request it is, and that its worker has counted it; only ever read at a worker's own socket. */
export const FROM_HEADER = 'x-patchbay-from';

/** Tells the worker that let a session begin elsewhere how many there are; never gets to clients. */
export const SESSIONS_HEADER = 'x-patchbay-sessions';

/** The worker that signs people in and counts who tries. */
export const SIGN_IN_WORKER = 1;

/** How long another worker may take to answer a question between workers, milliseconds. */
const PATIENCE = 2_000;
/** So many sessions more than another worker has are no reason to begin one there. */
const UNEVEN = 8;
/** Connections between workers stay open for this long without use, milliseconds. */
const KEEP_ALIVE = 60_000;

/** Headers that are about one connection (RFC 9110 §7.6.1), and those that the next one sets itself. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  FROM_HEADER,
]);

/** Where a worker listens for the others. */
export const socketOf = (folder: string, worker: number): string => join(folder, `${worker}.sock`);

/** Where a request came from that another worker passed on; absent for those of clients. */
export const passedOn = new WeakMap<IncomingMessage, { readonly counted: boolean }>();

export class Peers implements Elsewhere {
  readonly worker: number;
  /** What all workers count together. */
  readonly tallies: Tallies;
  /** Reads the figures of this worker, where there are any. */
  own: () => Promise<object[]> = async () => [];
  readonly #folder: string;
  readonly #pools = new Map<number, Pool>();
  #living: ReadonlyMap<number, number> = new Map();
  /** Sessions of the others. */
  readonly #loads = new Map<number, number>();
  #passed = 0;

  /** @param worker the number of this one @param folder where the sockets are */
  constructor(worker: number, folder: string, tallies: Tallies) {
    this.worker = worker;
    this.tallies = tallies;
    tallies.on('sessions', (told) => {
      const [worker = 0, sessions = 0] = told.split(' ').map(Number);
      this.#loads.set(worker, sessions);
    });
    this.#folder = folder;
  }

  /** @param workers those that run now, and since when, milliseconds since 1970 */
  set living(workers: ReadonlyMap<number, number>) {
    // one that is new begins with nothing
    for (const [worker, since] of workers) if (this.#living.get(worker) !== since) this.#loads.set(worker, 0);
    this.#living = workers;
  }

  since(worker: number): number | undefined {
    return this.#living.get(worker);
  }

  /** @param sessions that there are now in this worker */
  set load(sessions: number) {
    this.tallies.add('sessions', `${this.worker} ${sessions}`);
  }

  /**
   * The worker that a new session is better begun in: connections are handed out in turn, and clients with as many
   * connections as there are workers would all begin their sessions in one.
   * @param own sessions that there are in this one
   */
  lighter(own: number): number | undefined {
    const others = [...this.#loads].filter(([worker]) => this.isOther(worker));
    const [lightest] = others.sort(([, a], [, b]) => a - b);
    if (!lightest || own - lightest[1] <= UNEVEN) return undefined;
    const [worker, sessions] = lightest;
    this.#loads.set(worker, sessions + 1);
    return worker;
  }

  /** Requests that this worker has passed on. */
  get passed(): number {
    return this.#passed;
  }

  /** Whether another worker runs that has this number. */
  isOther(worker: number | undefined): worker is number {
    return worker !== undefined && worker !== this.worker && this.#living.has(worker);
  }

  /**
   * Passes a request on as it came, and the answer back as it comes.
   * @param body what was read of it already; `undefined` when nothing was
   * @returns whether somebody has answered; if not, nothing was done, and what had not been read may be lost
   */
  pass(worker: number, request: FastifyRequest, reply: FastifyReply, body?: Buffer): Promise<boolean> {
    return this.#pass(worker, request, reply, this.#isAstray(request.raw, worker), body);
  }

  /**
   * Lets another worker begin a session. The connection is closed afterwards: what follows on it is for that worker, and
   * would be passed on for as long as it is open.
   * @param body the request, which was read here
   * @returns whether somebody has answered; if not, nothing was done
   */
  begin(worker: number, request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<boolean> {
    return this.#pass(worker, request, reply, true, body);
  }

  async #pass(
    worker: number,
    { raw }: FastifyRequest,
    reply: FastifyReply,
    last: boolean,
    body: Buffer | undefined,
  ): Promise<boolean> {
    const told = (header: string, value: string): boolean => {
      if (header !== SESSIONS_HEADER) return false;
      this.#loads.set(worker, Number(value));
      return true;
    };
    const passing = new Passing(reply.raw, { last, told });
    const hasBody = raw.headers['transfer-encoding'] !== undefined || Number(raw.headers['content-length'] ?? 0) > 0;
    this.#passed++;
    const counted = body === undefined ? '' : ' counted';
    const headers = [...headersOf(raw), FROM_HEADER, `${raw.socket.remoteAddress ?? ''}${counted}`];
    passing.begin(this.#pool(worker), {
      path: raw.url!,
      method: raw.method as 'POST',
      headers,
      body: body ?? (hasBody ? raw : null),
    });
    return passing.answered;
  }

  async cancelTask(worker: number, id: string, principal: string): Promise<boolean> {
    const answer = await this.#ask(worker, '/-/cancel-task', { id, principal });
    return answer === true;
  }

  /** The figures of all other workers that answer in time, each as prom-client writes them in JSON. */
  async figures(): Promise<readonly object[][]> {
    const others = [...this.#living.keys()].filter((worker) => worker !== this.worker);
    const answers = await Promise.all(others.map((worker) => this.#ask(worker, '/-/figures', {})));
    return answers.filter((answer) => Array.isArray(answer));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  async #ask(worker: number, path: string, question: object): Promise<unknown> {
    if (!this.isOther(worker)) return undefined;
    try {
      const { body } = await this.#pool(worker).request({
        path,
        method: 'POST',
        body: JSON.stringify(question),
        signal: AbortSignal.timeout(PATIENCE),
      });
      return await body.json();
    } catch {
      return undefined;
    }
  }

  #pool(worker: number): Pool {
    const found = this.#pools.get(worker);
    if (found) return found;
    const pool = new Pool('http://worker', {
      socketPath: socketOf(this.#folder, worker),
      // deadlines are the owner's, and a stream may be quiet
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE,
    });
    this.#pools.set(worker, pool);
    return pool;
  }

  /**
   * Whether a connection has brought nothing but what is for one other worker: closed after the answer, it will likely
   * come back at that one, where nothing has to be passed on.
   */
  #isAstray({ socket }: IncomingMessage, worker: number): boolean {
    const before = astray.get(socket) ?? worker;
    const isAstray = before === worker;
    astray.set(socket, isAstray ? worker : 0);
    return isAstray;
  }
}

/** The worker that everything on a connection was for so far; 0 where there was something else. */
const astray = new WeakMap<object, number>();

/** A request of a connection is served here. */
export const atHome = ({ socket }: IncomingMessage): void => void astray.set(socket, 0);

function headersOf({ rawHeaders }: IncomingMessage): string[] {
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!OF_CONNECTION.has(rawHeaders[i]!.toLowerCase())) kept.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  return kept;
}
