/**
 * `requestState`: what a modern client brings back when it goes on with a request (2026-07-28, multi round-trip requests).
 * It is sealed, and good for the principal, profile, method, target and arguments that it was made for alone.
 */
import { salientDigest } from '../bridge/salient.ts';
import { Fault } from '../errors.ts';
import type { Call } from '../protocol/call.ts';
import type { MethodContext } from './context.ts';

/** How a request goes on. */
export type RequestState =
  /** At an upstream that keeps nothing: `state` is its own text, as JSON, and `id` tells this one from all others. */
  | {
      readonly kind: 'forward';
      readonly id: string;
      readonly upstream: string;
      readonly name: string;
      readonly state: string | undefined;
    }
  /** As a call that waits here. */
  | { readonly kind: 'park'; readonly park: string; readonly round: number }
  /** From the start, once the person has been to web pages. */
  | {
      readonly kind: 'url';
      readonly upstream: string;
      /** What the client was asked, and what the upstream calls each. */
      readonly elicitations: readonly { readonly key: string; readonly id: string }[];
    };

interface Sealed {
  readonly s: RequestState;
  /** When it ends, milliseconds since 1970. */
  readonly exp: number;
}

/** How long a client may take to come back, milliseconds. */
const LIFETIME = 15 * 60_000;
/** Clocks of several gateways may differ by this, milliseconds. */
const SKEW = 60_000;
/** A state that is older than this is good for nothing, milliseconds. */
export const LONGEST_LIFE = LIFETIME + 2 * SKEW;
/** An upstream's own state may be this long, in characters. */
export const LONGEST_STATE = 256 * 1024;

/** @param target the name or URI that the client used */
export function sealState(context: MethodContext, call: Call, target: string, state: RequestState): string {
  const sealed: Sealed = { s: state, exp: Date.now() + LIFETIME };
  // what an upstream keeps for itself, any worker can send it
  const worker = state.kind === 'forward' ? undefined : context.worker;
  return context.sealer.seal(JSON.stringify(sealed), boundTo(call, target), worker);
}

/** @throws Fault `invalidState`, the same whatever is wrong with it */
export function openState(context: MethodContext, call: Call, target: string, text: string): RequestState {
  const opened = context.sealer.open(text, boundTo(call, target));
  const sealed = opened === undefined ? undefined : (JSON.parse(opened) as Sealed);
  if (!sealed || sealed.exp + SKEW < Date.now()) throw new Fault('invalidState');
  return sealed.s;
}

function boundTo({ principal, client, method, message, params }: Call, target: string): string {
  const args = params.find('arguments');
  const digest = args ? salientDigest(message.bytes.toString('utf8', args.start, args.end)) : '';
  return ['state', principal.key, client.profile, method, target, digest].join('\0');
}
