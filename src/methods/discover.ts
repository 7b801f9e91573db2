/** server/discover: answered by the gateway itself, from what it knows of its upstreams. */
import { modernMethods } from '../protocol/methods.ts';
import { MODERN_VERSIONS } from '../protocol/versions.ts';
import { cachingOf } from './caching.ts';
import { instructionsFor, mergeCapabilities } from './capabilities.ts';
import { isSole, type Method, type MethodContext, missingFor, settled, type Viewer } from './context.ts';

/** What is declared to a modern client. */
function capabilitiesFor(context: MethodContext, viewer: Viewer): Record<string, unknown> {
  const complete = missingFor(context, viewer).length === 0;
  const { experimental, tasks, ...merged } = mergeCapabilities(
    context.view(viewer).catalogs,
    complete,
    isSole(context),
  );
  return merged;
}

/** Whether a request of this method is served: it is known in this era, and what backs it is declared. */
export async function serves(context: MethodContext, viewer: Viewer, method: string): Promise<boolean> {
  const facts = modernMethods.get(method);
  if (!facts) return false;
  const { capability, extension } = facts;
  if (capability === undefined && extension === undefined) return true;
  await settled(context, viewer);
  const declared = capabilitiesFor(context, viewer);
  if (extension !== undefined) return Object.hasOwn((declared.extensions ?? {}) as object, extension);
  return Object.hasOwn(declared, capability!);
}

export const discover: Method = async (context, call) => {
  await settled(context, call);
  context.catalogs.revalidate(call.client.audience);
  const instructions = instructionsFor(context, call);
  const result = JSON.stringify({
    supportedVersions: MODERN_VERSIONS,
    capabilities: capabilitiesFor(context, call),
    ...(instructions === undefined ? {} : { instructions }),
  });
  call.sink.done({ kind: 'local', result, cache: cachingOf(context, call) });
};
