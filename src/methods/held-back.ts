/** Tells who asks for an item that is held back why it is not there; to others it is as unknown as anything. */
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import type { ItemKind } from '../upstreams/catalog.ts';
import type { MethodContext } from './context.ts';

/** @param exposed what nobody was found by @returns `undefined` where it is not known at all, or not to this client */
export function heldBack(
  context: MethodContext,
  call: Pick<Call, 'principal' | 'client'>,
  kind: ItemKind,
  exposed: string,
): Fault | undefined {
  const found = context.whole(call.client.audience).held?.(kind, exposed, context.learned(call.principal.key));
  if (!found || !context.view(call).sees(kind, found.upstream, found.name)) return undefined;
  return new Fault('quarantined', { item: exposed, upstream: found.upstream });
}
