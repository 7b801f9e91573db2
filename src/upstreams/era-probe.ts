/** Finds out which era an upstream belongs to (2026-07-28, versioning, backward compatibility). */
import { code, Fault } from '../errors.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import { compose, type Message, numberAt, readMessage, valueAt } from '../protocol/message.ts';
import { modernRequest } from '../protocol/modern/codec.ts';
import { LATEST_MODERN } from '../protocol/versions.ts';
import { gatewayCall, UpstreamError } from './ask.ts';
import { isDiscovery, readDiscovery, unsupported, versionAfter } from './discover.ts';
import type { ClientIdentity } from './link.ts';
import { type Wire, WireFault } from './wire.ts';

export type Verdict =
  | { readonly era: 'modern'; readonly server: ServerFacts }
  | {
      readonly era: 'legacy';
      readonly reason: string;
      /** Whether the transport can go on being used. */
      readonly alive: boolean;
      /** Whether it said so itself, rather than being silent. */
      readonly sure: boolean;
    };

const MODERN_CODES: ReadonlySet<unknown> = new Set([
  code.headerMismatch,
  code.missingCapability,
  code.unsupportedVersion,
]);
/** Statuses that say nothing about the era: it has to be asked again. */
const NO_VERDICT = (status: number): boolean => status === 401 || status === 403 || status === 429 || status >= 500;

/** The id of the question, which no request of a link has. */
export const PROBE_ID = 0;

type Heard = Message | WireFault | 'silence';

/**
 * Asks `server/discover` over a wire that nothing was sent over yet, and starts the wire. Any answer but one of the modern
 * era is that of a legacy server, whatever its code; so is silence where `silence` allows it, and the end of the process.
 * @param ms how long to wait, milliseconds
 * @throws WireFault when there is no verdict
 */
export async function probe(wire: Wire, client: ClientIdentity, ms: number, silent: boolean): Promise<Verdict> {
  let hear: (heard: Heard) => void = () => undefined;
  await wire.start({
    message: (bytes) => {
      const message = answerIn(bytes);
      if (message) hear(message);
    },
    failed: (_, fault) => hear(fault),
    away: () => undefined,
    missed: () => undefined,
    gone: () => undefined,
    closed: (fault) => hear(fault ?? new WireFault('it is being closed', { unsent: true })),
  });
  const ask = (version: string): Promise<Heard> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve('silence'), ms);
      hear = (heard) => {
        clearTimeout(timer);
        resolve(heard);
      };
      const call = gatewayCall(readMessage(compose('server/discover', {}, PROBE_ID)));
      const { capabilities, info } = client;
      const { body, headers } = modernRequest(call, PROBE_ID, { version, capabilities, info });
      wire.send(body, PROBE_ID, headers);
    });
  let heard = await ask(LATEST_MODERN);
  if (isMessage(heard)) {
    const version = versionAfter(heard);
    wire.forget(PROBE_ID);
    if (version !== undefined) heard = await ask(version);
  }
  if (heard === 'silence') {
    wire.abort(PROBE_ID);
    if (silent) return { era: 'legacy', reason: `no answer within ${ms} ms`, alive: true, sure: false };
    throw new WireFault(`it did not answer within ${ms} ms (timeouts.open)`, { unsent: true });
  }
  return isMessage(heard) ? verdictOf(heard) : afterFault(heard, wire.separate);
}

const isMessage = (heard: Heard): heard is Message => typeof heard === 'object' && !(heard instanceof Error);

function verdictOf(message: Message): Verdict {
  if (isDiscovery(message)) return { era: 'modern', server: readDiscovery(message) };
  const error = message.error ? (valueAt(message.bytes, message.error) as Record<string, unknown>) : {};
  if (MODERN_CODES.has(error.code)) {
    if (error.code === code.unsupportedVersion)
      throw unsupported((error.data as { supported?: unknown } | undefined)?.supported);
    const cause = new UpstreamError(Number(error.code), String(error.message));
    throw new WireFault(`it refuses to be asked what it is: ${cause.message}`, { unsent: true, cause });
  }
  return { era: 'legacy', reason: `it answered with error ${String(error.code)}`, alive: true, sure: true };
}

function afterFault(fault: WireFault, separate: boolean): Verdict {
  // a process that ends when it is asked does not know the request
  if (!separate) return { era: 'legacy', reason: fault.message, alive: false, sure: true };
  const inner = fault.fault;
  if (inner instanceof Fault && inner.fault === 'upstreamStatus') {
    // what an admin can do about it is in the fault
    if (NO_VERDICT(Number(inner.details.status))) throw new WireFault(inner.message, { unsent: true, cause: inner });
    return { era: 'legacy', reason: fault.message, alive: true, sure: true };
  }
  if (fault.malformed || /without a message/.test(fault.message))
    return { era: 'legacy', reason: fault.message, alive: true, sure: true };
  throw fault;
}

/** The answer to the request above, where the message is that. */
function answerIn(bytes: Buffer): Message | undefined {
  try {
    const message = readMessage(bytes);
    const answers = message.id && message.method === undefined && numberAt(message.bytes, message.id) === PROBE_ID;
    return answers ? message : undefined;
  } catch {
    return undefined;
  }
}
