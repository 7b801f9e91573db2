/** The catalogs of all upstreams: fetched once, kept, refreshed when they change, so that lists never wait (design.md §5.7). */
import type { Logger } from '../telemetry/log.ts';
import type { Catalog } from './catalog.ts';
import { type FetchLimits, fetchCatalog } from './catalog-fetch.ts';
import type { Link } from './link.ts';

export interface CatalogStoreOptions {
  readonly upstreams: readonly string[];
  readonly limits: FetchLimits;
  /** The age at which a catalog is fetched again, milliseconds. */
  readonly refresh: number;
  readonly log: Logger;
  /** A link to fetch over. */
  link(upstream: string): Link | Promise<Link>;
  /** A catalog differs from the one before (or is the first one). */
  changed(catalog: Catalog): void;
}

interface Slot {
  catalog: Catalog | undefined;
  fetching: Promise<void> | undefined;
  /** A change was announced while a fetch was under way, whose answer may be older than the change. */
  again: boolean;
  /** The text of the last failure; `undefined` once a fetch succeeds. */
  problem: string | undefined;
  failures: number;
  retry: NodeJS.Timeout | undefined;
}

const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 60_000;

export class CatalogStore {
  readonly #options: CatalogStoreOptions;
  readonly #slots = new Map<string, Slot>();
  #generation = 0;
  #closed = false;

  constructor(options: CatalogStoreOptions) {
    this.#options = options;
    for (const name of options.upstreams) {
      this.#slots.set(name, {
        catalog: undefined,
        fetching: undefined,
        again: false,
        problem: undefined,
        failures: 0,
        retry: undefined,
      });
    }
  }

  /** Grows with every change of any catalog. */
  get generation(): number {
    return this.#generation;
  }

  /** The known catalogs in config order. */
  known(): Catalog[] {
    return [...this.#slots.values()].flatMap(({ catalog }) => catalog ?? []);
  }

  /** Fetches again, in the background, what is too old. */
  revalidate(): void {
    const old = Date.now() - this.#options.refresh;
    for (const [upstream, { catalog, problem }] of this.#slots) {
      // after a failure its retry timer is in charge
      if (catalog && catalog.fetchedAt < old && problem === undefined) void this.refresh(upstream);
    }
  }

  /** Upstreams whose catalog is not known, with the reason as far as there is one. */
  missing(): { upstream: string; problem: string | undefined }[] {
    return [...this.#slots].flatMap(([upstream, { catalog, problem }]) => (catalog ? [] : [{ upstream, problem }]));
  }

  /** Resolves when every catalog is known or has failed once, or after `ms`. Returns at once when all are known. */
  async settled(ms: number): Promise<void> {
    const waiting: Promise<void>[] = [];
    for (const [upstream, slot] of this.#slots) {
      if (slot.catalog || slot.problem !== undefined) continue;
      waiting.push(slot.fetching ?? this.refresh(upstream));
    }
    if (waiting.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, ms);
    });
    await Promise.race([Promise.all(waiting), late]);
    clearTimeout(timer);
  }

  /** Fetches a catalog; one fetch at a time, and once more when a change comes in between. Never rejects. */
  refresh(upstream: string): Promise<void> {
    const slot = this.#slots.get(upstream);
    if (!slot || this.#closed) return Promise.resolve();
    if (slot.fetching) {
      slot.again = true;
      return slot.fetching;
    }
    clearTimeout(slot.retry);
    slot.fetching = this.#fetch(upstream, slot).finally(() => {
      slot.fetching = undefined;
    });
    return slot.fetching;
  }

  close(): void {
    this.#closed = true;
    for (const slot of this.#slots.values()) clearTimeout(slot.retry);
  }

  async #fetch(upstream: string, slot: Slot): Promise<void> {
    const log = this.#options.log.child({ upstream });
    try {
      do {
        slot.again = false;
        const fetched = await fetchCatalog(await this.#options.link(upstream), this.#options.limits, log);
        if (this.#closed) return;
        this.#store(slot, fetched, log);
      } while (slot.again);
    } catch (error) {
      if (!this.#closed) this.#failed(upstream, slot, (error as Error).message, log);
    }
  }

  #store(slot: Slot, fetched: Omit<Catalog, 'generation'>, log: Logger): void {
    const same = slot.catalog?.digest === fetched.digest;
    const recovered = slot.problem !== undefined;
    slot.problem = undefined;
    slot.failures = 0;
    const generation = same ? slot.catalog!.generation : ++this.#generation;
    slot.catalog = { ...fetched, generation };
    if (same && !recovered) return;
    const { tools, prompts, resources, resourceTemplates } = fetched.items;
    log.info(
      {
        server: fetched.server.info.name,
        version: fetched.server.version,
        tools: tools.length,
        prompts: prompts.length,
        resources: resources.length,
        templates: resourceTemplates.length,
      },
      'upstream ready',
    );
    if (!same) this.#options.changed(slot.catalog);
  }

  #failed(upstream: string, slot: Slot, problem: string, log: Logger): void {
    const wait = Math.min(FIRST_RETRY * 2 ** slot.failures, LONGEST_RETRY);
    slot.failures++;
    if (slot.problem !== problem) log.warn({ problem, retryInMs: wait }, 'upstream is not available');
    else log.debug({ problem, retryInMs: wait }, 'upstream is still not available');
    slot.problem = problem;
    slot.retry = setTimeout(() => void this.refresh(upstream), wait).unref();
  }
}
