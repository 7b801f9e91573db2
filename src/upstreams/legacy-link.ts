/** A link to a legacy upstream over any transport: handshake, and routing of what comes back. */
import type { Call } from '../protocol/call.ts';
import type { Encoded, ServerFacts } from '../protocol/codec.ts';
import { legacyRequest } from '../protocol/legacy/codec.ts';
import {
  compose,
  composeError,
  composeResult,
  type Message,
  numberAt,
  paramIdKey,
  paramsOf,
  rawId,
} from '../protocol/message.ts';
import { CAN_ASK } from '../protocol/methods.ts';
import { BaseLink } from './base-link.ts';
import { isDiscovery } from './discover.ts';
import { PROBE_ID } from './era-probe.ts';
import { handshake } from './handshake.ts';
import { INPUT_METHODS, LIST_CHANGED } from './inbound.ts';
import type { LinkOptions } from './link-options.ts';
import type { Pending } from './pending.ts';
import { refusalOf, ServerRequests } from './server-requests.ts';
import { WireFault } from './wire.ts';

export class LegacyLink extends BaseLink {
  readonly #requests: ServerRequests;
  readonly #late: (() => void) | undefined;

  /** @param options `late` is called when the link gives up, since the server says during the handshake that it is modern */
  constructor(options: LinkOptions & { readonly late?: (() => void) | undefined }) {
    super(options);
    this.#late = options.late;
    this.#requests = new ServerRequests(options.upstream, (message) => this.wire.send(message));
  }

  confuses(session: string | undefined): boolean {
    const speaks = Object.keys(this.declared).length > 0 || Object.hasOwn(this.server.capabilities, 'logging');
    if (this.wire.separate || !speaks) return false;
    return this.pending.some((call) => CAN_ASK.has(call.method) && call.session !== session);
  }

  protected async greet(): Promise<ServerFacts> {
    const server = await handshake(this, this.options.client, this.options.openTimeout);
    this.wire.ready(server.version);
    this.notify('notifications/initialized');
    return server;
  }

  /** A server that was too slow to say of which era it is before the handshake may go by the question, which it read first. */
  protected override responded(message: Message): void {
    if (!this.#late || numberAt(message.bytes, message.id!) !== PROBE_ID || !isDiscovery(message))
      return super.responded(message);
    this.#late();
    this.ended(new WireFault('it turned out to be of the modern era', { unsent: true }));
  }

  protected encode(call: Call, id: number): Encoded {
    return legacyRequest(call, id);
  }

  protected withdraw(pending: Pending, reason: string | undefined): void {
    const params = { requestId: pending.id, ...(reason === undefined ? {} : { reason }) };
    // a client must not cancel its own initialize (2025-11-25, cancellation)
    if (pending.call.method !== 'initialize') this.wire.send(compose('notifications/cancelled', params));
    this.wire.forget(pending.id);
  }

  protected notified(message: Message, of: number | undefined): void {
    const { listener } = this.options;
    const kind = LIST_CHANGED.get(message.method ?? '');
    if (kind) return listener.listChanged(kind);
    switch (message.method) {
      case 'notifications/message': {
        const owner = this.owner(of, () => this.pending.sole());
        if (owner) return owner.call.sink.log(message);
        if (this.wire.separate || this.pending.sessions().size < 2) return listener.log(message);
        return this.log.debug('dropped a log message that may belong to any of several clients');
      }
      case 'notifications/resources/updated':
        return listener.updated(message);
      case 'notifications/elicitation/complete':
        return listener.elicited(message);
      case 'notifications/cancelled':
        return this.#requests.withdrawn(paramIdKey(message, 'requestId'), paramsOf(message).reason);
      default:
        this.log.debug({ method: message.method }, 'ignored a notification of an unknown kind');
    }
  }

  /**
   * A request of the upstream belongs to the call whose stream carried it; where all share one stream, or it came on one
   * of its own, to the call that has waited longest, since a link that was told of capabilities serves one principal.
   */
  protected asked(message: Message, of: number | undefined): void {
    const id = rawId(message)!;
    if (this.closed) return this.log.debug({ method: message.method }, 'ignored a request of a session that is over');
    if (message.method === 'ping') return this.wire.send(composeResult(id, '{}'));
    const refusal = refusalOf(message, this.declared);
    if (refusal) {
      const asking = this.owner(of, () => this.pending.sole());
      if (asking) asking.call.lacking = INPUT_METHODS.get(message.method ?? '');
      this.log.warn({ method: message.method, reason: refusal.message }, 'refused a request of the upstream');
      return this.wire.send(composeError(id, refusal));
    }
    const oldest = this.pending.oldest(CAN_ASK);
    // a client that has no session has no other stream to be asked on than those of its calls
    const sessionless = of === undefined && oldest?.call.session === undefined ? oldest : undefined;
    let owner = this.owner(of, () => oldest) ?? sessionless;
    if (owner) owner.waiting++;
    const settled = (): void => {
      if (!owner) return;
      owner.waiting--;
      this.pending.touch(owner);
    };
    const round = this.#requests.open(message, {
      settled,
      certain: () => of !== undefined || !this.pending.some((c) => c !== owner?.call && CAN_ASK.has(c.method)),
      elsewhere: (round) => {
        const next = this.pending.oldest(CAN_ASK);
        if (of !== undefined || !next || next === owner) return false;
        settled();
        owner = next;
        owner.waiting++;
        owner.call.sink.input(round);
        return true;
      },
    });
    if (owner) owner.call.sink.input(round);
    else this.options.listener.input(round);
  }

  protected override retire(fault: WireFault | undefined): void {
    // in a session that is over nobody can be answered
    if (!this.closed) this.#requests.close();
    super.retire(fault);
  }
}
