/** How a request ends that its upstream did not answer, or answered with no proper message. */
import { Fault } from '../errors.ts';
import type { Outcome } from '../protocol/call.ts';
import type { WireFault } from './wire.ts';

/** The transport failed while the request was under way. */
export function lost(upstream: string, method: string, fault: WireFault): Outcome {
  if (fault.fault) return failed(fault.fault, fault.unsent);
  if (fault.malformed) return malformedAnswer(upstream, method, fault.message);
  if (fault.unsent) return unavailable(upstream, fault.message);
  return failed(new Fault('upstreamLost', { upstream, method, detail: fault.message }));
}

/** The request was not sent. */
export const unavailable = (upstream: string, detail: string): Outcome =>
  failed(new Fault('upstreamUnavailable', { upstream, detail }), true);

/** The answer was no proper one. */
export const malformedAnswer = (upstream: string, method: string, detail: string): Outcome =>
  failed(new Fault('upstreamMalformed', { upstream, method, detail }));

/** No answer came in `ms` milliseconds, which the config key `knob` set. */
export const timedOut = (upstream: string, method: string, ms: number, knob: string): Outcome =>
  failed(new Fault('upstreamTimeout', { upstream, method, ms, knob }));

const failed = (error: Fault, unsent = false): Outcome => ({ kind: 'error', error, unsent });
