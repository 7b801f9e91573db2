/** What profiles and policies are about: items, and the patterns `upstream/item` that they are named by. */

import { globMatcher } from '../config/glob.ts';
import type { ItemKind } from '../upstreams/catalog.ts';

/** What a tool says of itself, with what the specification takes for granted where it says nothing. */
export interface Hints {
  readonly readOnly: boolean;
  readonly destructive: boolean;
  readonly idempotent: boolean;
  readonly openWorld: boolean;
}

/** One item, as its upstream knows it. */
export interface Item {
  readonly upstream: string;
  readonly kind: ItemKind;
  /** Its name, URI or URI template. */
  readonly name: string;
  /** Of a tool. */
  readonly hints?: Hints | undefined;
}

/** `readOnlyHint` and the others of a tool's annotations (2026-07-28, tools: ToolAnnotations). */
export function hintsOf(annotations: unknown): Hints {
  const said = (typeof annotations === 'object' && annotations !== null ? annotations : {}) as Record<string, unknown>;
  const readOnly = said.readOnlyHint === true;
  return {
    readOnly,
    // both mean something only where it is not read-only
    destructive: !readOnly && said.destructiveHint !== false,
    idempotent: readOnly || said.idempotentHint === true,
    openWorld: said.openWorldHint !== false,
  };
}

/** A pattern: an upstream, or `upstream/item`. */
export interface ItemPattern {
  readonly text: string;
  fits(upstream: string, name: string): boolean;
  /** Whether items of this upstream can fit. */
  fitsUpstream(upstream: string): boolean;
  /** Whether every item of this upstream fits. */
  fitsAllOf(upstream: string): boolean;
  /** Whether URIs of this upstream that it does not list can fit. */
  fitsUrisOf(upstream: string): boolean;
}

type Match = (text: string) => boolean;

/** @param text as in the config; `*` stands for any text, `docs` alone for all of an upstream */
export function itemPattern(text: string): ItemPattern {
  // names of upstreams may have slashes, too: whatever part of it is the name, the rest is the item
  const splits: { readonly upstream: Match; readonly item: Match; readonly all: boolean; readonly uris: boolean }[] =
    [];
  const add = (upstream: string, item: string): void => {
    splits.push({
      upstream: globMatcher(upstream),
      item: globMatcher(item),
      all: /^\*+$/.test(item),
      uris: /[*:]/.test(item),
    });
  };
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) add(text.slice(0, at), text.slice(at + 1));
  if (!/\/.*\*|\*.*\//.test(text)) add(text, '*');
  return {
    text,
    fits: (upstream, name) => splits.some((split) => split.upstream(upstream) && split.item(name)),
    fitsUpstream: (upstream) => splits.some((split) => split.upstream(upstream)),
    fitsAllOf: (upstream) => splits.some((split) => split.all && split.upstream(upstream)),
    fitsUrisOf: (upstream) => splits.some((split) => split.uris && split.upstream(upstream)),
  };
}
