/** Which items of the catalogs a grant lets through, and by which rule. */
import type { Grant } from '../auth/grants.ts';
import { type Hints, hintsOf, type Item } from '../auth/items.ts';
import { deciding, mayAllow, mayAllowUris, type Rule, type Rules } from '../auth/rules.ts';
import { UriTemplate } from '../namespace/uri-templates.ts';
import type { Catalog, CatalogItem, ItemKind } from '../upstreams/catalog.ts';
import { itemNamed } from '../upstreams/catalog.ts';
import { spellingsOf } from './spellings.ts';

/** What is decided about an item. */
export interface Decision {
  readonly visible: boolean;
  /** Who decided: of two that let it through, the policy. */
  readonly by: 'profile' | 'policy';
  /** The rule; `undefined` where none is about it, so that it is refused, or where everything is let through. */
  readonly rule: Rule | undefined;
}

/** What a grant without rules decides. */
export const EVERYTHING: Decision = { visible: true, by: 'profile', rule: undefined };

/** Rules, and whose they are. */
interface Layer {
  readonly by: Decision['by'];
  readonly rules: Rules;
}

const layersOf = ({ selection, policy }: Grant): Layer[] => [
  ...(selection ? [{ by: 'profile' as const, rules: selection }] : []),
  ...(policy ? [{ by: 'policy' as const, rules: policy }] : []),
];

/** Decides about the items of one upstream. */
export class Visible {
  readonly #upstream: string;
  readonly #catalog: Catalog | undefined;
  readonly #layers: readonly Layer[];
  /** Whether it matters what tools say of themselves. */
  readonly #byHints: boolean;
  /** Parsed when a URI is first judged by them. */
  #templates: readonly UriTemplate[] | undefined;
  /** By URI: the visible tools that name it as their page. */
  #pages: ReadonlySet<string> | undefined;
  readonly #known = new Map<string, Decision>();

  /** @param catalog of this upstream, where it is known */
  constructor(grant: Grant, upstream: string, catalog: Catalog | undefined) {
    this.#upstream = upstream;
    this.#catalog = catalog;
    this.#layers = layersOf(grant);
    this.#byHints = this.#layers.some(({ rules }) => rules.some(({ hints }) => hints));
  }

  /** Whether anything of the upstream may be seen at all. */
  get possible(): boolean {
    return this.#layers.every(({ rules }) => mayAllow(rules, this.#upstream));
  }

  /** Whether resources may be read that it does not list. */
  get unlisted(): boolean {
    return this.#layers.every(({ rules }) => mayAllowUris(rules, this.#upstream));
  }

  /** Decides about a tool, prompt, resource or template by its upstream name. */
  decide(kind: ItemKind, name: string): Decision {
    const key = `${kind} ${name}`;
    const known = this.#known.get(key);
    if (known) return known;
    const decision = kind === 'resources' ? this.#decideUri(name) : this.#decideNamed(kind, name);
    if (key.length > LONGEST_KNOWN) return decision;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, decision);
    return decision;
  }

  #decideNamed(kind: ItemKind, name: string): Decision {
    const { items, withheld } = this.#catalog ?? {};
    // one that is held back says something of itself as well
    const all = kind === 'tools' ? [items?.tools, withheld?.held.tools] : [];
    const tool = all.map((some) => some && itemNamed(some, name)).find((one) => one);
    const hints = tool && this.#byHints ? hintsIn(tool) : undefined;
    return this.#judge({ upstream: this.#upstream, kind, name, hints });
  }

  /**
   * A URI counts as each of its spellings, and as each template of its upstream that it comes from: what denies one of
   * them denies it. A page of a visible tool is allowed with it.
   */
  #decideUri(uri: string): Decision {
    const upstream = this.#upstream;
    const listed = this.#catalog !== undefined && itemNamed(this.#catalog.items.resources, uri) !== undefined;
    if (uri.length > LONGEST_URI) return { visible: false, by: this.#layers[0]?.by ?? 'profile', rule: undefined };
    const { all, resolved } = spellingsOf(uri);
    const own: Item[] = all.map((name) => ({ upstream, kind: 'resources', name }));
    const from = this.#templatesOf()
      .filter((template) => all.some((spelling) => template.matches(spelling)))
      .map((template) => ({ template, item: { upstream, kind: 'resourceTemplates', name: template.raw } as const }));
    // one that is listed is what it says; of others, every spelling must be allowed
    const needed = listed ? all.slice(0, 1) : all;
    let last = EVERYTHING;
    for (const { by, rules } of this.#layers) {
      const byName = new Map(own.map((item) => [item.name, deciding(rules, item)]));
      const byTemplate = from.map(({ template, item }) => ({ template, rule: deciding(rules, item) }));
      const denying = [...byName.values(), ...byTemplate.map(({ rule }) => rule)].find((one) => one?.effect === 'deny');
      if (denying) return { visible: false, by, rule: denying };
      const allows = byTemplate.filter(({ rule }) => rule);
      // what a template makes has to come of it wherever it leads in the end
      const made = resolved.every(
        (name) => byName.get(name) ?? allows.find(({ template }) => template.matches(name))?.rule,
      );
      const allowing = needed.every((name) => byName.get(name)) ? byName.get(uri) : made ? allows[0]?.rule : undefined;
      if (!allowing && !this.#isPage(uri)) return { visible: false, by, rule: undefined };
      last = { visible: true, by, rule: allowing };
    }
    return last;
  }

  #judge(item: Item): Decision {
    let last = EVERYTHING;
    for (const { by, rules } of this.#layers) {
      const rule = deciding(rules, item);
      if (rule?.effect !== 'allow') return { visible: false, by, rule };
      last = { visible: true, by, rule };
    }
    return last;
  }

  #templatesOf(): readonly UriTemplate[] {
    this.#templates ??= (this.#catalog?.items.resourceTemplates ?? []).map(({ name }) => new UriTemplate(name));
    return this.#templates;
  }

  #isPage(uri: string): boolean {
    const tools = this.#catalog?.items.tools ?? [];
    this.#pages ??= new Set(
      tools
        .filter(({ ui, name }) => ui.length > 0 && this.decide('tools', name).visible)
        .flatMap(({ ui }) => ui.map((reference) => reference.uri)),
    );
    return this.#pages.has(uri);
  }
}

/** Decisions kept for what is asked for again, and the longest text that they are kept for, in characters. */
const MOST_KNOWN = 10_000;
const LONGEST_KNOWN = 512;
/** A longer URI is not worth the time that judging it would take, in characters. */
const LONGEST_URI = 65_536;

/** What tools say of themselves; each is read once. */
const hints = new WeakMap<CatalogItem, Hints>();

function hintsIn(tool: CatalogItem): Hints {
  const known = hints.get(tool);
  if (known) return known;
  const { annotations } = JSON.parse(tool.raw.toString('utf8')) as { annotations?: unknown };
  const found = hintsOf(annotations);
  hints.set(tool, found);
  return found;
}
