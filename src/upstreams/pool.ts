/** Links by owner: opened on first use, one opening at a time, closed when idle or when the owner goes. */
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Connector } from './connector.ts';
import type { ClientIdentity, Link, LinkListener } from './link.ts';
import type { WireFault } from './wire.ts';

/** Which link something came from: `scope` is its owner. */
export interface LinkName {
  readonly upstream: string;
  readonly scope: string;
  /** The name of the capabilities that the upstream was told of. */
  readonly audience: string;
}

/** What the pool tells of any link. */
export interface PoolListener {
  /** Makes the listener of one link. */
  listen(from: LinkName): Omit<LinkListener, 'closed'>;
  /** A link has opened; it is handed out once this is done. Must not reject. */
  opened(link: Link, from: LinkName): Promise<void>;
  closed(from: LinkName, fault: WireFault | undefined): void;
  /** Whether a link must stay open although nobody uses it. */
  pinned(link: Link, from: LinkName): boolean;
}

interface Entry extends LinkName {
  link: Link | undefined;
  opening: Promise<Link> | undefined;
  /** Gives up the opening. */
  readonly abort: AbortController;
  usedAt: number;
}

/** The owner of links that carry no client's capabilities: lists, and upstreams with `sharing: shared`. */
export const SHARED_SCOPE = 'shared';

const SWEEP = 1_000;

export class LinkPool {
  readonly #connectors: ReadonlyMap<string, Connector>;
  readonly #log: Logger;
  readonly #listener: PoolListener;
  /** upstream → scope → entry */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #sweeper: NodeJS.Timeout;
  /** Links that are being closed. */
  readonly #leaving = new Set<Promise<void>>();
  #closing = false;

  constructor(connectors: ReadonlyMap<string, Connector>, listener: PoolListener, log: Logger) {
    this.#connectors = connectors;
    this.#listener = listener;
    this.#log = log;
    for (const name of connectors.keys()) this.#entries.set(name, new Map());
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP).unref();
  }

  /** Links that are open or opening now. */
  get size(): number {
    let size = 0;
    for (const scopes of this.#entries.values()) size += scopes.size;
    return size;
  }

  /**
   * The owner's link to an upstream: at once when it is open, else when it has opened.
   * @param identity what the upstream is told when a link has to be opened
   * @throws Fault `upstreamUnavailable`, thrown or as the promise's rejection
   */
  lease(upstream: string, scope: string, identity: ClientIdentity): Link | Promise<Link> {
    const scopes = this.#entries.get(upstream);
    if (!scopes || this.#closing) throw new Fault('upstreamUnavailable', { upstream, detail: 'it is being closed' });
    let entry = scopes.get(scope);
    if (entry?.link) {
      entry.usedAt = Date.now();
      return entry.link;
    }
    if (!entry) {
      entry = {
        upstream,
        scope,
        audience: identity.audience,
        link: undefined,
        opening: undefined,
        abort: new AbortController(),
        usedAt: Date.now(),
      };
      scopes.set(scope, entry);
    }
    entry.opening ??= this.#open(entry, identity);
    return entry.opening;
  }

  /** The open links of an owner. */
  linksOf(scope: string): Link[] {
    return [...this.#entries.values()].flatMap((scopes) => scopes.get(scope)?.link ?? []);
  }

  /** The owner's link to an upstream, if it is open. */
  peek(upstream: string, scope: string): Link | undefined {
    return this.#entries.get(upstream)?.get(scope)?.link;
  }

  /** Closes every link of an owner. */
  async release(scope: string): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const scopes of this.#entries.values()) {
      const entry = scopes.get(scope);
      if (entry) closing.push(this.#drop(entry));
    }
    await Promise.all(closing);
  }

  /** Closes all links; later leases fail. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#sweeper);
    const all = [...this.#entries.values()].flatMap((scopes) => [...scopes.values()]);
    for (const entry of all) void this.#drop(entry);
    while (this.#leaving.size > 0) await Promise.all(this.#leaving);
    await Promise.all([...this.#connectors.values()].map((connector) => connector.close()));
  }

  async #open(entry: Entry, identity: ClientIdentity): Promise<Link> {
    const { upstream } = entry;
    const started = Date.now();
    try {
      const listener = this.#listener.listen(entry);
      const link = await this.#connectors.get(upstream)!.open(
        identity,
        {
          ...listener,
          closed: (fault) => this.#lost(entry, fault),
        },
        { signal: entry.abort.signal, leaving: (closing) => void this.#track(closing) },
      );
      await this.#listener.opened(link, entry);
      if (link.closed) throw new Error('it closed the connection right after the handshake');
      entry.link = link;
      entry.usedAt = Date.now();
      this.#log.debug({ upstream, ms: Date.now() - started, version: link.server.version }, 'link opened');
      return link;
    } catch (error) {
      this.#forget(entry);
      throw new Fault('upstreamUnavailable', { upstream, detail: (error as Error).message });
    } finally {
      entry.opening = undefined;
    }
  }

  #lost(entry: Entry, fault: WireFault | undefined): void {
    this.#forget(entry);
    if (fault) this.#log.warn({ upstream: entry.upstream, reason: fault.message }, 'link lost');
    this.#listener.closed(entry, fault);
  }

  #forget(entry: Entry): void {
    const scopes = this.#entries.get(entry.upstream)!;
    if (scopes.get(entry.scope) === entry) scopes.delete(entry.scope);
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

  /** Remembers what goes on in the background, so that closing the pool waits for it. */
  #track(closing: Promise<void>): Promise<void> {
    this.#leaving.add(closing);
    return closing.finally(() => this.#leaving.delete(closing));
  }

  #sweep(): void {
    const now = Date.now();
    for (const [upstream, scopes] of this.#entries) {
      const idle = this.#connectors.get(upstream)!.spec.timeouts.idle;
      for (const entry of scopes.values()) {
        if (!entry.link) continue;
        if (entry.link.inFlight > 0) entry.usedAt = now;
        if (now - entry.usedAt < idle) continue;
        if (this.#listener.pinned(entry.link, entry)) continue;
        this.#log.debug({ upstream, idle }, 'link closed, it was idle');
        void this.#drop(entry);
      }
    }
  }
}
