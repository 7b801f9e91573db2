/** The links to all upstreams. */
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Connector } from './connector.ts';
import type { Link } from './link.ts';
import { type Lessee, type PoolListener, UpstreamLinks } from './upstream-links.ts';

/** The owner of links that carry no client's capabilities: lists, and upstreams with `sharing: shared`. */
export const SHARED_SCOPE = 'shared';

const SWEEP = 1_000;

export class LinkPool {
  readonly #log: Logger;
  readonly #listener: PoolListener;
  readonly #upstreams = new Map<string, UpstreamLinks>();
  readonly #sweeper: NodeJS.Timeout;
  /** Upstreams that were taken out and still have links. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(listener: PoolListener, log: Logger) {
    this.#log = log;
    this.#listener = listener;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP).unref();
  }

  /** Links that are open or opening now. */
  get size(): number {
    let size = 0;
    for (const links of this.#upstreams.values()) size += links.size;
    return size;
  }

  /** The links of each upstream. */
  get upstreams(): ReadonlyMap<string, UpstreamLinks> {
    return this.#upstreams;
  }

  /** Takes an upstream in, in place of the one that may have its name. */
  add(connector: Connector, patience: number): void {
    const { name } = connector.spec;
    const log = this.#log.child({ upstream: name });
    // made while the links of the one before are still there to be taken over
    const links = new UpstreamLinks(connector, this.#listener, log, this.#upstreams.get(name));
    this.remove(name, patience);
    this.#upstreams.set(name, links);
  }

  /** Takes an upstream out. @param patience how long its calls in progress may take to finish, milliseconds */
  remove(upstream: string, patience: number): void {
    const links = this.#upstreams.get(upstream);
    if (!links) return;
    this.#upstreams.delete(upstream);
    const closing = links.close(patience).finally(() => this.#leaving.delete(closing));
    this.#leaving.add(closing);
  }

  /**
   * The owner's link to an upstream: at once when it is open, else when it has opened.
   * @throws Fault `upstreamUnavailable` or `linkLimit`, thrown or as the promise's rejection
   */
  lease(upstream: string, lessee: Lessee): Link | Promise<Link> {
    const links = this.#upstreams.get(upstream);
    if (!links) throw new Fault('upstreamUnavailable', { upstream, detail: 'it is being closed' });
    return links.lease(lessee);
  }

  /** The open links of an owner. */
  linksOf(scope: string): Link[] {
    return [...this.#upstreams.values()].flatMap((links) => links.peek(scope) ?? []);
  }

  /** The owner's link to an upstream, if it is open. */
  peek(upstream: string, scope: string): Link | undefined {
    return this.#upstreams.get(upstream)?.peek(scope);
  }

  /** Closes every link of an owner. */
  async release(scope: string): Promise<void> {
    await Promise.all([...this.#upstreams.values()].map((links) => links.release(scope)));
  }

  /** Closes all links; later leases fail. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const name of [...this.#upstreams.keys()]) this.remove(name, 0);
    await Promise.all(this.#leaving);
  }

  #sweep(): void {
    const now = Date.now();
    for (const links of this.#upstreams.values()) links.sweep(now);
  }
}
