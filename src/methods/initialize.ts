/** initialize: answered by the gateway itself, from what it knows of its upstreams. */
import type { LegacyVersion } from '../protocol/versions.ts';
import { mergeCapabilities, mergeInstructions } from './capabilities.ts';
import { isSole, type MethodContext } from './context.ts';

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
  const instructions = mergeInstructions(catalogs, sole, context.separator);
  return JSON.stringify({
    protocolVersion: version,
    capabilities: mergeCapabilities(catalogs, complete, sole),
    serverInfo: { name: 'patchbay', title: 'Patchbay', version: context.version },
    ...(instructions === undefined ? {} : { instructions }),
  });
}
