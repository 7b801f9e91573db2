/** initialize: answered by the gateway itself, from what it knows of its upstreams. */

import { TASKS_EXTENSION } from '../protocol/meta.ts';
import type { LegacyVersion } from '../protocol/versions.ts';
import { instructionsFor, mergeCapabilities } from './capabilities.ts';
import { isSole, type MethodContext, missingFor, serverInfo, settled, type Viewer } from './context.ts';
import { TASKS_VERSION } from './legacy-tasks.ts';

/**
 * @param version the negotiated one
 * @returns the result as JSON text; waits for catalogs only where one is not known yet, and no longer than `firstWait`
 */
export async function initializeResult(
  context: MethodContext,
  version: LegacyVersion,
  viewer: Viewer,
): Promise<string> {
  await settled(context, viewer);
  const { catalogs } = context.view(viewer);
  const sole = isSole(context);
  const complete = missingFor(context, viewer).length === 0;
  const capabilities = mergeCapabilities(catalogs, complete, sole);
  // tasks of this kind came with the last version of this era
  if (version !== TASKS_VERSION) delete capabilities.tasks;
  const { [TASKS_EXTENSION]: _, ...extensions } = (capabilities.extensions ?? {}) as Record<string, unknown>;
  if (Object.keys(extensions).length > 0) capabilities.extensions = extensions;
  else delete capabilities.extensions;
  const instructions = instructionsFor(context, viewer);
  const rest = instructions === undefined ? '' : `,"instructions":${JSON.stringify(instructions)}`;
  const info = serverInfo(context, viewer.client);
  return `{"protocolVersion":"${version}","capabilities":${JSON.stringify(capabilities)},"serverInfo":${info}${rest}}`;
}
