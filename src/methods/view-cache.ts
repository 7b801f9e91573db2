/** Views by audience and grant, each built once for each state of the catalogs behind it. */
import type { Grant } from '../auth/grants.ts';
import type { NameRules } from '../namespace/names.ts';
import type { Logger } from '../telemetry/log.ts';
import type { CatalogStore } from '../upstreams/catalog-store.ts';
import { restrictView } from './restricted-view.ts';
import { buildView, type View } from './view.ts';

interface Cached {
  readonly view: View;
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
  #names: NameRules;
  #upstreams: readonly string[];
  readonly #log: Logger;
  readonly #views = new Map<string, Cached>();
  /** They go with their grants. */
  #restricted = new WeakMap<Grant, Map<string, Restricted>>();
  #generation = 0;

  constructor(catalogs: CatalogStore, names: NameRules, upstreams: readonly string[], log: Logger) {
    this.#catalogs = catalogs;
    this.#names = names;
    this.#upstreams = upstreams;
    this.#log = log;
  }

  /** Takes over other rules, or other upstreams. */
  configure(names: NameRules, upstreams: readonly string[]): void {
    this.#names = names;
    this.#upstreams = upstreams;
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
    if (cached && sameList(cached.view.catalogs, catalogs)) {
      cached.checked = generation;
      return cached.view;
    }
    const view = buildView(catalogs, { names: this.#names, upstreams: this.#upstreams }, ++this.#generation);
    this.#views.set(audience, { view, checked: generation });
    if (this.#views.size > LIMIT) this.#views.delete(this.#views.keys().next().value!);
    for (const { upstream, name, exposed, reason } of [...view.tools.notes, ...view.prompts.notes])
      this.#log[reason === 'disambiguated' ? 'warn' : 'info'](
        { upstream, name, exposed, reason },
        'exposed under another name',
      );
    return view;
  }
}

const sameList = (a: View['catalogs'], b: View['catalogs']): boolean =>
  a.length === b.length && a.every((catalog, i) => catalog.generation === b[i]!.generation);
