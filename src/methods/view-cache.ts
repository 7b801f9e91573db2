/** Views by audience, each built once for each state of the catalogs behind it. */
import type { NameRules } from '../namespace/names.ts';
import type { Logger } from '../telemetry/log.ts';
import type { CatalogStore } from '../upstreams/catalog-store.ts';
import { buildView, type View } from './view.ts';

interface Cached {
  readonly view: View;
  /** The generation of the store at which the view was last known to be current. */
  checked: number;
}

/** Views kept at once; more than the store keeps audiences. */
const LIMIT = 64;

export class ViewCache {
  readonly #catalogs: CatalogStore;
  #names: NameRules;
  #upstreams: readonly string[];
  readonly #log: Logger;
  readonly #views = new Map<string, Cached>();
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

  /** The view of the catalogs as they are now. */
  get(audience: string): View {
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
