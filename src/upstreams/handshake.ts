/** The legacy handshake as a client (2025-11-25, lifecycle). */
import { Fault } from '../errors.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import { valueAt } from '../protocol/message.ts';
import { isLegacyVersion, LATEST_LEGACY } from '../protocol/versions.ts';
import { ask, UpstreamError } from './ask.ts';
import type { Link } from './link.ts';
import { WireFault } from './wire.ts';

/** Faults whose text speaks of a request; of a handshake only its detail is to be told. */
const ENDED: ReadonlySet<string> = new Set(['upstreamUnavailable', 'upstreamLost']);

/**
 * Sends `initialize` and reads the answer. The caller sends `notifications/initialized`.
 * @throws WireFault when the answer is an error, or names a version that is not a legacy one
 */
export async function handshake(
  link: Pick<Link, 'request'>,
  client: { readonly capabilities: object; readonly info: object },
  timeout: number,
): Promise<ServerFacts> {
  const deadline = { idle: timeout, total: timeout, knob: 'timeouts.open' };
  const params = { protocolVersion: LATEST_LEGACY, capabilities: client.capabilities, clientInfo: client.info };
  let result: Record<string, unknown>;
  try {
    const message = await ask(link, 'initialize', params, deadline);
    result = valueAt(message.bytes, message.result!) as Record<string, unknown>;
  } catch (error) {
    const inner = error instanceof Fault && ENDED.has(error.fault) ? error.details.detail : undefined;
    const told = inner ?? (error as Error).message;
    const text = error instanceof UpstreamError ? `it refused the handshake: ${error.message}` : String(told);
    throw new WireFault(text, { unsent: true, cause: error });
  }
  const { protocolVersion, capabilities, serverInfo, instructions } = result;
  if (typeof protocolVersion !== 'string' || !isLegacyVersion(protocolVersion))
    throw new WireFault(`it speaks protocol version ${JSON.stringify(protocolVersion)}, which has no handshake`, {
      unsent: true,
    });
  return {
    era: 'legacy',
    version: protocolVersion,
    capabilities: asObject(capabilities),
    info: asObject(serverInfo),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
