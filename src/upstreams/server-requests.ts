/** Requests that a legacy upstream sends: each becomes a round of one, and its answer a JSON-RPC response. */
import { Fault } from '../errors.ts';
import type { InputAnswer, InputRequest, Round } from '../protocol/call.ts';
import { applyEdits, removeMembers } from '../protocol/json/edit.ts';
import { isObjectAt, memberOf, members } from '../protocol/json/scan.ts';
import { composeResult, idKey, type Message, rawId } from '../protocol/message.ts';
import { TASK_KEY } from '../protocol/meta.ts';
import { INPUT_METHODS } from './inbound.ts';

const KEY = '1';
const CANCEL = Buffer.from('{"action":"cancel"}');

export class ServerRequests {
  readonly #upstream: string;
  readonly #send: (message: Buffer) => void;
  readonly #open = new Map<string, UpstreamRound>();

  constructor(upstream: string, send: (message: Buffer) => void) {
    this.#upstream = upstream;
    this.#send = send;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes a request in. */
  open(message: Message, { settled, certain, elsewhere }: RequestHandlers): Round {
    const id = rawId(message)!;
    const key = idKey(id);
    const { bytes, params } = message;
    const request = { method: message.method!, params: params && ownParams(bytes.subarray(params.start, params.end)) };
    const round = new UpstreamRound(this.#upstream, request, {
      respond: (answer) => {
        this.#send(answer.kind === 'result' ? composeResult(id, answer.json) : errorResponse(id, answer.json));
      },
      notify: (notification) => this.#send(notification),
      settled: () => {
        this.#open.delete(key);
        settled();
      },
      certain,
      elsewhere,
      progressToken: tokenOf(message),
    });
    this.#open.set(key, round);
    return round;
  }

  /** The upstream takes the request with this key of an id back (`notifications/cancelled`). */
  withdrawn(key: string | undefined, reason: unknown): void {
    if (key === undefined) return;
    const round = this.#open.get(key);
    this.#open.delete(key);
    round?.withdraw(typeof reason === 'string' ? reason : undefined);
  }

  /** The link is over: nobody can be answered any more. */
  close(): void {
    for (const round of this.#open.values()) round.withdraw('the upstream is gone');
    this.#open.clear();
  }
}

export interface RequestHandlers {
  /** It is over, one way or the other. */
  settled(): void;
  /** Whether no other call in flight than the one it was taken to be of can have raised it. */
  certain(): boolean;
  /** Hands the round to another call in flight; false when there is none. */
  elsewhere(round: Round): boolean;
}

interface Back extends RequestHandlers {
  respond(answer: InputAnswer): void;
  notify(notification: Buffer): void;
  /** The upstream's token as it was spelled, when it wants to hear of progress. */
  readonly progressToken: string | undefined;
}

class UpstreamRound implements Round {
  readonly upstream: string;
  readonly requests: ReadonlyMap<string, InputRequest>;
  onwithdrawn: ((reason: string | undefined) => void) | undefined;
  readonly #method: string;
  readonly #back: Back;
  #over = false;

  constructor(upstream: string, request: InputRequest, back: Back) {
    this.upstream = upstream;
    this.requests = new Map([[KEY, request]]);
    this.#method = request.method;
    this.#back = back;
  }

  answer(key: string, answer: InputAnswer): void {
    if (this.#over || key !== KEY) return;
    this.#over = true;
    this.#back.settled();
    this.#back.respond(answer);
  }

  progress(_key: string, params: Readonly<Record<string, unknown>>): void {
    const { progressToken } = this.#back;
    if (this.#over || progressToken === undefined) return;
    const { progressToken: _, ...others } = params;
    // the token is spelled as the upstream spelled it, which no number of JavaScript may hold
    const all = `{"progressToken":${progressToken},${JSON.stringify(others).slice(1)}`.replace(/,}$/, '}');
    this.#back.notify(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/progress","params":${all}}`));
  }

  get certain(): boolean {
    return this.#back.certain();
  }

  elsewhere(): boolean {
    return !this.#over && this.#back.elsewhere(this);
  }

  drop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#back.settled();
  }

  abandon(reason: string): void {
    const json = Buffer.from(JSON.stringify({ code: -32603, message: reason }));
    this.answer(
      KEY,
      this.#method === 'elicitation/create' ? { kind: 'result', json: CANCEL } : { kind: 'error', json },
    );
  }

  withdraw(reason: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#back.settled();
    this.onwithdrawn?.(reason);
  }
}

/** Without the id of the upstream's own task, which means nothing to a client. */
function ownParams(params: Buffer): Buffer {
  if (!isObjectAt(params, 0) || params.indexOf(TASK_KEY) < 0) return params;
  const meta = memberOf(members(params, 0), '_meta');
  if (!meta || !isObjectAt(params, meta.start)) return params;
  return applyEdits(
    params,
    removeMembers(members(params, meta.start), ({ key }) => key === TASK_KEY),
  );
}

function tokenOf({ bytes, params }: Message): string | undefined {
  if (!params || !isObjectAt(bytes, params.start)) return undefined;
  const meta = memberOf(members(bytes, params.start), '_meta');
  if (!meta || !isObjectAt(bytes, meta.start)) return undefined;
  const token = memberOf(members(bytes, meta.start), 'progressToken');
  return token && bytes.toString('utf8', token.start, token.end);
}

function errorResponse(id: string, error: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":`), error, Buffer.from('}')]);
}

/**
 * Why a request of an upstream is refused; `undefined` when it is not.
 * @param declared the client capabilities that the upstream was told of
 */
export function refusalOf(
  { bytes, method, params }: Message,
  declared: Readonly<Record<string, unknown>>,
): Fault | undefined {
  const capability = INPUT_METHODS.get(method ?? '');
  if (capability === undefined || !Object.hasOwn(declared, capability))
    return new Fault('methodNotFound', { method: method ?? '' });
  if (!params || isObjectAt(bytes, params.start)) return undefined;
  return new Fault('invalidParams', { method: method ?? '', detail: 'params must be an object' });
}
