/**
 * The catalogs of all upstreams: fetched once, kept, refreshed when they change, so that lists never wait. What an earlier
 * run left is known at once, and fetched again at its first use.
 * A server may list other things to clients of other capabilities, so there is a catalog for each audience, which is the
 * set of capabilities that an upstream is told of.
 */
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Catalog, Snapshot } from './catalog.ts';
import { fetchCatalog } from './catalog-fetch.ts';
import type { CatalogSettings, CatalogStoreOptions } from './catalog-settings.ts';
import { isAwaited, isUnsure, lastOf, limitOf, retire, type Slot } from './catalog-slot.ts';

/** The audience of clients without capabilities, and of upstreams that all share. */
export const NO_AUDIENCE = '';

const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 60_000;
const SOON = 10;
/** Whether an upstream matters to whoever asks. */
type Concerns = (upstream: string) => boolean;
const everyUpstream: Concerns = () => true;

/** Audiences kept at once; the one unused for longest makes room. */
const AUDIENCES = 32;

export class CatalogStore {
  readonly #options: CatalogStoreOptions;
  #settings: CatalogSettings;
  /** audience → its slots in config order; the audience used last is last */
  readonly #audiences = new Map<string, Slot[]>();
  #generation = 0;

  constructor(options: CatalogStoreOptions) {
    this.#options = options;
    this.#settings = options;
    this.#slots(NO_AUDIENCE);
  }

  /** Grows with every change of any catalog. */
  get generation(): number {
    return this.#generation;
  }

  /** The known catalogs for an audience in config order. */
  known(audience: string): Catalog[] {
    return this.#slots(audience).flatMap(({ catalog }) => catalog ?? []);
  }

  /** What is known of an upstream's handshake, from whichever audience. */
  server(upstream: string): Catalog['server'] | undefined {
    return this.#best(upstream)?.catalog?.server;
  }

  /** Upstreams whose catalog is not known, with the reason as far as there is one. */
  missing(audience: string): { upstream: string; problem: string | undefined }[] {
    return this.#slots(audience).flatMap(({ upstream, catalog, problem }) => (catalog ? [] : [{ upstream, problem }]));
  }

  /**
   * Resolves when every catalog is known or has failed once. Each is waited for until `ms` after it was first asked for,
   * unless there are others: then for a part of that after the last one that came, since a server that runs and is so
   * much later is most likely dead. What is known from an earlier run, or from another audience alone, is fetched again,
   * which nobody waits for.
   * @param concerns of which upstreams; of all without it
   */
  async settled(audience: string, ms: number, concerns?: Concerns): Promise<void> {
    await this.#settled(audience, ms, false, concerns);
  }

  /** Like {@link CatalogStore.settled}, but waits for `ms` whatever the others do, also for what is being fetched again. */
  async sure(audience: string, ms: number, concerns?: Concerns): Promise<void> {
    await this.#settled(audience, ms, true, concerns);
  }

  /** Whether waiting may bring something to light that is not known. */
  unsure(audience: string, concerns: Concerns = everyUpstream): boolean {
    return this.#slots(audience).some((slot) => isUnsure(slot) && concerns(slot.upstream));
  }

  async #settled(audience: string, ms: number, patient: boolean, concerns: Concerns = everyUpstream): Promise<void> {
    this.revalidate(audience);
    const isWaited = patient ? isUnsure : isAwaited;
    const waiting = this.#slots(audience).filter((slot) => isWaited(slot) && concerns(slot.upstream));
    if (waiting.length === 0) return;
    const slots = this.#slots(audience).filter(({ upstream }) => concerns(upstream));
    const began = Date.now();
    const fetches = waiting.map((slot) => slot.fetching ?? this.#refresh(slot));
    const late = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    const wait = (): void => {
      clearTimeout(timer);
      const last = patient ? undefined : lastOf(slots);
      const limits = waiting
        .filter(isWaited)
        .map((slot) => (slot.stale ? began + ms : limitOf(slot, ms, this.#starts(slot) ? undefined : last)));
      timer = setTimeout(late.resolve, Math.max(0, Math.max(...limits) - Date.now()));
    };
    wait();
    await Promise.race([Promise.all(fetches.map((fetch) => fetch.then(wait))), late.promise]);
    clearTimeout(timer);
  }

  /** Fetches again, in the background, what is too old. */
  revalidate(audience: string): void {
    const old = Date.now() - this.#settings.refresh;
    for (const slot of this.#slots(audience)) {
      // after a failure its retry timer is in charge
      if (!slot.catalog || slot.fetching || slot.problem !== undefined) continue;
      if (slot.stale || slot.catalog.fetchedAt < old) void this.#refresh(slot);
    }
  }

  /** An upstream's catalog for an audience is out of date. Never rejects. */
  async refresh(upstream: string, audience: string): Promise<void> {
    const slot = this.#audiences.get(this.#audienceFor(upstream, audience))?.find((s) => s.upstream === upstream);
    if (slot) await this.#refresh(slot);
  }

  /** An upstream that failed is there again: what could not be fetched is fetched now. */
  reconnected(upstream: string): void {
    for (const slots of this.#audiences.values())
      for (const slot of slots)
        if (slot.upstream === upstream && slot.problem !== undefined && !slot.fetching) void this.#refresh(slot);
  }

  /** Takes over another configuration. The catalog of an upstream stays for as long as it is the same upstream. */
  configure(settings: CatalogSettings): void {
    const before = this.#settings.upstreams;
    this.#settings = settings;
    const stays = ({ upstream }: Slot): boolean => {
      const [was, is] = [before.get(upstream), settings.upstreams.get(upstream)];
      return is !== undefined && was?.shared === is.shared && was.identity === is.identity;
    };
    for (const slots of this.#audiences.values()) for (const slot of slots) if (!stays(slot)) retire(slot);
    for (const [audience, slots] of this.#audiences) {
      const kept = new Map(slots.filter(stays).map((slot) => [slot.upstream, slot]));
      // the first audience is the one of no capabilities, which the others share slots with
      this.#audiences.set(audience, this.#makeSlots(audience, kept));
    }
    this.#generation++;
    this.#options.changed();
    for (const audience of [...this.#audiences.keys()]) void this.settled(audience, 0);
  }

  close(): void {
    for (const slots of this.#audiences.values()) slots.forEach(retire);
  }

  #audienceFor(upstream: string, audience: string): string {
    return this.#settings.upstreams.get(upstream)?.shared ? NO_AUDIENCE : audience;
  }

  #slots(audience: string): Slot[] {
    let slots = this.#audiences.get(audience);
    if (slots) {
      if (audience !== NO_AUDIENCE) {
        this.#audiences.delete(audience);
        this.#audiences.set(audience, slots);
      }
      return slots;
    }
    slots = this.#makeSlots(audience, new Map());
    this.#audiences.set(audience, slots);
    if (this.#audiences.size > AUDIENCES) this.#forgetOldest();
    return slots;
  }

  #makeSlots(audience: string, kept: ReadonlyMap<string, Slot>): Slot[] {
    const base = audience === NO_AUDIENCE ? undefined : this.#audiences.get(NO_AUDIENCE);
    return [...this.#settings.upstreams].map(
      ([upstream, { shared }], i) =>
        kept.get(upstream) ?? (shared ? base?.[i] : undefined) ?? this.#newSlot(upstream, audience),
    );
  }

  #newSlot(upstream: string, audience: string): Slot {
    const known = this.#best(upstream);
    // that of no capabilities is among them, and what was kept of it
    const kept = this.#options.shelf?.load(upstream, audience) ?? known?.catalog;
    return {
      upstream,
      audience,
      over: false,
      since: known?.since,
      arrived: kept && Date.now(),
      catalog: kept && { ...kept, generation: ++this.#generation },
      stale: kept !== undefined,
      fetching: undefined,
      again: false,
      problem: undefined,
      failures: 0,
      retry: undefined,
    };
  }

  /** The place of an upstream, for whichever audience, that most is known of: most list the same to everyone. */
  #best(upstream: string): Slot | undefined {
    const all = [...this.#audiences.values()].flat().filter((slot) => slot.upstream === upstream && !slot.over);
    return all.find(({ catalog }) => catalog) ?? all[0];
  }

  #starts({ upstream }: Slot): boolean {
    return this.#settings.upstreams.get(upstream)?.starts === true;
  }

  #forgetOldest(): void {
    for (const [audience, slots] of this.#audiences) {
      if (audience === NO_AUDIENCE) continue;
      for (const slot of slots) if (slot.audience === audience) retire(slot);
      this.#audiences.delete(audience);
      return;
    }
  }

  /** One fetch at a time, and once more when a change comes in between. */
  #refresh(slot: Slot): Promise<void> {
    if (slot.over) return Promise.resolve();
    if (slot.fetching) {
      slot.again = true;
      return slot.fetching;
    }
    clearTimeout(slot.retry);
    slot.since ??= Date.now();
    slot.fetching = this.#fetch(slot).finally(() => {
      slot.fetching = undefined;
    });
    return slot.fetching;
  }

  async #fetch(slot: Slot): Promise<void> {
    const { upstream, audience } = slot;
    const log = this.#options.log.child({ upstream });
    try {
      do {
        slot.again = false;
        const fetched = await fetchCatalog(await this.#options.link(upstream, audience), this.#settings.limits, log);
        if (slot.over) return;
        this.#store(slot, fetched, log);
      } while (slot.again);
    } catch (error) {
      if (!slot.over) this.#failed(slot, this.#options.mask(upstream, reasonOf(error as Error)), log);
    }
  }

  #store(slot: Slot, fetched: Snapshot, log: Logger): void {
    const same = slot.catalog?.digest === fetched.digest;
    const recovered = slot.problem !== undefined || slot.stale;
    slot.stale = false;
    slot.arrived ??= Date.now();
    slot.problem = undefined;
    slot.failures = 0;
    const generation = same ? slot.catalog!.generation : ++this.#generation;
    slot.catalog = { ...fetched, generation };
    this.#options.shelf?.save(slot.upstream, slot.audience, fetched);
    if (same && !recovered) return;
    log.info(summary(slot.catalog), 'upstream ready');
    if (!same) this.#options.changed(slot.catalog);
  }

  #failed(slot: Slot, problem: string, log: Logger): void {
    const own = Math.min(FIRST_RETRY * 2 ** slot.failures, LONGEST_RETRY);
    // while it is left alone, the next attempt is due as soon as that is over
    const left = this.#options.retryIn(slot.upstream);
    const wait = left > 0 ? left + SOON : own;
    slot.failures++;
    if (slot.problem !== problem) log.warn({ problem, retryInMs: wait }, 'upstream is not available');
    else log.debug({ problem, retryInMs: wait }, 'upstream is still not available');
    slot.problem = problem;
    slot.retry = setTimeout(() => void this.#refresh(slot), wait).unref();
  }
}

/** Why an upstream is not available, without saying so again. */
const reasonOf = (error: Error): string =>
  error instanceof Fault && error.fault === 'upstreamUnavailable' ? String(error.details.detail) : error.message;

function summary({ server, items }: Catalog): Record<string, unknown> {
  return {
    server: server.info.name,
    version: server.version,
    tools: items.tools.length,
    prompts: items.prompts.length,
    resources: items.resources.length,
    templates: items.resourceTemplates.length,
  };
}
