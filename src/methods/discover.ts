/** server/discover: answered by the gateway itself, from what it knows of its upstreams. */
import type { ClientFacts } from '../protocol/call.ts';
import { modernMethods } from '../protocol/methods.ts';
import { MODERN_VERSIONS } from '../protocol/versions.ts';
import { cachingOf } from './caching.ts';
import { mergeCapabilities, mergeInstructions } from './capabilities.ts';
import { isSole, type Method, type MethodContext } from './context.ts';

/** What is declared to modern clients of an audience. */
function capabilitiesFor(context: MethodContext, audience: string): Record<string, unknown> {
  const complete = context.catalogs.missing(audience).length === 0;
  const { experimental, tasks, ...merged } = mergeCapabilities(
    context.view(audience).catalogs,
    complete,
    isSole(context),
  );
  return merged;
}

/** Whether a request of this method is served: it is known in this era, and what backs it is declared. */
export async function serves(context: MethodContext, { audience }: ClientFacts, method: string): Promise<boolean> {
  const facts = modernMethods.get(method);
  if (!facts) return false;
  const { capability, extension } = facts;
  if (capability === undefined && extension === undefined) return true;
  await context.catalogs.settled(audience, context.lists.firstWait);
  const declared = capabilitiesFor(context, audience);
  if (extension !== undefined) return Object.hasOwn((declared.extensions ?? {}) as object, extension);
  return Object.hasOwn(declared, capability!);
}

export const discover: Method = async (context, call) => {
  const { audience } = call.client;
  await context.catalogs.settled(audience, context.lists.firstWait);
  context.catalogs.revalidate(audience);
  const { catalogs } = context.view(audience);
  const instructions = mergeInstructions(catalogs, isSole(context), context.separator);
  const result = JSON.stringify({
    supportedVersions: MODERN_VERSIONS,
    capabilities: capabilitiesFor(context, audience),
    ...(instructions === undefined ? {} : { instructions }),
  });
  call.sink.done({ kind: 'local', result, cache: cachingOf(context, audience) });
};
