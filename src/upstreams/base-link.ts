/** What links of both eras have in common: correlation, deadlines, and what becomes of calls when the transport fails. */
import { Fault } from '../errors.ts';
import type { Call, Outcome } from '../protocol/call.ts';
import { malformed } from '../protocol/classify.ts';
import { type Encoded, refusedAnswer, type ServerFacts } from '../protocol/codec.ts';
import { JsonSyntaxError } from '../protocol/json/scan.ts';
import { compose, type Message, numberAt, rawId, readMessages } from '../protocol/message.ts';
import type { Logger } from '../telemetry/log.ts';
import { idOfBroken } from './dropped-answer.ts';
import type { Link } from './link.ts';
import type { LinkOptions } from './link-options.ts';
import { openWithin } from './open-within.ts';
import { lost, malformedAnswer, timedOut, unavailable } from './outcomes.ts';
import { Passer } from './passer.ts';
import { type Pending, PendingTable } from './pending.ts';
import { progressFor } from './progress.ts';
import { isSilence, orMalformed, type Wire, WireFault } from './wire.ts';

/** What a message is longer than the result in it, bytes. */
const AROUND = 1_024;

export abstract class BaseLink implements Link {
  readonly upstream: string;
  protected readonly options: LinkOptions;
  protected readonly wire: Wire;
  protected readonly log: Logger;
  protected readonly pending = new PendingTable((pending) => this.#expire(pending));
  readonly #passer: Passer;
  #server: ServerFacts | undefined;
  readonly headers: boolean = false;
  closed = false;
  /** Nothing is in flight any more, and nothing will be. */
  #over = false;
  suspect = false;
  /** How many messages have come. */
  #heard = 0;

  constructor(options: LinkOptions) {
    this.upstream = options.upstream;
    this.options = options;
    this.wire = options.wire;
    this.log = options.log;
    this.#passer = new Passer({
      ...{ wire: this.wire, pending: this.pending, log: this.log },
      began: () => this.#alive(),
      answered: () => options.listener.answered(),
      over: () => this.#finish(),
    });
  }

  /** What the upstream says of itself when it is first spoken to. @throws WireFault */
  protected abstract greet(): Promise<ServerFacts>;
  /** The spelling of a call. */
  protected abstract encode(call: Call, id: number): Encoded;
  /** Tells the upstream that an answer is not wanted any more. */
  protected abstract withdraw(pending: Pending, reason: string | undefined): void;
  /** A request of the upstream. @param of the request whose stream carried it */
  protected abstract asked(message: Message, of: number | undefined): void;
  /** A notification that is not about progress. */
  protected abstract notified(message: Message, of: number | undefined): void;
  abstract confuses(session: string | undefined): boolean;

  /**
   * Starts the transport and shakes hands.
   * @throws WireFault when the upstream cannot be reached or is no MCP server this side can talk to
   */
  async open(): Promise<this> {
    const { openTimeout, control } = this.options;
    try {
      await openWithin(this.#start(), openTimeout, control?.signal);
      return this;
    } catch (error) {
      // who waits for the link wants to know at once what went wrong
      const closing = this.close();
      control?.leaving?.(closing);
      throw error;
    }
  }

  get server(): ServerFacts {
    return this.#server!;
  }

  get declared(): Readonly<Record<string, unknown>> {
    return this.options.client.capabilities;
  }

  get soleSession(): string | undefined {
    const sessions = this.pending.sessions();
    return sessions.size === 1 ? [...sessions][0] : undefined;
  }

  get inFlight(): number {
    return this.pending.size;
  }

  async #start(): Promise<void> {
    await this.wire.start({
      message: (bytes, of) => this.#receive(bytes, of),
      begun: (chunks, of, size) => this.#passer.begin(chunks, of, size),
      failed: (of, fault) => this.failed(of, fault),
      away: (of, retry) => this.pending.get(of)?.call.sink.away(retry),
      missed: () => this.options.listener.missed(),
      gone: (fault) => this.retire(fault),
      closed: (fault) => this.ended(fault),
    });
    this.#server = await this.greet();
  }

  request(call: Call): void {
    if (this.closed) {
      this.answer(call, unavailable(this.upstream, 'its link is closed'));
      return;
    }
    const deadline = call.deadline ?? this.options.deadline(call);
    const { id } = this.pending.open(call, deadline, this.#heard);
    const { body, headers } = this.encode(call, id);
    call.oncancel = (reason) => this.cancel(call, reason);
    call.onpressure = (full) => this.wire.hold(id, full);
    const { resultLimit } = call;
    this.wire.send(body, id, headers, resultLimit && { ...resultLimit, bytes: resultLimit.bytes + AROUND });
  }

  cancel(call: Call, reason?: string): void {
    const pending = this.pending.of(call);
    if (!pending) return;
    this.pending.settle(pending.id);
    if (pending.passing) {
      pending.passing.stop();
      this.wire.abort(pending.id);
    } else this.withdraw(pending, reason);
    this.#finish();
  }

  notify(method: string, params?: unknown): void {
    if (!this.closed) this.wire.send(compose(method, params));
  }

  async attached(): Promise<void> {
    // what shares the stream of answers is heard from the beginning
  }

  async followTask(id: string): Promise<() => void> {
    throw new Fault('notSubscribed', { uri: id, detail: 'the upstream has no tasks of this kind' });
  }

  async close(): Promise<void> {
    await this.wire.close();
    this.ended(undefined);
  }

  #alive(): void {
    this.#heard++;
    this.suspect = false;
  }

  #receive(bytes: Buffer, of: number | undefined): void {
    this.#alive();
    let parsed: ReturnType<typeof readMessages>;
    try {
      parsed = readMessages(bytes);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      return this.#garbled(error.message, idOfBroken(bytes, error.at), of);
    }
    if (Array.isArray(parsed)) {
      for (const message of parsed) this.#take(message, of);
    } else this.#take(parsed, of);
  }

  #take(message: Message | undefined, of: number | undefined): void {
    const fault = message ? malformed(message) : 'expected an object';
    if (!message || fault) {
      const id = message?.id && message.method === undefined ? numberAt(message.bytes, message.id) : undefined;
      return this.#garbled(fault ?? '', id, of);
    }
    try {
      if (message.method === undefined) this.responded(message);
      else if (message.id) this.asked(message, of);
      else if (message.method === 'notifications/progress') this.#progress(message);
      else this.notified(message, of);
    } catch (error) {
      this.log.error({ err: error, method: message.method }, 'a message could not be relayed');
    }
  }

  /** A response came. */
  protected responded(message: Message): void {
    const id = numberAt(message.bytes, message.id!);
    const pending = this.pending.settle(id);
    if (!pending) return this.log.debug({ id: rawId(message) }, 'ignored an answer that nobody waits for');
    if (pending.passing) return this.#passer.breakOff(pending, 'another answer came meanwhile');
    this.options.listener.answered();
    const refused = refusedAnswer(message);
    this.answer(
      pending.call,
      refused ? malformedAnswer(this.upstream, pending.call.method, refused) : { kind: 'complete', message },
    );
    this.wire.forget(id);
  }

  #progress(message: Message): void {
    const found = progressFor(message, this.pending);
    if (!found) return this.log.debug('ignored progress that nobody asked for');
    this.pending.touch(found.pending);
    if (found.notification) found.pending.call.sink.progress(found.notification);
  }

  /** The call whose own stream carried a message; where calls share one, the one that `guess` gives. */
  protected owner(of: number | undefined, guess: () => Pending | undefined): Pending | undefined {
    if (of !== undefined) return this.pending.get(of);
    return this.wire.separate ? undefined : guess();
  }

  /**
   * Noise between messages harms nobody. What tells by its id which request it was meant to answer is that answer; and
   * what came in the place of an answer, with none behind it, is not silence.
   */
  #garbled(detail: string, id: number | undefined, of: number | undefined): void {
    this.log.warn({ detail }, 'ignored a malformed message');
    const pending = id === undefined ? undefined : this.pending.settle(id);
    if (!pending) {
      const own = of === undefined ? undefined : this.pending.get(of);
      if (own) own.garbled = detail;
      return;
    }
    if (pending.passing) return this.#passer.breakOff(pending, detail);
    this.answer(pending.call, malformedAnswer(this.upstream, pending.call.method, detail));
    this.wire.forget(pending.id);
  }

  #expire(pending: Pending): void {
    const { method } = pending.call;
    const { total } = pending;
    if (pending.waiting > 0 && !total) return this.pending.touch(pending);
    const ms = total ? pending.deadline.total : pending.deadline.idle;
    const knob = total ? 'timeouts.callMax' : pending.deadline.knob;
    if (pending.passing) return this.#passer.breakOff(pending, `it did not end within ${ms} ms (${knob})`);
    this.pending.settle(pending.id);
    this.withdraw(pending, 'timed out');
    // one that takes its time with this request while it serves others is alive
    if (this.#heard === pending.heard && !pending.call.deadline)
      this.#doubt(`it did not answer ${method} within ${ms} ms`);
    this.answer(pending.call, timedOut(this.upstream, method, ms, knob));
  }

  /** A request will get no answer. */
  protected failed(of: number, reason: WireFault): void {
    const pending = this.pending.settle(of);
    const fault = pending?.garbled === undefined ? reason : orMalformed(reason, pending.garbled);
    if (isSilence(fault)) this.#doubt(fault.message);
    if (pending?.passing) this.#passer.breakOff(pending, fault.message);
    else if (pending) this.answer(pending.call, lost(this.upstream, pending.call.method, fault));
  }

  #doubt(reason: string): void {
    this.suspect = true;
    this.options.listener.silent(reason);
  }

  /** Nothing more is sent over it, since the session is over; what is in flight may still be answered. */
  protected retire(fault: WireFault | undefined): void {
    if (this.closed) return;
    this.closed = true;
    // one that never opened is told by the error of open() alone
    if (this.#server) this.options.listener.closed(fault);
    this.#finish();
  }

  /** The transport is over. */
  protected ended(fault: WireFault | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const cause = fault ?? new WireFault('its link was closed');
    const drained = this.pending.drain();
    // the link goes first, so that a request that is sent again finds a new one
    this.retire(fault);
    for (const pending of drained) {
      if (pending.passing) this.#passer.breakOff(pending, cause.message);
      else this.answer(pending.call, lost(this.upstream, pending.call.method, cause));
    }
  }

  /** What was in flight when the session ended has ended as well. */
  #finish(): void {
    if (this.closed && !this.#over && this.pending.size === 0) void this.close();
  }

  protected answer(call: Call, outcome: Outcome): void {
    call.oncancel = undefined;
    call.onpressure = undefined;
    try {
      call.sink.done(outcome);
    } catch (error) {
      this.log.error({ err: error, method: call.method }, 'an answer could not be relayed');
      call.sink.done({ kind: 'error', error: new Fault('internal') });
    }
    this.#finish();
  }
}
