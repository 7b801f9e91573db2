/** A call that came from a legacy client, and the sink that leads back to its POST. */
import type { Call, ClientFacts, Deadline, Outcome, Principal, Round, Sink, Target } from '../protocol/call.ts';
import type { Edit } from '../protocol/json/edit.ts';
import type { Span } from '../protocol/json/scan.ts';
import { answerOf } from '../protocol/legacy/answer.ts';
import { idKey, type Message, rawId } from '../protocol/message.ts';
import type { LegacySession } from '../sessions/legacy-session.ts';
import type { PostReply } from './post-reply.ts';

export class LegacyCall implements Call, Sink {
  readonly principal: Principal;
  readonly client: ClientFacts;
  readonly session: string;
  readonly method: string;
  readonly id: string;
  readonly message: Message;
  readonly edits: Edit[] = [];
  progressToken: Span | undefined;
  target: Target | undefined;
  deadline: Deadline | undefined;
  sink: Sink = this;
  ended = false;
  oncancel: ((reason: string | undefined) => void) | undefined;
  readonly #owner: LegacySession;
  readonly #reply: PostReply;
  readonly #key: string;

  /** @param message a request with a valid id */
  constructor(session: LegacySession, message: Message, reply: PostReply) {
    this.#owner = session;
    this.#reply = reply;
    this.principal = session.principal;
    this.client = session.client;
    this.session = session.id;
    this.method = message.method!;
    this.message = message;
    this.id = rawId(message)!;
    this.#key = idKey(this.id);
  }

  /** Enters the call in its session. @returns false when its id is already in use there */
  enter(): boolean {
    if (this.#owner.inFlight.has(this.#key)) return false;
    this.#owner.inFlight.set(this.#key, this);
    return true;
  }

  /** The client wants no answer any more. */
  cancel(reason: string | undefined): void {
    if (this.ended) return;
    this.#leave();
    const withdraw = this.oncancel;
    this.oncancel = undefined;
    withdraw?.(reason);
    this.#reply.drop();
  }

  progress(notification: Buffer): void {
    if (!this.ended) this.#reply.notify(notification);
  }

  log(_notification: Buffer): void {
    // the gateway declares no logging, so that legacy clients expect none
  }

  input(round: Round): void {
    round.abandon('the client was not asked');
  }

  done(outcome: Outcome): void {
    if (this.ended || outcome.kind === 'input-required') return;
    this.#leave();
    this.#reply.respond(answerOf(this, outcome));
  }

  #leave(): void {
    this.ended = true;
    if (this.#owner.inFlight.get(this.#key) === this) this.#owner.inFlight.delete(this.#key);
  }
}
