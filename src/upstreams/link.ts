/** One live connection to an upstream, the same for every transport and era. */
import type { Call } from '../protocol/call.ts';
import type { ServerFacts } from '../protocol/codec.ts';
import type { Message } from '../protocol/message.ts';
import type { WireFault } from './wire.ts';

/** The lists an upstream can say have changed. */
export type ListKind = 'tools' | 'prompts' | 'resources';

export interface LinkListener {
  /** One of the upstream's lists is out of date. */
  listChanged(kind: ListKind): void;
  /** A log message that belongs to no call in particular. */
  log(notification: Message): void;
  /** The link is over; `fault` says why unless it was closed on purpose. Called once. */
  closed(fault: WireFault | undefined): void;
}

export interface Link {
  /** The upstream's name in the config. */
  readonly upstream: string;
  /** What the upstream said of itself when the link was opened. */
  readonly server: ServerFacts;
  readonly closed: boolean;
  /** Calls that are waiting for their answer. */
  readonly inFlight: number;
  /**
   * Sends the call to the upstream under its upstream name. Progress and the outcome go to the call's sink; `oncancel` of
   * the call is taken over until then.
   */
  request(call: Call): void;
  /** Withdraws one call: exactly its upstream request is cancelled, and nothing more reaches its sink from here. */
  cancel(call: Call, reason?: string): void;
  notify(method: string, params?: unknown): void;
  close(): Promise<void>;
}
