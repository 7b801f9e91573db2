/** A link to a legacy upstream over any transport: handshake, correlation, routing of what comes back. */
import { Fault } from '../errors.ts';
import type { Call, Outcome } from '../protocol/call.ts';
import { malformed } from '../protocol/classify.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import { JsonSyntaxError } from '../protocol/json/scan.ts';
import { legacyCodec } from '../protocol/legacy/codec.ts';
import {
  compose,
  composeError,
  composeResult,
  type Message,
  numberAt,
  paramIdKey,
  paramsOf,
  rawId,
  readMessages,
} from '../protocol/message.ts';
import type { Logger } from '../telemetry/log.ts';
import { handshake } from './handshake.ts';
import { CAN_ASK, LIST_CHANGED } from './inbound.ts';
import type { Link } from './link.ts';
import type { LegacyLinkOptions } from './link-options.ts';
import { openWithin } from './open-within.ts';
import { lost, malformedAnswer, timedOut, unavailable } from './outcomes.ts';
import { type Pending, PendingTable } from './pending.ts';
import { progressFor } from './progress.ts';
import { refusalOf, ServerRequests } from './server-requests.ts';
import { isSilence, type Wire, WireFault } from './wire.ts';

export class LegacyLink implements Link {
  readonly upstream: string;
  readonly #options: LegacyLinkOptions;
  readonly #wire: Wire;
  readonly #log: Logger;
  readonly #pending = new PendingTable();
  readonly #expired = (pending: Pending): void => this.#expire(pending);
  readonly #requests: ServerRequests;
  #server: ServerFacts | undefined;
  closed = false;
  suspect = false;
  /** How many messages have come. */
  #heard = 0;

  private constructor(options: LegacyLinkOptions) {
    this.upstream = options.upstream;
    this.#options = options;
    this.#wire = options.wire;
    this.#log = options.log;
    this.#requests = new ServerRequests(options.upstream, (message) => this.#wire.send(message));
  }

  /**
   * Starts the transport and shakes hands.
   * @throws WireFault when the upstream cannot be reached or is no MCP server this side can talk to
   */
  static async open(options: LegacyLinkOptions): Promise<LegacyLink> {
    const link = new LegacyLink(options);
    try {
      await openWithin(link.#start(), options.openTimeout, options.control?.signal);
      return link;
    } catch (error) {
      // who waits for the link wants to know at once what went wrong
      const closing = link.close();
      options.control?.leaving?.(closing);
      throw error;
    }
  }

  get server(): ServerFacts {
    return this.#server!;
  }

  get declared(): Readonly<Record<string, unknown>> {
    return this.#options.client.capabilities;
  }

  confuses(session: string | undefined): boolean {
    const speaks = Object.keys(this.declared).length > 0 || Object.hasOwn(this.server.capabilities, 'logging');
    if (this.#wire.separate || !speaks) return false;
    return this.#pending.some((call) => CAN_ASK.has(call.method) && call.session !== session);
  }

  get soleSession(): string | undefined {
    const sessions = this.#pending.sessions();
    return sessions.size === 1 ? [...sessions][0] : undefined;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  async #start(): Promise<void> {
    await this.#wire.start({
      message: (bytes, of) => this.#receive(bytes, of),
      failed: (of, fault) => this.#failed(of, fault),
      away: (of, retry) => this.#pending.get(of)?.call.sink.away(retry),
      missed: () => this.#options.listener.missed(),
      closed: (fault) => this.#ended(fault),
    });
    this.#server = await handshake(this, this.#options.client, this.#options.openTimeout);
    this.#wire.ready(this.#server.version);
    this.notify('notifications/initialized');
  }

  request(call: Call): void {
    if (this.closed) {
      this.#answer(call, unavailable(this.upstream, 'its link is closed'));
      return;
    }
    const deadline = call.deadline ?? this.#options.deadline(call);
    const pending = this.#pending.open(call, deadline, this.#heard, this.#expired);
    const { body, headers } = legacyCodec.request(call, pending.id);
    call.oncancel = (reason) => this.cancel(call, reason);
    call.onpressure = (full) => this.#wire.hold(pending.id, full);
    this.#wire.send(body, pending.id, headers);
  }

  cancel(call: Call, reason?: string): void {
    const pending = this.#pending.of(call);
    if (pending) this.#withdraw(pending, reason);
  }

  notify(method: string, params?: unknown): void {
    if (!this.closed) this.#wire.send(compose(method, params));
  }

  async close(): Promise<void> {
    await this.#wire.close();
    this.#ended(undefined);
  }

  #withdraw(pending: Pending, reason: string | undefined): void {
    this.#pending.settle(pending.id);
    // a client must not cancel its own initialize (2025-11-25, cancellation)
    if (pending.call.method !== 'initialize') this.#wire.send(legacyCodec.cancelled(pending.id, reason)!);
    this.#wire.forget(pending.id);
  }

  #receive(bytes: Buffer, of: number | undefined): void {
    this.#heard++;
    this.suspect = false;
    let parsed: ReturnType<typeof readMessages>;
    try {
      parsed = readMessages(bytes);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      return this.#garbled(error.message);
    }
    if (Array.isArray(parsed)) {
      for (const message of parsed) this.#take(message, of);
    } else this.#take(parsed, of);
  }

  #take(message: Message | undefined, of: number | undefined): void {
    const fault = message ? malformed(message) : 'expected an object';
    if (!message || fault) return this.#garbled(fault ?? '', message);
    try {
      if (message.method === undefined) this.#response(message);
      else if (message.id) this.#request(message, of);
      else this.#notification(message, of);
    } catch (error) {
      this.#log.error({ err: error, method: message.method }, 'a message could not be relayed');
    }
  }

  #response(message: Message): void {
    const id = numberAt(message.bytes, message.id!);
    const pending = this.#pending.settle(id);
    if (!pending) return this.#log.debug({ id: rawId(message) }, 'ignored an answer that nobody waits for');
    this.#options.listener.answered();
    const refused = legacyCodec.refuse(pending.call.method, message);
    this.#answer(
      pending.call,
      refused ? malformedAnswer(this.upstream, pending.call.method, refused) : { kind: 'complete', message },
    );
    this.#wire.forget(id);
  }

  #notification(message: Message, of: number | undefined): void {
    if (message.method === 'notifications/progress') return this.#progress(message);
    const kind = LIST_CHANGED.get(message.method ?? '');
    if (kind) return this.#options.listener.listChanged(kind);
    switch (message.method) {
      case 'notifications/message': {
        const owner = this.#owner(of, () => this.#pending.sole());
        if (owner) return owner.call.sink.log(message);
        if (this.#wire.separate || this.#pending.sessions().size < 2) return this.#options.listener.log(message);
        return this.#log.debug('dropped a log message that may belong to any of several clients');
      }
      case 'notifications/resources/updated':
        return this.#options.listener.updated(message);
      case 'notifications/elicitation/complete':
        return this.#options.listener.elicited(message);
      case 'notifications/cancelled':
        return this.#requests.withdrawn(paramIdKey(message, 'requestId'), paramsOf(message).reason);
      default:
        this.#log.debug({ method: message.method }, 'ignored a notification of an unknown kind');
    }
  }

  #progress(message: Message): void {
    const found = progressFor(message, this.#pending);
    if (!found) return this.#log.debug('ignored progress that nobody asked for');
    this.#pending.touch(found.pending, this.#expired);
    if (found.notification) found.pending.call.sink.progress(found.notification);
  }

  /** The call whose own stream carried a message; where calls share one, the one that `guess` gives. */
  #owner(of: number | undefined, guess: () => Pending | undefined): Pending | undefined {
    if (of !== undefined) return this.#pending.get(of);
    return this.#wire.separate ? undefined : guess();
  }

  /**
   * A request of the upstream belongs to the call whose stream carried it; where all share one stream, to the call that
   * has waited longest, since a link that was told of capabilities serves one principal.
   */
  #request(message: Message, of: number | undefined): void {
    const id = rawId(message)!;
    if (message.method === 'ping') return this.#wire.send(composeResult(id, '{}'));
    const refusal = refusalOf(message, this.declared);
    if (refusal) {
      this.#log.warn({ method: message.method, reason: refusal.message }, 'refused a request of the upstream');
      return this.#wire.send(composeError(id, refusal));
    }
    const owner = this.#owner(of, () => this.#pending.oldest(CAN_ASK));
    if (owner) owner.waiting++;
    const round = this.#requests.open(message, {
      settled: () => {
        if (!owner) return;
        owner.waiting--;
        this.#pending.touch(owner, this.#expired);
      },
      certain: () => of !== undefined || !this.#pending.some((c) => c !== owner?.call && CAN_ASK.has(c.method)),
    });
    if (owner) owner.call.sink.input(round);
    else this.#options.listener.input(round);
  }

  /** Noise between messages harms nobody. What tells by its id which request it was meant to answer is that answer. */
  #garbled(detail: string, message?: Message): void {
    this.#log.warn({ detail }, 'ignored a malformed message');
    if (!message?.id || message.method !== undefined) return;
    const pending = this.#pending.settle(numberAt(message.bytes, message.id));
    if (!pending) return;
    this.#answer(pending.call, malformedAnswer(this.upstream, pending.call.method, detail));
    this.#wire.forget(pending.id);
  }

  #expire(pending: Pending): void {
    const { method } = pending.call;
    const { total } = pending;
    if (pending.waiting > 0 && !total) return this.#pending.touch(pending, this.#expired);
    const ms = total ? pending.deadline.total : pending.deadline.idle;
    this.#withdraw(pending, 'timed out');
    const knob = total ? 'callMax' : pending.deadline.knob;
    // one that takes its time with this request while it serves others is alive
    if (this.#heard === pending.heard && !pending.call.deadline)
      this.#doubt(`it did not answer ${method} within ${ms} ms`);
    this.#answer(pending.call, timedOut(this.upstream, method, ms, knob));
  }

  #failed(of: number, fault: WireFault): void {
    const pending = this.#pending.settle(of);
    if (isSilence(fault)) this.#doubt(fault.message);
    // the link goes first, so that a request that is sent again finds a new one; what else is in flight may have been done
    if (fault.gone) this.#ended(new WireFault(fault.message, { gone: true }));
    if (pending) this.#answer(pending.call, lost(this.upstream, pending.call.method, fault));
  }

  #doubt(reason: string): void {
    this.suspect = true;
    this.#options.listener.silent(reason);
  }

  #ended(fault: WireFault | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.#requests.close();
    const cause = fault ?? new WireFault('its link was closed');
    for (const { call } of this.#pending.drain()) this.#answer(call, lost(this.upstream, call.method, cause));
    // a link that never opened is told by the error of open() alone
    if (this.#server) this.#options.listener.closed(fault);
  }

  #answer(call: Call, outcome: Outcome): void {
    call.oncancel = undefined;
    call.onpressure = undefined;
    try {
      call.sink.done(outcome);
    } catch (error) {
      this.#log.error({ err: error, method: call.method }, 'an answer could not be relayed');
      call.sink.done({ kind: 'error', error: new Fault('internal') });
    }
  }
}
