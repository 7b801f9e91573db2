/** Views by audience and grant, each built once for each state of the catalogs behind it. */
import type { Grant } from '../auth/grants.ts';
import type { HostName } from '../config/hosts.ts';
import type { NameRules } from '../namespace/names.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Catalog } from '../upstreams/catalog.ts';
import type { CatalogStore } from '../upstreams/catalog-store.ts';
import type { ItemRules } from '../upstreams/item-rules.ts';
import { countNotes } from './host-notes.ts';
import { restrictView } from './restricted-view.ts';
import { type Holds, type ShapeNote, shapeCatalog } from './shaped-catalog.ts';
import { buildView, type View } from './view.ts';

/** What views are made by, beside the catalogs. */
export interface ViewSettings {
  readonly names: NameRules;
  /** Every upstream in config order, with what is said of its items. */
  readonly upstreams: ReadonlyMap<string, { readonly items: ItemRules | undefined }>;
  /** Hosts that are told of when there are too many tools for them. */
  readonly hosts: readonly HostName[];
  /** Which items are held back; none without it. */
  readonly holds?: Holds | undefined;
}

interface Cached {
  readonly view: View;
  /** The catalogs as their upstreams said them. */
  readonly catalogs: readonly Catalog[];
  /** The generation of the store at which the view was last known to be current. */
  checked: number;
}

/** What is left of a view. */
interface Restricted {
  readonly whole: View;
  readonly view: View;
}

/** Views kept at once; more than the store keeps audiences. */
const LIMIT = 64;

export class ViewCache {
  readonly #catalogs: CatalogStore;
  #settings: ViewSettings;
  readonly #log: Logger;
  readonly #views = new Map<string, Cached>();
  /** They go with their grants. */
  #restricted = new WeakMap<Grant, Map<string, Restricted>>();
  #generation = 0;

  /** What was told already of what cannot be done, so that it is told once. */
  readonly #told = new Set<string>();

  constructor(catalogs: CatalogStore, settings: ViewSettings, log: Logger) {
    this.#catalogs = catalogs;
    this.#settings = settings;
    this.#log = log;
  }

  /** Takes over other rules, or other upstreams. */
  configure(settings: ViewSettings): void {
    this.#settings = settings;
    this.#views.clear();
    this.#told.clear();
  }

  /** What is held back is different now. */
  rebuild(): void {
    this.#views.clear();
  }

  /** What a grant lets through of the catalogs as they are now. @param grant `undefined` for everything */
  get(audience: string, grant: Grant | undefined): View {
    const whole = this.whole(audience);
    if (!grant) return whole;
    const views = this.#restricted.get(grant);
    const known = views?.get(audience);
    if (known?.whole === whole) return known.view;
    const view = restrictView(whole, grant, ++this.#generation);
    if (!views) this.#restricted.set(grant, new Map([[audience, { whole, view }]]));
    else {
      views.set(audience, { whole, view });
      if (views.size > LIMIT) views.delete(views.keys().next().value!);
    }
    return view;
  }

  /** Everything of the catalogs as they are now. */
  whole(audience: string): View {
    const { generation } = this.#catalogs;
    const cached = this.#views.get(audience);
    if (cached?.checked === generation) return cached.view;
    const catalogs = this.#catalogs.known(audience);
    if (cached && sameList(cached.catalogs, catalogs)) {
      cached.checked = generation;
      return cached.view;
    }
    const { view, notes } = wholeView(catalogs, this.#settings, ++this.#generation);
    this.#views.set(audience, { view, catalogs, checked: generation });
    if (this.#views.size > LIMIT) this.#views.delete(this.#views.keys().next().value!);
    for (const { upstream, name, exposed, reason } of [...view.tools.notes, ...view.prompts.notes])
      this.#log[reason === 'disambiguated' ? 'warn' : 'info'](
        { upstream, name, exposed, reason },
        'exposed under another name',
      );
    for (const note of notes) this.#tell(note, 'the config says something of an item that does not fit it');
    for (const { problem } of countNotes(view.lists.tools.items.length, this.#settings.hosts))
      this.#tell({ problem }, 'a host in names.hosts takes fewer tools');
    return view;
  }

  /** Once, until the configuration changes. */
  #tell(details: object, text: string): void {
    const key = JSON.stringify(details);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#log.warn(details, text);
  }
}

/** Everything of some catalogs as clients may see it, and what of the settings does not fit them. */
export function wholeView(
  catalogs: readonly Catalog[],
  { names, upstreams, holds }: ViewSettings,
  generation: number,
): { readonly view: View; readonly notes: readonly ShapeNote[] } {
  const notes: ShapeNote[] = [];
  const shaped = catalogs.map((catalog) => shapeCatalog(catalog, upstreams.get(catalog.upstream)?.items, holds, notes));
  return { view: buildView(shaped, { names, upstreams: [...upstreams.keys()] }, generation), notes };
}

const sameList = (a: readonly Catalog[], b: readonly Catalog[]): boolean =>
  a.length === b.length && a.every((catalog, i) => catalog.generation === b[i]!.generation);
