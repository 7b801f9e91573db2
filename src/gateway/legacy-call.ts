/** A call that came from a legacy client, and the sink that leads back to its POST. */
import { Fault } from '../errors.ts';
import { levelUnasked, USUAL } from '../methods/scope.ts';
import type {
  Call,
  ClientFacts,
  Continuation,
  Deadline,
  Drain,
  Outcome,
  Outlet,
  Principal,
  Round,
  Sink,
  Target,
} from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
import type { Span } from '../protocol/json/scan.ts';
import { answerOf } from '../protocol/legacy/answer.ts';
import { composeError, idKey, type Message, rawId } from '../protocol/message.ts';
import type { Params } from '../protocol/params.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import { logFor } from '../sessions/log-level.ts';
import type { PressureListener } from '../sessions/pressure.ts';
import { dispatch } from './dispatch.ts';
import type { CallHost, Gateway } from './gateway.ts';
import type { Reply } from './reply.ts';

export class LegacyCall implements Call, Sink {
  readonly principal: Principal;
  readonly client: ClientFacts;
  readonly session: string;
  readonly method: string;
  readonly id: string;
  readonly message: Message;
  readonly edits: Edit[] = [];
  params!: Params;
  progressToken: Span | undefined;
  continuation: Continuation | undefined;
  headers: Readonly<Record<string, string>> | undefined;
  readonly paramHeaders = undefined;
  readonly surrender = undefined;
  target: Target | undefined;
  scope: string | undefined;
  deadline: Deadline | undefined;
  sink: Sink = this;
  ended = false;
  readonly present = true;
  lacking: string | undefined;
  oncancel: ((reason: string | undefined) => void) | undefined;
  readonly #owner: LegacySession;
  /** Given up with the end of the call: whoever still knows the call is not to keep request and response in memory. */
  #reply: Reply | undefined;
  readonly #host: CallHost;
  readonly #key: string;
  #onpressure: PressureListener | undefined;
  /** Where its answer goes that is passed on while it comes. */
  #drain: Drain | undefined;
  /** What the client was asked in the course of this call, each with what takes it back. */
  #asked: { readonly round: Round; takeBack(reason: string): void }[] = [];

  /**
   * @param principal whose the session is, with the credentials of this request
   * @param message a request with a valid id
   */
  constructor(session: LegacySession, principal: Principal, message: Message, reply: Reply, host: CallHost) {
    this.#owner = session;
    this.#reply = reply;
    this.#host = host;
    this.principal = principal;
    this.client = session.client;
    this.session = session.id;
    this.method = message.method!;
    this.message = message;
    this.id = rawId(message)!;
    this.#key = idKey(this.id);
  }

  get shownToken(): string | undefined {
    const { progressToken, message } = this;
    return progressToken && message.bytes.toString('utf8', progressToken.start, progressToken.end);
  }

  /** Upstreams that are told with every request are told what those that are told once would be. */
  get logLevel(): string {
    return this.#owner.logLevel ?? USUAL;
  }

  get onpressure(): PressureListener | undefined {
    return this.#onpressure;
  }

  set onpressure(listener: PressureListener | undefined) {
    const pressure = this.#reply?.pressure;
    const before = this.#onpressure;
    this.#onpressure = listener;
    if (!pressure) return;
    if (before) pressure.delete(before);
    if (listener) pressure.add(listener);
    // what comes after the end of a call is nothing to a slow client
    else if (pressure.full) before?.(false);
  }

  /** Enters the call in its session. @returns false when its id is already in use there */
  enter(): boolean {
    return this.#owner.inFlight.add(this.#key, this);
  }

  /** The client wants no answer any more. */
  cancel(reason: string | undefined): void {
    if (this.ended) return;
    this.#leave('the call was cancelled', (round) => round.drop());
    const withdraw = this.oncancel;
    this.oncancel = undefined;
    withdraw?.(reason);
    const reply = this.#release();
    if (this.#drain) this.#drain.cut();
    else reply?.drop();
  }

  /** The gateway ends before the answer is there: the upstream is told to stop, and the client what is known. */
  cutOff(): void {
    if (this.ended) return;
    const withdraw = this.oncancel;
    this.oncancel = undefined;
    withdraw?.('the gateway is shutting down');
    this.done({ kind: 'error', error: new Fault('cutOff', { method: this.method }) });
  }

  progress(notification: Buffer): void {
    if (this.#isOver) return;
    this.#reply?.progress(this.#key, notification);
    this.#press();
  }

  log(notification: Message): void {
    if (this.#isOver) return;
    const label = this.#host.labelled ? this.target?.upstream : undefined;
    const message = logFor(notification, this.#owner.logLevel ?? levelUnasked(this.#owner, this.scope), label);
    if (!message) return;
    this.#reply?.log(message);
    this.#press();
  }

  away(retry: number): void {
    if (!this.#isOver) this.#reply?.away(retry);
  }

  input(round: Round): void {
    if (this.#isOver) return round.abandon('the call is over');
    const stream = this.#reply?.stream() ?? this.#owner.standalone;
    this.#asked.push({ round, takeBack: this.#host.ask(this.#owner, round, this, stream) });
  }

  done(outcome: Outcome): void {
    if (this.ended) return;
    const reply = this.#finish();
    if (this.#drain) this.#drain.cut();
    else reply?.respond(answerOf(this, outcome));
  }

  outlet(size: number): Outlet | undefined {
    const lost = (): Buffer => composeError(this.id, new Fault('answerLost', { method: this.method }));
    const open = this.#isOver ? undefined : this.#reply?.outlet?.(size, (gone) => this.#passed(gone), lost);
    if (!open) return undefined;
    return {
      id: this.id,
      open: () => {
        this.#drain = open();
        return this.#drain;
      },
    };
  }

  /** Whether its answer has at least begun. */
  get #isOver(): boolean {
    return this.ended || this.#drain !== undefined;
  }

  /** @param gone whether the client has hung up in the middle of the answer, so that nobody can get the rest */
  #passed(gone: boolean): void {
    if (this.ended) return;
    this.#finish();
    if (!gone) return;
    const withdraw = this.oncancel;
    this.oncancel = undefined;
    withdraw?.('the client closed the connection');
  }

  /** @returns the reply, which may be answered yet */
  #finish(): Reply | undefined {
    this.#leave('the call is over', (round) => round.abandon('the call is over'));
    return this.#release();
  }

  /** A call that began while the client was slow learns of it by its first message. */
  #press(): void {
    if (this.#reply?.pressure.full) this.#onpressure?.(true);
  }

  #release(): Reply | undefined {
    const reply = this.#reply;
    this.#reply = undefined;
    return reply;
  }

  /** What was asked ends with the call, unless it may belong to another one on the same stream. */
  #leave(reason: string, end: (round: Round) => void): void {
    this.ended = true;
    this.onpressure = undefined;
    this.#owner.inFlight.delete(this.#key, this);
    for (const { round, takeBack } of this.#asked) {
      if (!round.certain) continue;
      takeBack(reason);
      end(round);
    }
    this.#asked = [];
  }
}

/** Lets a request of a session begin: bounded in number, its id unique among those in progress. */
export function enter(
  gateway: Gateway,
  session: LegacySession,
  principal: Principal,
  message: Message,
  reply: Reply,
): void {
  const call = new LegacyCall(session, principal, message, reply, gateway.host);
  const limit = gateway.maxInFlight;
  if (session.inFlight.size >= limit) return call.done(failed(new Fault('tooManyInFlight', { limit })));
  if (!call.enter()) return call.done(failed(new Fault('duplicateId', { id: call.id })));
  dispatch(gateway.context, call);
}

const failed = (error: Fault): Outcome => ({ kind: 'error', error });
