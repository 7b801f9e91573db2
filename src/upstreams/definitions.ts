/** What an upstream says of an item, in a form that is equal for equal meanings. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../protocol/json/canonical.ts';
import type { CatalogItem, ItemKind } from './catalog.ts';

export interface Definition {
  /** As JSON.parse builds it, without what changes by itself. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Of the canonical text of `value`: equal whatever the order of members and the spelling of numbers and strings. */
  readonly hash: string;
}

/** Items are read once. */
const read = new WeakMap<CatalogItem, Definition>();

/** @param item as its upstream says it */
export function definitionOf(kind: ItemKind, item: CatalogItem): Definition {
  const known = read.get(item);
  if (known) return known;
  const value = lasting(kind, JSON.parse(item.raw.toString('utf8')) as Record<string, unknown>);
  const definition = { value, hash: hashOf(value) };
  read.set(item, definition);
  return definition;
}

/** The hash of a definition. */
export const hashOf = (value: unknown): string =>
  `sha256-${createHash('sha256').update(canonicalJson(value)).digest('base64')}`;

/** What a resource says of its content changes with it. */
function lasting(kind: ItemKind, value: Record<string, unknown>): Record<string, unknown> {
  if (kind !== 'resources' && kind !== 'resourceTemplates') return value;
  const { size: _, annotations, ...others } = value;
  if (typeof annotations !== 'object' || annotations === null)
    return { ...others, ...(annotations !== undefined && { annotations }) };
  const { lastModified: _at, ...rest } = annotations as Record<string, unknown>;
  return Object.keys(rest).length > 0 ? { ...others, annotations: rest } : others;
}
