/** Why somebody may use an item, or may not: what `patchbay explain` finds out. */
import type { Grants } from '../auth/grants.ts';
import type { Profile } from '../auth/profiles.ts';
import { distance } from '../config/nearest.ts';
import type { View } from '../methods/view.ts';
import { type Decision, EVERYTHING, Visible } from '../methods/visible.ts';
import type { Principal } from '../protocol/call.ts';
import type { ItemKind } from '../upstreams/catalog.ts';

/** One item that a name stands for. */
export interface Explained {
  readonly kind: 'tool' | 'prompt' | 'resource' | 'resource template';
  /** What clients call it. */
  readonly exposed: string;
  readonly upstream: string;
  readonly upstreamName: string;
  /** Whether its upstream lists it; resources can be read without that. */
  readonly listed: boolean;
  /** Whether the profile has it, and the rule that says so; none where nothing includes it, or everything is. */
  readonly profile: {
    readonly name: string;
    readonly path: string;
    readonly selected: boolean;
    readonly rule?: string;
  };
  /** Absent where the config has none. */
  readonly policy?: { readonly allowed: boolean; readonly rule?: string };
  readonly scopes: { readonly needed: readonly string[]; readonly missing: readonly string[] };
  /** Whether `hide` in `items` of its upstream takes it away from everyone. */
  readonly hidden: boolean;
  /** Present where it is taken from everyone, since its definition is not the pinned one. */
  readonly quarantined?: true;
  /** Whether it is listed, and there at all. */
  readonly visible: boolean;
  /** Whether a call goes through. */
  readonly usable: boolean;
}

export interface Question {
  /** An exposed name, a URI, or `upstream/item`. */
  readonly name: string;
  readonly principal: Principal;
  readonly profile: Profile;
  readonly grants: Grants;
  /** Of all upstreams. */
  readonly view: View;
  /** The same without what the config says of single items. */
  readonly plain: View;
  /** Whether tokens are asked for at all. */
  readonly tokens: boolean;
  /** Whether an item is held back by the pins. */
  holds(kind: ItemKind, upstream: string, name: string): boolean;
}

interface Found {
  readonly kind: ItemKind;
  readonly exposed: string;
  readonly upstream: string;
  readonly name: string;
  readonly hidden?: boolean;
}

const KINDS: Readonly<Record<ItemKind, { readonly word: Explained['kind']; readonly method: string }>> = {
  tools: { word: 'tool', method: 'tools/call' },
  prompts: { word: 'prompt', method: 'prompts/get' },
  resources: { word: 'resource', method: 'resources/read' },
  resourceTemplates: { word: 'resource template', method: 'resources/read' },
};

/** @returns everything that the name stands for, which may be a tool and a prompt; nothing where it is unknown */
export function explainItem(question: Question): Explained[] {
  return find(question).map((found) => judge(question, found));
}

/** The known names that are most like another one, at most three. */
export function nearestItems(view: View, name: string): string[] {
  const asked = name.toLowerCase();
  const names = new Set(all(view).map(({ exposed }) => exposed));
  const scored = [...names].map((known) => {
    const other = known.toLowerCase();
    // who leaves the prefix out means the rest
    const part = other.includes(asked) || asked.includes(other);
    return {
      known,
      steps: part ? 0 : distance(asked, other),
      most: Math.floor(Math.max(asked.length, other.length) / 3),
    };
  });
  const near = scored.filter(({ steps, most }) => steps <= most).sort((a, b) => a.steps - b.steps);
  return near.slice(0, 3).map(({ known }) => known);
}

function all({ lists, tools, prompts, uris }: View): Found[] {
  const of = (kind: ItemKind, expose: (upstream: string, name: string) => string | undefined): Found[] =>
    lists[kind].origins.flatMap(({ upstream, item: { name } }) => {
      const exposed = expose(upstream, name);
      return exposed === undefined ? [] : [{ kind, exposed, upstream, name }];
    });
  return [
    ...of('tools', (upstream, name) => tools.expose(upstream, name)),
    ...of('prompts', (upstream, name) => prompts.expose(upstream, name)),
    ...of('resources', (upstream, name) => uris.exposeUri(upstream, name)),
    ...of('resourceTemplates', (upstream, name) => uris.exposeTemplate(upstream, name)),
  ];
}

function find({ name: asked, view, plain }: Question): Found[] {
  const known = all(view);
  const calledSo = (some: readonly Found[]): Found[] => {
    const exposed = some.filter((one) => one.exposed === asked);
    return exposed.length > 0 ? exposed : some.filter(({ upstream, name }) => `${upstream}/${name}` === asked);
  };
  const found = calledSo(known);
  if (found.length > 0) return found;
  const before = calledSo(all(plain));
  if (before.length > 0)
    return before.map((one) => {
      const { kind, upstream, name } = one;
      const now = known.find((other) => other.kind === kind && other.upstream === upstream && other.name === name);
      return now ?? { ...one, hidden: true };
    });
  if (!/^[a-z][a-z0-9+.-]*:/i.test(asked)) return [];
  const owner = view.uris.resolveUri(asked);
  return owner ? [{ kind: 'resources', exposed: asked, upstream: owner.upstream, name: owner.uri }] : [];
}

function judge({ principal, profile, grants, view, tokens, holds }: Question, found: Found): Explained {
  const { kind, exposed, upstream, name, hidden = false } = found;
  const grant = grants.of(principal, profile.name);
  const catalog = view.catalogs.find((one) => one.upstream === upstream);
  const by = (selection: boolean): Decision => {
    const { selection: rules, policy } = grant ?? {};
    const part = selection ? { selection: rules, policy: undefined } : { selection: undefined, policy };
    return part.selection || part.policy ? new Visible(part, upstream, catalog).decide(kind, name) : EVERYTHING;
  };
  const [selected, allowed] = [by(true), by(false)];
  const scopes = tokens ? profile.scopes.needed({ method: KINDS[kind].method, item: { upstream, name } }) : [];
  const held = profile.scopes.heldBy(principal);
  const missing = scopes.filter((scope) => !held.has(scope));
  const quarantined = !hidden && holds(kind, upstream, name);
  const visible = !hidden && !quarantined && selected.visible && allowed.visible;
  return {
    kind: KINDS[kind].word,
    exposed,
    upstream,
    upstreamName: name,
    listed: hidden || (catalog?.items[kind].some((item) => item.name === name) ?? false),
    profile: { name: profile.name, path: profile.path, selected: selected.visible, ...ruleOf(selected) },
    ...(grants.personal ? { policy: { allowed: allowed.visible, ...ruleOf(allowed) } } : {}),
    scopes: { needed: scopes, missing },
    hidden,
    ...(quarantined && { quarantined }),
    visible,
    usable: visible && missing.length === 0,
  };
}

const ruleOf = ({ rule }: Decision): { rule?: string } => (rule ? { rule: rule.label } : {});
