import { firstFree, hashedForm } from './digest.ts';
import { UriTemplate } from './uri-templates.ts';

/** A URI or template as an upstream knows it. */
export interface Unqualified {
  readonly upstream: string;
  readonly text: string;
}

const BASE_LENGTH = 40;
/** The longest host label, RFC 1035 §2.3.4. */
const LABEL_LENGTH = 63;
const MCP_FORMS = new UriTemplate('mcp+{+rest}');
const UI_FORMS = new UriTemplate('ui://{+rest}');

/**
 * One label per upstream id, the same whatever the order of `ids`: [a-z0-9-], a letter or digit at both ends, fit for a
 * URI scheme and a host name. An id that is such a label keeps it; others are mapped, with a hash where that is not unique.
 * @param ids distinct upstream ids
 */
export function uriLabels(ids: readonly string[]): ReadonlyMap<string, string> {
  const bases = new Map(ids.map((id) => [id, baseOf(id)]));
  const uses = new Map<string, number>();
  for (const base of bases.values()) uses.set(base, (uses.get(base) ?? 0) + 1);
  const labels = new Map<string, string>();
  for (const [id, base] of bases) if (base === id || uses.get(base) === 1) labels.set(id, base);
  const taken = new Set(labels.values());
  for (const id of ids.filter((each) => !labels.has(each)).sort()) {
    const label = firstFree(taken, (attempt) => hashedForm(bases.get(id)!, '-', id, attempt, LABEL_LENGTH));
    taken.add(label);
    labels.set(id, label);
  }
  return labels;
}

function baseOf(id: string): string {
  const mapped = id.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const start = mapped.startsWith('-') ? 1 : 0;
  const base = mapped.slice(start, start + BASE_LENGTH);
  return (base.endsWith('-') ? base.slice(0, -1) : base) || 'u';
}

/**
 * Qualifies URIs and templates with their upstream and takes that off again, without state: `ui://rest` becomes
 * `ui://label.rest`, anything else `mcp+label:anything else`. Nothing but the beginning changes, so qualifying a template
 * and expanding it may be done in either order. Scheme and label are read ignoring case.
 */
export class Qualifier {
  readonly #labels: ReadonlyMap<string, string>;
  readonly #upstreams: ReadonlyMap<string, string>;

  /** @param ids distinct upstream ids */
  constructor(ids: readonly string[]) {
    this.#labels = uriLabels(ids);
    this.#upstreams = new Map([...this.#labels].map(([id, label]) => [label, id]));
  }

  has(upstream: string): boolean {
    return this.#labels.has(upstream);
  }

  /** The qualified form of a URI or template of a known upstream. */
  qualify(upstream: string, text: string): string {
    const label = this.#labels.get(upstream)!;
    return text.startsWith('ui://') ? `ui://${label}.${text.slice(5)}` : `mcp+${label}:${text}`;
  }

  /** Tells whether `text` begins like a qualified form, of a known upstream or not. */
  looksQualified(text: string): boolean {
    return /^mcp\+/i.test(text) || this.#parseUi(text) !== undefined;
  }

  /** Tells whether some expansion of `template` may begin like a qualified form. */
  mayLookQualified(template: UriTemplate): boolean {
    if (!template.valid) return this.looksQualified(template.raw);
    const head = lower(template.literalPrefix.slice(0, 5));
    if (!'mcp+'.startsWith(head.slice(0, 4)) && !'ui://'.startsWith(head)) return false;
    const folded = new UriTemplate(lower(template.raw));
    if (folded.overlaps(MCP_FORMS)) return true;
    if (!folded.overlaps(UI_FORMS)) return false;
    return [...this.#upstreams.keys()].some((label) => folded.overlaps(new UriTemplate(`ui://${label}.{+rest}`)));
  }

  /** The upstream and its own text, or undefined where `text` is not the qualified form of a known upstream. */
  parse(text: string): Unqualified | undefined {
    const ui = this.#parseUi(text);
    if (ui !== undefined) return ui;
    const colon = text.indexOf(':');
    if (!/^mcp\+/i.test(text) || colon < 0) return undefined;
    const upstream = this.#upstreams.get(lower(text.slice(4, colon)));
    return upstream === undefined ? undefined : { upstream, text: text.slice(colon + 1) };
  }

  #parseUi(text: string): Unqualified | undefined {
    if (!/^ui:\/\//i.test(text)) return undefined;
    const dot = text.indexOf('.', 5);
    if (dot < 0) return undefined;
    const upstream = this.#upstreams.get(lower(text.slice(5, dot)));
    return upstream === undefined ? undefined : { upstream, text: `ui://${text.slice(dot + 1)}` };
  }
}

/** Lower-cases ASCII letters only, as schemes and labels are compared. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
