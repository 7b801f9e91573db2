/**
 * A call that goes on here as a task: for legacy clients that ask for one (2025-11-25, tasks), and for modern ones that
 * take tasks while the upstream knows only the older kind. It is a call to its upstream like any other.
 */
import { randomUUID } from 'node:crypto';
import { canBeAsked } from '../bridge/declare.ts';
import type { Call, Continuation, InputAnswer, InputRequest, Outcome, Round, Sink, Target } from '../protocol/call.ts';
import { isObjectAt, memberOf, members } from '../protocol/json/scan.ts';
import { composeError, messageBytes, readMessage } from '../protocol/message.ts';

export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** What came of a task, as JSON text. */
export interface TaskEnd {
  readonly kind: 'result' | 'error';
  readonly json: string;
  /** Whether it is the result of a tool that says it failed. */
  readonly isError: boolean;
}

/** What is known of a task; all times are milliseconds, `createdAt` and `updatedAt` since 1970. */
export interface TaskRecord {
  readonly id: string;
  readonly status: TaskStatus;
  readonly statusMessage: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** How long it is kept after it was begun. */
  readonly ttl: number;
  readonly end: TaskEnd | undefined;
  /** The profile that it was begun at. */
  readonly profile: string;
  /** The worker that it runs in, where there are several. */
  readonly worker?: number | undefined;
}

interface Open {
  readonly round: Round;
  readonly key: string;
  readonly request: InputRequest;
}

const OVER: ReadonlySet<TaskStatus> = new Set(['completed', 'failed', 'cancelled']);

export class HostedTask implements Call, Sink, TaskRecord {
  readonly id = randomUUID();
  readonly createdAt = Date.now();
  readonly ttl: number;
  readonly principal: Call['principal'];
  readonly client: Call['client'];
  readonly profile: string;
  readonly session: string | undefined;
  readonly worker: number | undefined;
  readonly method: string;
  readonly message: Call['message'];
  readonly edits: Call['edits'] = [];
  readonly paramHeaders: Call['paramHeaders'];
  readonly logLevel = undefined;
  readonly shownToken = undefined;
  readonly surrender = undefined;
  readonly present = true;
  params: Call['params'];
  progressToken = undefined;
  continuation: Continuation | undefined;
  headers: Call['headers'];
  target: Target | undefined;
  scope: string | undefined;
  deadline: Call['deadline'];
  lacking: string | undefined;
  sink: Sink = this;
  ended = false;
  oncancel: Call['oncancel'];
  onpressure: Call['onpressure'];
  status: TaskStatus = 'working';
  statusMessage: string | undefined;
  updatedAt = this.createdAt;
  end: TaskEnd | undefined;
  /** Called when anything about it changes. */
  onchange: (() => void) | undefined;
  readonly #open = new Map<string, Open>();
  #asked = 0;
  /** Takes what the upstream asks, while a client waits for the result. */
  #listener: ((requests: ReadonlyMap<string, InputRequest>) => void) | undefined;
  #waiters: (() => void)[] = [];

  /**
   * @param call the request that becomes a task
   * @param ttl how long it is kept, milliseconds
   * @param worker the number of this worker, where there are several
   */
  constructor(call: Call, ttl: number, worker?: number) {
    this.worker = worker;
    this.principal = call.principal;
    this.client = call.client;
    this.profile = call.client.profile;
    this.session = call.session;
    this.method = call.method;
    this.message = call.message;
    this.params = call.params;
    this.paramHeaders = call.paramHeaders;
    this.ttl = ttl;
  }

  /** What the client is to answer, by key. */
  get inputs(): ReadonlyMap<string, InputRequest> {
    return new Map([...this.#open].map(([key, { request }]) => [key, request]));
  }

  /** Takes an answer. @returns whether it was waited for */
  answer(key: string, answer: InputAnswer): boolean {
    const open = this.#open.get(key);
    if (!open) return false;
    this.#open.delete(key);
    if (this.#open.size === 0) this.#become('working');
    open.round.answer(open.key, answer);
    return true;
  }

  /** The client will not answer. */
  abandon(key: string, reason: string): void {
    const open = this.#open.get(key);
    if (!open) return;
    this.#open.delete(key);
    if (this.#open.size === 0) this.#become('working');
    open.round.abandon(reason);
  }

  /** Somebody waits for the end, and can be asked meanwhile. @returns takes that back */
  listen(take: (requests: ReadonlyMap<string, InputRequest>) => void): () => void {
    this.#listener = take;
    if (this.#open.size > 0) take(this.inputs);
    return () => {
      if (this.#listener === take) this.#listener = undefined;
    };
  }

  /** Resolves when it is over. */
  async over(): Promise<void> {
    if (!this.ended) await new Promise<void>((done) => this.#waiters.push(done));
  }

  /** @returns false when it was over already */
  cancel(reason: string): boolean {
    if (this.ended) return false;
    this.#become('cancelled');
    this.end = { kind: 'error', json: '{"code":-32603,"message":"The task was cancelled"}', isError: false };
    const withdraw = this.oncancel;
    this.oncancel = undefined;
    this.#finish();
    withdraw?.(reason);
    return true;
  }

  progress(notification: Buffer): void {
    const { message } = (JSON.parse(notification.toString('utf8')) as { params?: { message?: unknown } }).params ?? {};
    if (typeof message === 'string') this.statusMessage = message;
  }

  log(): void {
    // nobody is there who asked for them
  }

  away(): void {
    // nobody waits
  }

  input(round: Round): void {
    if (this.ended) return round.abandon('the task is over');
    round.onwithdrawn = () => {
      for (const [key, open] of this.#open) if (open.round === round) this.#open.delete(key);
      if (this.#open.size === 0) this.#become('working');
    };
    const added = new Map<string, InputRequest>();
    for (const [key, request] of round.requests) {
      const values = request.params ? (JSON.parse(request.params.toString('utf8')) as Record<string, unknown>) : {};
      if (canBeAsked(this.client.capabilities, request.method, values)) {
        const own = `input_${++this.#asked}`;
        this.#open.set(own, { round, key, request });
        added.set(own, request);
      } else {
        const json = Buffer.from(`{"code":-32601,"message":"The client does not support this ${request.method}"}`);
        round.answer(key, { kind: 'error', json });
      }
    }
    if (added.size === 0) return;
    this.#become('input_required');
    this.#listener?.(added);
  }

  done(outcome: Outcome): void {
    if (this.ended) return;
    this.end = endOf(outcome);
    this.#become(this.end.kind === 'result' ? 'completed' : 'failed');
    this.#finish();
  }

  #become(status: TaskStatus): void {
    if (OVER.has(this.status)) return;
    this.status = status;
    this.updatedAt = Date.now();
    this.onchange?.();
  }

  #finish(): void {
    this.ended = true;
    for (const { round } of this.#open.values()) if (round.certain) round.drop();
    this.#open.clear();
    this.onchange?.();
    for (const done of this.#waiters.splice(0)) done();
  }
}

/** The end of a call as a task keeps it. */
function endOf(outcome: Outcome): TaskEnd {
  if (outcome.kind === 'local')
    return { kind: 'result', json: outcome.result.toString(), isError: saysError(outcome.result) };
  const bytes =
    outcome.kind === 'error'
      ? composeError('0', outcome.error)
      : Buffer.from(messageBytes(outcome.message, outcome.edits ?? []));
  const { result, error } = readMessage(bytes);
  const at = (result ?? error)!;
  const json = bytes.toString('utf8', at.start, at.end);
  return { kind: result ? 'result' : 'error', json, isError: result !== undefined && saysError(json) };
}

function saysError(result: string | Buffer): boolean {
  const bytes = Buffer.from(result);
  const at = isObjectAt(bytes, 0) ? memberOf(members(bytes, 0), 'isError') : undefined;
  return at !== undefined && bytes.toString('utf8', at.start, at.end) === 'true';
}
