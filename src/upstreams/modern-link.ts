/** A link to a modern upstream over any transport: requests that describe themselves, and listens for what changes. */
import type { Call } from '../protocol/call.ts';
import type { Encoded, ServerFacts } from '../protocol/codec.ts';
import { compose, type Message, numberAt, paramsOf, rawId, readMessage } from '../protocol/message.ts';
import { SUBSCRIPTION_KEY, TASKS_EXTENSION } from '../protocol/meta.ts';
import { modernRequest } from '../protocol/modern/codec.ts';
import { LATEST_MODERN } from '../protocol/versions.ts';
import { ask, gatewayCall, toFault } from './ask.ts';
import { BaseLink } from './base-link.ts';
import { isLegacyRefusal, readDiscovery, versionAfter } from './discover.ts';
import { LIST_CHANGED } from './inbound.ts';
import type { LinkOptions } from './link-options.ts';
import { Listens } from './listens.ts';
import { unavailable } from './outcomes.ts';
import type { Pending } from './pending.ts';
import { isRefusal } from './refusal.ts';
import { WireFault } from './wire.ts';

const REPLACED = 'a server of the legacy era is there now';

export interface ModernLinkOptions extends LinkOptions {
  /** What it said of itself just before; it is asked when the link opens where that is not known. */
  readonly server?: ServerFacts | undefined;
}

export class ModernLink extends BaseLink {
  override readonly headers = this.wire.separate;
  readonly #known: ServerFacts | undefined;
  readonly #listens: Listens;
  /** Calls that were sent again in another version. */
  readonly #renegotiated = new WeakSet<Call>();
  #version = LATEST_MODERN;
  /** Requests that were refused as no modern server does it, and what to do if it turns out to be one nevertheless. */
  readonly #refused = new Map<number, () => void>();

  constructor(options: ModernLinkOptions) {
    super(options);
    this.#known = options.server;
    this.#listens = new Listens({
      log: this.log,
      nextId: () => this.pending.nextId(),
      send: (id, filter) => this.#sendListen(id, filter),
      end: (id) => this.#endRequest(id, undefined),
      missed: () => options.listener.missed(),
    });
  }

  confuses(): boolean {
    // it cannot ask of its own accord; what it asks for in a round belongs to the request that it answers by that
    return false;
  }

  protected async greet(): Promise<ServerFacts> {
    const server = this.#known ?? (await this.#discover());
    this.#version = server.version;
    if (this.options.client.lists === true) this.#listens.follow(server.capabilities);
    return server;
  }

  async #discover(): Promise<ServerFacts> {
    const timeout = this.options.openTimeout;
    try {
      return readDiscovery(
        await ask(this, 'server/discover', {}, { idle: timeout, total: timeout, knob: 'timeouts.open' }),
      );
    } catch (error) {
      throw error instanceof WireFault
        ? error
        : new WireFault((error as Error).message, { unsent: true, cause: error });
    }
  }

  override request(call: Call): void {
    if (this.closed) return super.request(call);
    // what this era has no request for
    switch (call.method) {
      case 'logging/setLevel':
        return call.sink.done({ kind: 'local', result: '{}' });
      case 'ping':
        return void this.#discover().then(
          () => call.sink.done({ kind: 'local', result: '{}' }),
          (error: Error) => call.sink.done({ kind: 'error', error: toFault(error, this.upstream) }),
        );
      case 'resources/subscribe':
        return this.#subscribe(call);
      case 'resources/unsubscribe':
        this.#listens.unsubscribe(uriOf(call));
        return call.sink.done({ kind: 'local', result: '{}' });
      default:
        return super.request(call);
    }
  }

  override attached(): Promise<void> {
    return this.#listens.settled();
  }

  override async followTask(id: string): Promise<() => void> {
    await this.#listens.subscribe(id, this.options.openTimeout, 'taskIds');
    return () => this.#listens.unsubscribe(id, 'taskIds');
  }

  protected encode(call: Call, id: number): Encoded {
    const { info } = this.options.client;
    // legacy clients know nothing of these tasks, which are followed for them
    const capabilities = call.client.era === 'legacy' ? withTasks(this.declared) : this.declared;
    return modernRequest(call, id, { version: this.#version, capabilities, info });
  }

  protected withdraw({ id }: Pending, reason: string | undefined): void {
    this.#endRequest(id, reason);
  }

  /** By closing its stream, where it has one of its own (2026-07-28, cancellation). */
  #endRequest(id: number, reason: string | undefined): void {
    const params = { requestId: id, ...(reason === undefined ? {} : { reason }) };
    if (this.wire.separate) this.wire.abort(id);
    else if (!this.closed) this.wire.send(compose('notifications/cancelled', params));
  }

  #sendListen(id: number, filter: object): void {
    const message = readMessage(compose('subscriptions/listen', { notifications: filter }, id));
    const { body, headers } = this.encode(gatewayCall(message), id);
    this.wire.send(body, id, headers);
  }

  #subscribe(call: Call): void {
    const { idle } = call.deadline ?? this.options.deadline(call);
    this.#listens.subscribe(uriOf(call), idle).then(
      () => call.sink.done({ kind: 'local', result: '{}' }),
      (error: Error) => call.sink.done({ kind: 'error', error: toFault(error, this.upstream) }),
    );
  }

  protected override responded(message: Message): void {
    const id = numberAt(message.bytes, message.id!);
    if (this.#listens.ended(id)) return;
    const version = message.error && versionAfter(message);
    const pending = version === undefined ? undefined : this.pending.get(id);
    if (pending && version !== undefined && !this.#renegotiated.has(pending.call)) {
      this.#renegotiated.add(pending.call);
      this.#version = version;
      this.pending.settle(id);
      this.wire.forget(id);
      return this.request(pending.call);
    }
    if (isLegacyRefusal(message) && this.#mayDoubt(id)) this.#ifStillModern(id, () => super.responded(message));
    else super.responded(message);
  }

  protected override failed(of: number, fault: WireFault): void {
    if (this.#listens.broke(of, fault)) return;
    const status = fault.fault?.fault === 'upstreamStatus' ? Number(fault.fault.details.status) : undefined;
    if (status === 400 && this.#mayDoubt(of)) this.#ifStillModern(of, () => super.failed(of, fault));
    else super.failed(of, fault);
  }

  /** A process stays what it is; of what is behind a URL one cannot be sure. */
  #mayDoubt(id: number): boolean {
    const method = this.pending.get(id)?.call.method;
    return this.wire.separate && method !== undefined && method !== 'server/discover';
  }

  /** Goes on if the server is still what it was; where it is not, the link is over, and a new one is asked instead. */
  #ifStillModern(id: number, goOn: () => void): void {
    this.#refused.set(id, goOn);
    if (this.closed) return this.#replaced();
    if (this.#refused.size > 1) return;
    this.#discover().then(
      () => this.#believe(),
      (error: unknown) => (isRefusal(error) ? this.#replaced() : this.#believe()),
    );
  }

  #believe(): void {
    const refused = [...this.#refused.values()];
    this.#refused.clear();
    for (const goOn of refused) goOn();
  }

  #replaced(): void {
    const calls = [...this.#refused.keys()].flatMap((id) => this.pending.settle(id)?.call ?? []);
    this.#refused.clear();
    this.retire(new WireFault(REPLACED, { gone: true }));
    // they were refused before they were looked at, so that they can be sent again
    for (const call of calls) this.answer(call, unavailable(this.upstream, REPLACED));
  }

  protected override retire(fault: WireFault | undefined): void {
    this.#listens.close();
    super.retire(fault);
  }

  protected asked(message: Message): void {
    // nothing may be answered here: the era has no requests to clients (2026-07-28, stdio)
    this.log.warn({ method: message.method, id: rawId(message) }, 'ignored a request of a modern upstream');
  }

  protected notified(message: Message, of: number | undefined): void {
    if (message.method === 'notifications/message') {
      const owner = this.owner(of, () => this.pending.sole());
      if (owner) return owner.call.sink.log(message);
      return this.log.debug('dropped a log message that belongs to no call in particular');
    }
    if (message.method === 'notifications/cancelled') {
      const ended = this.#listens.ended(Number(paramsOf(message).requestId));
      if (!ended) this.log.debug('ignored a cancellation');
      return;
    }
    const params = paramsOf(message);
    const { [SUBSCRIPTION_KEY]: named } = (params._meta ?? {}) as Record<string, unknown>;
    const listen = of ?? Number(named);
    if (message.method === 'notifications/subscriptions/acknowledged')
      return this.#listens.acknowledged(listen, params.notifications);
    if (!this.#listens.hears(listen)) return this.log.debug({ method: message.method }, 'ignored a notification');
    const kind = LIST_CHANGED.get(message.method ?? '');
    if (kind) return this.options.listener.listChanged(kind);
    if (message.method === 'notifications/resources/updated') return this.options.listener.updated(message);
    if (message.method === 'notifications/tasks' && this.#listens.wants(String(params.taskId), 'taskIds'))
      return this.options.listener.tasked(message);
    this.log.debug({ method: message.method }, 'ignored a notification of an unknown kind');
  }
}

/** The upstream's own URI, which may not be the one in the client's message. */
const uriOf = (call: Call): string => call.target?.name ?? String(paramsOf(call.message).uri);

function withTasks(declared: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...declared, extensions: { ...(declared.extensions as object | undefined), [TASKS_EXTENSION]: {} } };
}
