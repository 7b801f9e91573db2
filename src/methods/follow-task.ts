/** A task at an upstream whose client waits for the result: it is followed to its end. */
import { DrivenRound, readWanted } from '../bridge/driven-round.ts';
import { Fault } from '../errors.ts';
import type { Call, Outcome, Sink } from '../protocol/call.ts';
import { isStringAt, memberOf, members, textOf } from '../protocol/json/scan.ts';
import { compose, type Message, readMessage, valueAt } from '../protocol/message.ts';
import { Params } from '../protocol/params.ts';
import { ask, gatewayCall } from '../upstreams/ask.ts';
import type { MethodContext } from './context.ts';
import { leaseFor } from './scope.ts';

/** Time between looks at a task, milliseconds: what the upstream says, within bounds. */
const LEAST_POLL = 100;
const USUAL_POLL = 1_000;
const LONGEST_POLL = 10_000;

/** The id of the task that a legacy upstream has made of a call (2025-11-25, tasks); `undefined` when it has not. */
export function legacyTaskIn({ bytes, result }: Message): string | undefined {
  const task = memberOf(members(bytes, result!.start), 'task');
  const { taskId } = ((task && valueAt(bytes, task)) ?? {}) as { taskId?: unknown };
  return typeof taskId === 'string' ? taskId : undefined;
}

/**
 * Waits for the result of a task at a legacy upstream, which asks on the way what it has to ask.
 * @param sink gets what comes; the call is told by it alone
 */
export async function awaitResult(context: MethodContext, call: Call, taskId: string, sink: Sink): Promise<void> {
  const { upstream } = call.target!;
  const link = await context.pool.lease(upstream, leaseFor(context, call, upstream));
  const message = readMessage(compose('tasks/result', { taskId }, 0));
  const following: Call = {
    ...gatewayCall(message, (outcome) => sink.done(outcome), call.deadline),
    params: new Params(message),
    principal: call.principal,
    client: call.client,
    session: call.session,
    scope: call.scope,
    target: call.target,
    resultLimit: call.resultLimit,
    // it may take as long as the tool may
    method: 'tools/call',
    sink,
  };
  call.oncancel = (reason) => {
    link.cancel(following, reason);
    ask(link, 'tasks/cancel', { taskId }).catch(() => undefined);
  };
  link.request(following);
}

/** Looks at a task of a modern upstream until it is over, and hands on what it asks. */
export class TaskFollower {
  readonly #context: MethodContext;
  readonly #call: Call;
  readonly #sink: Sink;
  readonly #taskId: string;
  /** What the client is being asked already. */
  readonly #asked = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param created the result that says that there is a task */
  constructor(context: MethodContext, call: Call, sink: Sink, created: Message) {
    this.#context = context;
    this.#call = call;
    this.#sink = sink;
    const { bytes, result } = created;
    const id = memberOf(members(bytes, result!.start), 'taskId');
    this.#taskId = id && isStringAt(bytes, id.start) ? textOf(bytes, id.start, id.end) : '';
    call.oncancel = () => {
      clearTimeout(this.#timer);
      this.#ask('tasks/cancel').catch(() => undefined);
    };
    this.#later(pollOf(created));
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    try {
      const message = await this.#ask('tasks/get');
      if (this.#call.ended) return;
      const { bytes, result } = message;
      const list = members(bytes, result!.start);
      const { status } = valueAt(bytes, result!) as { status?: unknown };
      const inner = (kind: 'result' | 'error'): Outcome => {
        const at = memberOf(list, kind);
        const json = at ? bytes.toString('utf8', at.start, at.end) : '{}';
        return { kind: 'complete', message: readMessage(Buffer.from(`{"jsonrpc":"2.0","id":0,"${kind}":${json}}`)) };
      };
      if (status === 'completed') return this.#sink.done(inner('result'));
      if (status === 'failed') return this.#sink.done(inner('error'));
      if (status === 'cancelled') return this.#fail('the task was cancelled there');
      if (status === 'input_required') this.#hand(message);
      this.#later(pollOf(message));
    } catch (error) {
      if (!this.#call.ended) this.#fail((error as Error).message);
    }
  }

  #hand(message: Message): void {
    const requests = new Map([...(readWanted(message)?.requests ?? [])].filter(([key]) => !this.#asked.has(key)));
    if (requests.size === 0) return;
    for (const key of requests.keys()) this.#asked.add(key);
    const round = new DrivenRound(this.#call.target!.upstream, requests, {
      answered: (responses) => {
        this.#ask('tasks/update', responses).catch(() => undefined);
      },
      refused: (reason) => {
        this.#ask('tasks/cancel').catch(() => undefined);
        clearTimeout(this.#timer);
        this.#fail(`what it asked for was not given: ${reason}`);
      },
    });
    this.#sink.input(round);
  }

  async #ask(method: string, inputResponses?: string): Promise<Message> {
    const { upstream } = this.#call.target!;
    const link = await this.#context.pool.lease(upstream, leaseFor(this.#context, this.#call, upstream));
    const about = { name: this.#taskId, ...(inputResponses === undefined ? {} : { inputResponses }) };
    return ask(link, method, { taskId: this.#taskId }, undefined, about);
  }

  #fail(detail: string): void {
    const { upstream } = this.#call.target!;
    this.#sink.done({ kind: 'error', error: new Fault('notBridged', { upstream, detail }) });
  }
}

function pollOf({ bytes, result }: Message): number {
  const { pollIntervalMs } = valueAt(bytes, result!) as { pollIntervalMs?: unknown };
  const wanted = typeof pollIntervalMs === 'number' ? pollIntervalMs : USUAL_POLL;
  return Math.min(Math.max(wanted, LEAST_POLL), LONGEST_POLL);
}
