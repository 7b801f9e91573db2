import type { LearnedOwners } from './learned.ts';
import { Qualifier } from './qualify.ts';
import { markContested, type OwnedTemplate, TemplateIndex } from './template-index.ts';
import { UriTemplate } from './uri-templates.ts';

/** The URIs one upstream offers, as it knows them. */
export interface UriSource {
  readonly id: string;
  /** URIs of its resources. */
  readonly uris: readonly string[];
  /** URI templates of its resource templates. */
  readonly templates: readonly string[];
  /** URIs that its tools name in `_meta.ui.resourceUri`. */
  readonly uiUris: readonly string[];
}

export interface UriTarget {
  readonly upstream: string;
  readonly uri: string;
}

export interface TemplateTarget {
  readonly upstream: string;
  readonly template: string;
}

/** Exposed URIs and upstream URIs, each from the other. */
export interface UriTable {
  /**
   * The form of an upstream's URI that clients see: of a listed resource, contents, a link, an embedded resource, an
   * update. A URI that nothing attributes stays verbatim where `learned` can keep its owner, and is qualified without it.
   * A URI of an upstream that is not configured is left alone.
   */
  exposeUri(upstream: string, uri: string, learned?: LearnedOwners): string;
  /** The form of an upstream's URI template that clients see. */
  exposeTemplate(upstream: string, template: string): string;
  /** The owner of an exposed URI and its own form, or undefined: not found, whatever the reason. */
  resolveUri(uri: string, learned?: LearnedOwners): UriTarget | undefined;
  /** The owner of an exposed template and its own form, or undefined. */
  resolveTemplate(template: string): TemplateTarget | undefined;
}

/**
 * Builds the table of URIs.
 *
 * A URI or template stays verbatim while one upstream alone can own it. Qualified are: a URI that several upstreams
 * list; a template that overlaps another upstream's or matches a URI another lists; a URI that came in a result and may
 * be another's; and whatever could be read as a qualified form. Web links in results always stay verbatim: a host may
 * fetch them itself.
 *
 * @param upstreams every configured upstream in config order, ids distinct
 * @param options.transparent pass everything through unchanged; heeded only where there is exactly one upstream
 */
export function uriTable(upstreams: readonly UriSource[], options: { readonly transparent: boolean }): UriTable {
  const [first] = upstreams;
  return options.transparent && upstreams.length === 1 ? transparentTable(first!.id) : new SharedTable(upstreams);
}

function transparentTable(upstream: string): UriTable {
  return {
    exposeUri: (_, uri) => uri,
    exposeTemplate: (_, template) => template,
    resolveUri: (uri) => ({ upstream, uri }),
    resolveTemplate: (template) => ({ upstream, template }),
  };
}

class SharedTable implements UriTable {
  readonly #qualifier: Qualifier;
  /** Who lists a URI: one upstream, or several in a set. */
  readonly #listed = new Map<string, string | Set<string>>();
  /** Verbatim templates and their owners. */
  readonly #verbatim = new Map<string, string>();
  readonly #templates: TemplateIndex;
  /** The one upstream that offers resources, where there is only one. */
  readonly #sole: string | undefined;

  constructor(upstreams: readonly UriSource[]) {
    this.#qualifier = new Qualifier(upstreams.map(({ id }) => id));
    for (const { id, uris, uiUris } of upstreams) {
      for (const uri of uris) this.#list(id, uri);
      for (const uri of uiUris) this.#list(id, uri);
    }
    const templates = upstreams.flatMap(({ id, templates: raws }) => this.#owned(id, raws));
    markContested(templates, this.#owners());
    for (const { upstream, template, contested } of templates) {
      if (!contested) this.#verbatim.set(template.raw, upstream);
    }
    this.#templates = new TemplateIndex(templates);
    const offering = upstreams.filter(
      ({ uris, templates: raws, uiUris }) => uris.length + raws.length + uiUris.length > 0,
    );
    this.#sole = offering.length === 1 ? offering[0]!.id : undefined;
  }

  exposeUri(upstream: string, uri: string, learned?: LearnedOwners): string {
    if (!this.#qualifier.has(upstream)) return uri;
    const qualified = this.#qualifier.qualify(upstream, uri);
    if (this.#qualifier.looksQualified(uri)) return qualified;
    const listers = this.#listed.get(uri);
    if (listers === upstream) return uri;
    const listsIt = listers instanceof Set && listers.has(upstream);
    const free = listers === undefined && this.#isFree(upstream, uri, learned);
    if (free) learned?.learn(uri, upstream);
    if (!listsIt && /^https?:/i.test(uri)) return uri;
    return free && this.#attributed(uri, learned) === upstream ? uri : qualified;
  }

  exposeTemplate(upstream: string, template: string): string {
    if (!this.#qualifier.has(upstream) || this.#verbatim.get(template) === upstream) return template;
    return this.#qualifier.qualify(upstream, template);
  }

  resolveUri(uri: string, learned?: LearnedOwners): UriTarget | undefined {
    if (this.#qualifier.looksQualified(uri)) {
      const own = this.#qualifier.parse(uri);
      return own && { upstream: own.upstream, uri: own.text };
    }
    const listers = this.#listed.get(uri);
    const upstream = typeof listers === 'string' ? listers : (this.#attributed(uri, learned) ?? this.#sole);
    return upstream === undefined ? undefined : { upstream, uri };
  }

  resolveTemplate(template: string): TemplateTarget | undefined {
    if (this.#qualifier.looksQualified(template)) {
      const own = this.#qualifier.parse(template);
      return own && { upstream: own.upstream, template: own.text };
    }
    const upstream = this.#verbatim.get(template) ?? this.#sole;
    return upstream === undefined ? undefined : { upstream, template };
  }

  #list(upstream: string, uri: string): void {
    const listers = this.#listed.get(uri);
    if (listers === undefined) this.#listed.set(uri, upstream);
    else if (listers instanceof Set) listers.add(upstream);
    else if (listers !== upstream) this.#listed.set(uri, new Set([listers, upstream]));
  }

  *#owners(): Generator<readonly [string, string | null]> {
    for (const [uri, listers] of this.#listed) yield [uri, typeof listers === 'string' ? listers : null];
  }

  #owned(upstream: string, raws: readonly string[]): OwnedTemplate[] {
    return [...new Set(raws)].map((raw) => {
      const template = new UriTemplate(raw);
      return { upstream, template, contested: this.#qualifier.mayLookQualified(template) };
    });
  }

  /** Tells whether no other upstream may own a URI that is not listed. */
  #isFree(upstream: string, uri: string, learned: LearnedOwners | undefined): boolean {
    const owner = this.#ownerLearned(uri, learned);
    if (owner !== undefined && owner !== upstream) return false;
    let contested = false;
    for (const match of this.#templates.matching(uri)) {
      if (match.upstream !== upstream) return false;
      if (!match.contested) return true;
      contested = true;
    }
    return !contested;
  }

  /** The owner of a URI that no single upstream lists: by a verbatim template, else as learned. */
  #attributed(uri: string, learned: LearnedOwners | undefined): string | undefined {
    for (const { upstream, contested } of this.#templates.matching(uri)) if (!contested) return upstream;
    return this.#ownerLearned(uri, learned);
  }

  /** The learned owner, unless that upstream is no longer configured. */
  #ownerLearned(uri: string, learned: LearnedOwners | undefined): string | undefined {
    const owner = learned?.owner(uri);
    return owner !== undefined && this.#qualifier.has(owner) ? owner : undefined;
  }
}
