/** Lists as clients of each version know them. */
import { type ClientVersion, toolFor } from '../bridge/convert/tools.ts';
import type { ClientFacts } from '../protocol/call.ts';
import type { ItemKind } from '../upstreams/catalog.ts';
import { listResult, type MergedList, type View } from './view.ts';

/** The tools of each view, by version. */
const dated = new WeakMap<View, Map<ClientVersion, MergedList>>();

/** A merged list for a client; made once for all clients of its version. */
export function listFor(view: View, kind: ItemKind, { era, version: spoken }: ClientFacts): MergedList {
  const list = view.lists[kind];
  if (kind !== 'tools') return list;
  const version = era === 'modern' ? era : (spoken as ClientVersion);
  const known = dated.get(view) ?? new Map<ClientVersion, MergedList>();
  dated.set(view, known);
  const made = known.get(version) ?? toolsFor(version, list);
  known.set(version, made);
  return made;
}

function toolsFor(version: ClientVersion, list: MergedList): MergedList {
  const items = list.items.map((tool) => toolFor(version, tool));
  if (items.every((item, i) => item === list.items[i])) return list;
  return { ...list, items, result: listResult('tools', items, list.extras) };
}
