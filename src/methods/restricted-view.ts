/**
 * A view with what a grant lets through, and nothing else: what is not in it is found by no method. Names and URIs are
 * those of the whole view, so that an item is called the same everywhere.
 */
import type { Grant } from '../auth/grants.ts';
import type { NameNote, NameTable, NameTarget } from '../namespace/names.ts';
import type { UriTable } from '../namespace/uris.ts';
import type { Catalog, CatalogItem, ItemKind } from '../upstreams/catalog.ts';
import { listResult, type MergedList, type View } from './view.ts';
import { Visible } from './visible.ts';

const KINDS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;

/** @param generation unlike that of any other view */
export function restrictView(whole: View, grant: Grant, generation: number): View {
  const judges = new Map<string, Visible>();
  const judgeOf = (upstream: string): Visible => {
    const known = judges.get(upstream);
    if (known) return known;
    const judge = new Visible(
      grant,
      upstream,
      whole.catalogs.find((one) => one.upstream === upstream),
    );
    judges.set(upstream, judge);
    return judge;
  };
  const sees = (kind: ItemKind, upstream: string, name: string): boolean =>
    judgeOf(upstream).decide(kind, name).visible;
  const lists = {} as Record<ItemKind, MergedList>;
  for (const kind of KINDS) lists[kind] = new VisibleList(kind, whole.lists[kind], sees);
  return {
    generation,
    catalogs: whole.catalogs.flatMap((catalog) => restrictCatalog(catalog, judgeOf(catalog.upstream))),
    tools: new VisibleNames(whole.tools, lists.tools),
    prompts: new VisibleNames(whole.prompts, lists.prompts),
    uris: visibleUris(whole.uris, sees),
    lists,
    sees,
    concerns: (upstream) => judgeOf(upstream).possible,
  };
}

/** What is left of a catalog; nothing where no part of it may be seen. */
function restrictCatalog(catalog: Catalog, judge: Visible): Catalog | [] {
  if (!judge.possible) return [];
  const items = {} as Record<ItemKind, readonly CatalogItem[]>;
  for (const kind of KINDS) items[kind] = catalog.items[kind].filter(({ name }) => judge.decide(kind, name).visible);
  const had = (kind: ItemKind): boolean => catalog.items[kind].length > 0;
  const gone = (kind: ItemKind): boolean => had(kind) && items[kind].length === 0;
  const { unlisted } = judge;
  if (KINDS.some(had) && KINDS.every((kind) => items[kind].length === 0) && !unlisted) return [];
  const resources = (gone('resources') || gone('resourceTemplates')) && !unlisted;
  const capabilities = { ...catalog.server.capabilities };
  // a capability with nothing to show for it would tell of what is there
  if (gone('tools')) delete capabilities.tools;
  if (gone('prompts')) delete capabilities.prompts;
  if (resources && items.resources.length + items.resourceTemplates.length === 0) delete capabilities.resources;
  if (items.prompts.length + items.resourceTemplates.length === 0 && (had('prompts') || had('resourceTemplates')))
    delete capabilities.completions;
  const hidden = KINDS.flatMap((kind) => catalog.items[kind].filter((item) => !items[kind].includes(item)));
  const { instructions: text } = catalog.server;
  const instructions = text !== undefined && mentions(text, hidden) ? undefined : text;
  return { ...catalog, items, server: { ...catalog.server, capabilities, instructions } };
}

/** Whether a text has the name of one of these in it, not as a part of a longer word. */
function mentions(text: string, items: readonly CatalogItem[]): boolean {
  return items.some(({ name }) => {
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
      const around = [text[at - 1], text[at + name.length]];
      if (around.every((char) => char === undefined || !/[\p{L}\p{N}_]/u.test(char))) return true;
    }
    return false;
  });
}

/** A list without what is not seen; put together when somebody asks for it. */
class VisibleList implements MergedList {
  readonly items: readonly Buffer[];
  readonly origins: MergedList['origins'];
  readonly extras: string;
  readonly meta: string;
  readonly #kind: ItemKind;
  #result: Buffer | undefined;

  constructor(
    kind: ItemKind,
    { items, origins, extras, meta }: MergedList,
    sees: (kind: ItemKind, upstream: string, name: string) => boolean,
  ) {
    const seen = origins.map(({ upstream, item }) => sees(kind, upstream, item.name));
    this.#kind = kind;
    this.items = items.filter((_, i) => seen[i]);
    this.origins = origins.filter((_, i) => seen[i]);
    this.extras = extras;
    this.meta = meta;
  }

  get result(): Buffer {
    this.#result ??= listResult(this.#kind, this.items, this.extras);
    return this.#result;
  }
}

/** The names of a list. */
class VisibleNames implements NameTable {
  readonly notes: readonly NameNote[] = [];
  readonly #whole: NameTable;
  readonly #targets = new Map<string, NameTarget>();

  constructor(whole: NameTable, { origins }: MergedList) {
    this.#whole = whole;
    for (const { upstream, item } of origins) {
      const exposed = whole.expose(upstream, item.name);
      const target = exposed === undefined ? undefined : whole.resolve(exposed);
      if (target) this.#targets.set(exposed!, target);
    }
  }

  expose(upstream: string, name: string): string | undefined {
    const exposed = this.#whole.expose(upstream, name);
    return exposed !== undefined && this.#targets.has(exposed) ? exposed : undefined;
  }

  resolve(exposed: string): NameTarget | undefined {
    return this.#targets.get(exposed);
  }
}

/** What is not seen is owned by nobody; what results show keeps its form. */
function visibleUris(whole: UriTable, sees: (kind: ItemKind, upstream: string, name: string) => boolean): UriTable {
  return {
    exposeUri: (upstream, uri, learned) => whole.exposeUri(upstream, uri, learned),
    exposeTemplate: (upstream, template) => whole.exposeTemplate(upstream, template),
    resolveUri: (uri, learned) => {
      const found = whole.resolveUri(uri, learned);
      return found && sees('resources', found.upstream, found.uri) ? found : undefined;
    },
    resolveTemplate: (text) => {
      const found = whole.resolveTemplate(text);
      return found && sees('resourceTemplates', found.upstream, found.template) ? found : undefined;
    },
  };
}
