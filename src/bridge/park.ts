/**
 * A call of a modern client to a legacy upstream that waits for its client. What the upstream asks is collected for a
 * moment and handed to the client as the end of its request; the call goes on, and the request that the client makes with
 * its answers takes its place (2026-07-28, multi round-trip requests).
 */
import { createHash, randomUUID } from 'node:crypto';
import { Fault } from '../errors.ts';
import type { Exchange, InputRequest, Outcome, Round } from '../protocol/call.ts';
import { canBeAsked } from './declare.ts';

/** The call that waits. */
export interface Waiting {
  readonly exchange: Exchange | undefined;
  attach(exchange: Exchange): void;
  detach(): Exchange | undefined;
  cancel(reason: string): void;
}

export interface ParkHost {
  /** Takes the call in among those that wait. @throws Fault `tooManyParked` */
  enter(park: Park): void;
  /** It waits no longer; its end is kept for a while. */
  ended(park: Park): void;
  /** Nothing is kept of it any more. */
  leave(park: Park): void;
  /** What the client has to bring back to go on with this round. */
  state(park: Park, round: number): string;
  /** The request as the client may see it, as the JSON text of `{method, params}`. */
  expose(request: InputRequest): string;
  /** How long a client may take to answer a request, milliseconds. */
  patience(method: string): number;
}

interface Offer {
  readonly round: Round;
  /** Its key in that round. */
  readonly key: string;
  readonly request: InputRequest;
  /** Whether the client has been told of it. */
  told: boolean;
}

/** The answers of a client: JSON text by key. */
export type Answers = ReadonlyMap<string, Buffer>;

/** What is asked within this time is asked together, milliseconds. */
const WINDOW = 30;
/** How long a client that hung up while it was served may come back for it, milliseconds. */
const GRACE = 5_000;
/** How long the end of a call is kept for a client that lost it, milliseconds. */
const KEPT = 60_000;

const KINDS: ReadonlyMap<string, string> = new Map([
  ['elicitation/create', 'elicit'],
  ['sampling/createMessage', 'sample'],
  ['roots/list', 'roots'],
]);

export class Park {
  readonly id = randomUUID();
  readonly #call: Waiting;
  readonly #host: ParkHost;
  readonly #offers = new Map<string, Offer>();
  readonly #counts = new Map<string, number>();
  /** The number of the last round that the client was told of. */
  #round = 0;
  /** The round that was answered last, and a digest of the answers. */
  #answered: { readonly round: number; readonly digest: string } | undefined;
  #outcome: Outcome | undefined;
  #window: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #entered = false;
  #over = false;

  constructor(call: Waiting, host: ParkHost) {
    this.#call = call;
    this.#host = host;
  }

  /** The upstream asks for something. */
  raise(round: Round): void {
    if (this.#over || this.#outcome) return this.#elsewhere(round);
    round.onwithdrawn = () => this.#withdraw(round);
    for (const [key, request] of round.requests) {
      const kind = KINDS.get(request.method) ?? 'input';
      const count = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, count);
      this.#offers.set(`${kind}_${count}`, { round, key, request, told: false });
    }
    if (this.#call.exchange) this.#collect();
  }

  /**
   * The client comes back.
   * @param exchangeOf gives the exchange that the call is answered on from now on
   * @param round the one that it was told of
   * @throws Fault `invalidState` when it cannot go on from there; the exchange is not asked for then
   */
  resume(exchangeOf: () => Exchange, round: number, answers: Answers): void {
    const digest = digestOf(answers);
    const known = this.#answered;
    const again = known?.round === round && known.digest === digest;
    if (!again && (round !== this.#round || known?.round === round)) throw new Fault('invalidState');
    clearTimeout(this.#timer);
    this.#call.detach()?.abandon();
    this.#call.attach(exchangeOf());
    if (!again) {
      this.#answered = { round, digest };
      this.#deliver(answers);
    }
    if (this.#outcome) return this.#finish(this.#outcome);
    // what it did not answer is asked again; what came meanwhile is asked now
    if (this.#offers.size > 0) this.#collect();
  }

  /** The call is over. */
  done(outcome: Outcome): void {
    clearTimeout(this.#window);
    for (const [key, { round, told }] of this.#offers) {
      // what may be another call's can still be answered by a client that was told of it and has to come back anyway
      if (told && !round.certain) continue;
      this.#offers.delete(key);
      // nobody waits for what was asked in the course of it
      if (round.certain) round.abandon('the call is over');
      else this.#elsewhere(round);
    }
    this.#outcome = outcome;
    if (this.#call.exchange) this.#finish(outcome);
  }

  /** The client has hung up while it was served. */
  left(): void {
    clearTimeout(this.#window);
    // it had lost interest before it was asked anything, or it may have lost the connection alone
    if (!this.#answered) return this.#call.cancel('the client closed the connection');
    if (this.#outcome) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#call.cancel('the client closed the connection'), GRACE).unref();
  }

  /** The call is being cancelled upstream, which says it all. */
  drop(): void {
    for (const { round } of this.#offers.values()) {
      if (round.certain) round.drop();
      else this.#elsewhere(round);
    }
    this.forget();
  }

  #collect(): void {
    this.#window ??= setTimeout(() => {
      this.#window = undefined;
      this.#ask();
    }, WINDOW);
  }

  /** Ends the exchange with what the upstream asks. */
  #ask(): void {
    const exchange = this.#call.exchange;
    if (!exchange || this.#outcome || this.#over) return;
    const requests: string[] = [];
    let patience = 0;
    for (const [key, offer] of [...this.#offers]) {
      const text = this.#request(offer, exchange);
      if (text === undefined) {
        this.#offers.delete(key);
        continue;
      }
      offer.told = true;
      patience = Math.max(patience, this.#host.patience(offer.request.method));
      requests.push(`${JSON.stringify(key)}:${text}`);
    }
    if (requests.length === 0) return;
    try {
      if (!this.#entered) this.#host.enter(this);
      this.#entered = true;
    } catch (error) {
      this.#call.detach()?.done({ kind: 'error', error: error instanceof Fault ? error : new Fault('internal') });
      return this.#call.cancel('too many calls wait for their clients');
    }
    const state = this.#host.state(this, ++this.#round);
    const result = `{"inputRequests":{${requests.join(',')}},"requestState":${JSON.stringify(state)}}`;
    this.#call.detach()?.done({ kind: 'local', result, resultType: 'input_required' });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#expire(patience), patience).unref();
  }

  /** The text of a request for the client; `undefined` when it cannot be asked that, which the upstream is told. */
  #request({ round, key, request }: Offer, { capabilities }: Exchange): string | undefined {
    let params: Record<string, unknown> = {};
    try {
      if (request.params) params = JSON.parse(request.params.toString('utf8')) as Record<string, unknown>;
      if (canBeAsked(capabilities, request.method, params)) return this.#host.expose(request);
    } catch {
      // a request that cannot be read is refused like one that cannot be asked
    }
    const code = request.method === 'elicitation/create' ? -32602 : -32601;
    const json = Buffer.from(JSON.stringify({ code, message: `The client does not support this ${request.method}` }));
    round.answer(key, { kind: 'error', json });
    return undefined;
  }

  #deliver(answers: Answers): void {
    for (const [key, offer] of [...this.#offers]) {
      const json = offer.told ? answers.get(key) : undefined;
      // an answer is an object; anything else counts as none, and is asked for again
      if (json?.[0] !== 0x7b) continue;
      this.#offers.delete(key);
      offer.round.answer(offer.key, { kind: 'result', json });
    }
  }

  #withdraw(round: Round): void {
    for (const [key, offer] of this.#offers) if (offer.round === round) this.#offers.delete(key);
  }

  #elsewhere(round: Round): void {
    if (!round.elsewhere()) round.abandon('the call is over');
  }

  #expire(patience: number): void {
    for (const { round } of this.#offers.values())
      round.abandon(`the client did not come back with an answer within ${patience} ms`);
    this.#call.cancel('the client did not come back');
    this.forget();
  }

  #finish(outcome: Outcome): void {
    // the client has no reason to come back any more
    for (const { round } of this.#offers.values()) this.#elsewhere(round);
    this.#offers.clear();
    this.#call.detach()?.done(outcome);
    clearTimeout(this.#timer);
    if (!this.#entered) return;
    this.#host.ended(this);
    this.#timer = setTimeout(() => this.forget(), KEPT).unref();
  }

  /** Keeps nothing of a call that is over. */
  forget(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#window);
    clearTimeout(this.#timer);
    this.#offers.clear();
    if (this.#entered) this.#host.leave(this);
  }
}

/** Equal for equal answers, in whatever order. */
function digestOf(answers: Answers): string {
  const hash = createHash('sha256');
  for (const [key, json] of [...answers].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${JSON.stringify(key)}:${json}\0`);
  return hash.digest('base64url');
}
