/** All links to one upstream, by owner: opened on first use, one opening at a time, closed when idle or unwanted. */
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../errors.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import type { Logger } from '../telemetry/log.ts';
import { ask, UpstreamError } from './ask.ts';
import type { Connector } from './connector.ts';
import { UpstreamHealth } from './health.ts';
import type { ClientIdentity, Link, LinkListener } from './link.ts';
import type { UpstreamSpec } from './spec.ts';
import type { WireFault } from './wire.ts';

/** Which link something came from: `scope` is its owner. */
export interface LinkName {
  readonly upstream: string;
  readonly scope: string;
  /** The name of the capabilities that the upstream was told of. */
  readonly audience: string;
}

/** Who wants a link. */
export interface Lessee {
  readonly scope: string;
  /** Whom it counts for; `undefined` for links of the gateway's own. */
  readonly principal: string | undefined;
  /** What the upstream is told when a link has to be opened. */
  identity(): ClientIdentity;
}

/** What is told of any link. */
export interface PoolListener {
  /** Makes the listener of one link. */
  listen(from: LinkName): Omit<LinkListener, 'closed' | 'answered' | 'silent'>;
  /**
   * A link has opened; it is handed out once this is done. Must not reject.
   * @param again whether the owner had one before and lost it
   */
  opened(link: Link, from: LinkName, again: boolean): Promise<void>;
  /** Whether a link to this server must be there although nobody calls over it. */
  wanted(server: ServerFacts, from: LinkName): boolean;
}

interface Entry extends LinkName {
  readonly lessee: Lessee;
  readonly identity: ClientIdentity;
  readonly again: boolean;
  link: Link | undefined;
  opening: Promise<Link> | undefined;
  /** Gives up the opening. */
  readonly abort: AbortController;
  usedAt: number;
}

/** Wait before a lost link that is wanted is asked for again after a failure, milliseconds. */
const REOPEN = 1_000;
const POLL = 50;

export class UpstreamLinks {
  readonly health: UpstreamHealth;
  readonly #connector: Connector;
  readonly #listener: PoolListener;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  /** What goes on in the background. */
  readonly #leaving = new Set<Promise<void>>();
  /** Links that nothing is sent over any more, while calls over them go on. */
  readonly #retired = new Set<Link>();
  /** Owners who lost their link and have not got another one yet. */
  readonly #bereft = new Set<string>();
  readonly #over = new AbortController();

  /** @param before the links to the upstream that had this name; what is wanted of them is opened again here */
  constructor(connector: Connector, listener: PoolListener, log: Logger, before?: UpstreamLinks) {
    this.#connector = connector;
    this.#listener = listener;
    this.#log = log;
    this.health = new UpstreamHealth(this.spec.name, this.spec.recovery, log);
    if (before) for (const entry of before.#entries.values()) if (entry.link) this.#replace(entry, entry.link.server);
  }

  get spec(): UpstreamSpec {
    return this.#connector.spec;
  }

  /** A text of the upstream without the secrets that it was given. */
  mask(text: string): string {
    return this.#connector.mask(text);
  }

  /** Takes over other limits. @param spec of the same upstream */
  configure(spec: UpstreamSpec): void {
    this.#connector.spec = spec;
    this.health.rules = spec.recovery;
  }

  /** Links that are open or opening now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Calls that are waiting for their answers. */
  get inFlight(): number {
    let sum = 0;
    for (const { link } of this.#entries.values()) sum += link?.inFlight ?? 0;
    for (const link of this.#retired) sum += link.inFlight;
    return sum;
  }

  /** @see LinkPool.lease */
  lease(lessee: Lessee): Link | Promise<Link> {
    const entry = this.#entries.get(lessee.scope) ?? this.#enter(lessee);
    const { link } = entry;
    if (link) {
      entry.usedAt = Date.now();
      if (this.health.ok || !link.suspect) return link;
      return this.health.attempt(() => this.#probe(link));
    }
    entry.opening ??= this.#open(entry);
    return entry.opening;
  }

  /** The owner's link, if it is open. */
  peek(scope: string): Link | undefined {
    return this.#entries.get(scope)?.link;
  }

  /** The owner has no use for a link any more. */
  async release(scope: string): Promise<void> {
    this.#bereft.delete(scope);
    const entry = this.#entries.get(scope);
    if (entry) await this.#drop(entry);
  }

  /**
   * Closes all links; later leases fail.
   * @param patience how long calls in progress may take to finish, milliseconds
   */
  async close(patience = 0): Promise<void> {
    const until = Date.now() + patience;
    this.#over.abort();
    while (this.inFlight > 0 && Date.now() < until) await new Promise((done) => setTimeout(done, POLL));
    for (const entry of [...this.#entries.values()]) void this.#drop(entry);
    for (const link of this.#retired) void this.#track(link.close());
    while (this.#leaving.size > 0) await Promise.all(this.#leaving);
    await this.#connector.close();
  }

  /** Closes what nobody has used for long. */
  sweep(now: number): void {
    const { idle } = this.spec.timeouts;
    for (const link of this.#retired) if (link.inFlight === 0) this.#retired.delete(link);
    for (const entry of this.#entries.values()) {
      if (!entry.link) continue;
      if (entry.link.inFlight > 0) entry.usedAt = now;
      if (now - entry.usedAt < idle || this.#listener.wanted(entry.link.server, entry)) continue;
      this.#log.debug({ idle }, 'link closed, it was idle');
      void this.#drop(entry);
    }
  }

  #enter(lessee: Lessee): Entry {
    const { name } = this.spec;
    if (this.#over.signal.aborted)
      throw new Fault('upstreamUnavailable', { upstream: name, detail: 'it is being closed' });
    this.#checkLimits(lessee.principal);
    const identity = lessee.identity();
    const entry: Entry = {
      upstream: name,
      scope: lessee.scope,
      audience: identity.audience,
      lessee,
      identity,
      again: this.#bereft.delete(lessee.scope),
      link: undefined,
      opening: undefined,
      abort: new AbortController(),
      usedAt: Date.now(),
    };
    this.#entries.set(lessee.scope, entry);
    return entry;
  }

  /** The gateway's own links are few and count for nobody: lists and clients must not depend on how many the others have. */
  #checkLimits(principal: string | undefined): void {
    if (principal === undefined) return;
    const { name: upstream, maxLinks, maxLinksPerPrincipal } = this.spec;
    if (this.size < Math.min(maxLinks, maxLinksPerPrincipal)) return;
    let [all, own] = [0, 0];
    for (const { lessee } of this.#entries.values()) {
      if (lessee.principal !== undefined) all++;
      if (lessee.principal === principal) own++;
    }
    if (all >= maxLinks) throw new Fault('linkLimit', { upstream, limit: maxLinks, knob: 'maxLinks' });
    if (own >= maxLinksPerPrincipal)
      throw new Fault('linkLimit', { upstream, limit: maxLinksPerPrincipal, knob: 'maxLinksPerPrincipal' });
  }

  async #open(entry: Entry): Promise<Link> {
    try {
      return await this.health.attempt(() => this.#connect(entry), entry.abort.signal);
    } catch (error) {
      this.#forget(entry);
      if (entry.again) this.#bereft.add(entry.scope);
      throw error;
    } finally {
      entry.opening = undefined;
    }
  }

  async #connect(entry: Entry): Promise<Link> {
    const started = Date.now();
    const listener: LinkListener = {
      ...this.#listener.listen(entry),
      answered: () => this.health.answered(),
      silent: (reason) => this.health.silent(reason),
      closed: (fault) => this.#lost(entry, fault),
    };
    const link = await this.#connector.open(entry.identity, listener, {
      signal: entry.abort.signal,
      leaving: (closing) => void this.#track(closing),
    });
    await this.#listener.opened(link, entry, entry.again);
    if (link.closed) throw new Error('it closed the connection right after the handshake');
    entry.link = link;
    entry.usedAt = Date.now();
    this.#log.debug({ ms: Date.now() - started, version: link.server.version }, 'link opened');
    return link;
  }

  /** Whether there is life in an open link: any answer is a sign of it. */
  async #probe(link: Link): Promise<Link> {
    // while this one waited, that of another was answered
    if (!link.suspect) return link;
    const { open } = this.spec.timeouts;
    await ask(link, 'ping', undefined, { idle: open, total: open, knob: 'timeouts.open' }).catch((error: Error) => {
      if (!(error instanceof UpstreamError)) throw error;
    });
    return link;
  }

  #lost(entry: Entry, fault: WireFault | undefined): void {
    this.#forget(entry);
    if (!fault || !entry.link) return;
    this.#log.warn({ reason: fault.message }, 'link lost');
    if (entry.link.inFlight > 0) this.#retired.add(entry.link);
    if (!fault.gone) this.health.ended(fault.message);
    this.#replace(entry, entry.link.server);
  }

  #replace(lost: Entry, server: ServerFacts): void {
    this.#bereft.add(lost.scope);
    void this.#reopen(lost, server);
  }

  /** Opens a lost link again, for as long as somebody listens to what comes over it and nobody else has opened it. */
  async #reopen(lost: Entry, server: ServerFacts): Promise<void> {
    const { signal } = this.#over;
    const wanted = () => this.#bereft.has(lost.scope) && this.#listener.wanted(server, lost);
    while (!signal.aborted && wanted()) {
      try {
        await this.lease(lost.lessee);
        return;
      } catch (error) {
        this.#log.debug({ err: (error as Error).message }, 'a lost link could not be opened again yet');
      }
      await delay(Math.max(REOPEN, this.health.retryIn), undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.scope) === entry) this.#entries.delete(entry.scope);
  }

  #drop(entry: Entry): Promise<void> {
    this.#forget(entry);
    entry.abort.abort();
    return this.#track(this.#closeOf(entry));
  }

  async #closeOf(entry: Entry): Promise<void> {
    const link = entry.link ?? (await entry.opening?.catch(() => undefined));
    await link?.close();
  }

  /** Remembers what goes on in the background, so that closing waits for it. */
  #track(closing: Promise<void>): Promise<void> {
    this.#leaving.add(closing);
    return closing.finally(() => this.#leaving.delete(closing));
  }
}
