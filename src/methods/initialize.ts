/** initialize: answered by the gateway itself, from what it knows of its upstreams. */

import { TASKS_EXTENSION } from '../protocol/meta.ts';
import type { LegacyVersion } from '../protocol/versions.ts';
import { mergeCapabilities, mergeInstructions } from './capabilities.ts';
import { isSole, type MethodContext } from './context.ts';
import { TASKS_VERSION } from './legacy-tasks.ts';

/**
 * @param version the negotiated one
 * @returns the result as JSON text; waits for catalogs only where one is not known yet, and no longer than `firstWait`
 */
export async function initializeResult(
  context: MethodContext,
  version: LegacyVersion,
  audience: string,
): Promise<string> {
  await context.catalogs.settled(audience, context.lists.firstWait);
  const { catalogs } = context.view(audience);
  const sole = isSole(context);
  const complete = context.catalogs.missing(audience).length === 0;
  const capabilities = mergeCapabilities(catalogs, complete, sole);
  // tasks of this kind came with the last version of this era
  if (version !== TASKS_VERSION) delete capabilities.tasks;
  const { [TASKS_EXTENSION]: _, ...extensions } = (capabilities.extensions ?? {}) as Record<string, unknown>;
  if (Object.keys(extensions).length > 0) capabilities.extensions = extensions;
  else delete capabilities.extensions;
  const instructions = mergeInstructions(catalogs, sole, context.separator);
  return JSON.stringify({
    protocolVersion: version,
    capabilities,
    serverInfo: { name: 'patchbay', title: 'Patchbay', version: context.version },
    ...(instructions === undefined ? {} : { instructions }),
  });
}
