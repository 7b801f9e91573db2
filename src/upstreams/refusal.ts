/** Failures that tell that somebody is there and says no, rather than that nobody is there. */
import { Fault } from '../errors.ts';
import { UpstreamError } from './ask.ts';
import { WireFault } from './wire.ts';

/** Statuses with which a server answers a POST that it has no use for (2025-11-25, backwards compatibility). */
const REFUSED = new Set([400, 404, 405]);

/** @param error of an opening or a request @returns whether the HTTP status of its answer was a refusal */
export function isRefusedByStatus(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof Fault && cause.fault === 'upstreamStatus' && REFUSED.has(Number(cause.details.status));
}

/** @param error of an opening or a request @returns whether the answer was a refusal, by its status or its message */
export const isRefusal = (error: unknown): boolean =>
  causeOf(error) instanceof UpstreamError || isRefusedByStatus(error);

const causeOf = (error: unknown): unknown => (error instanceof WireFault ? error.cause : undefined);
