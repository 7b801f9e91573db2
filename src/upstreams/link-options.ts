/** What it takes to open a link. */
import type { Call, Deadline } from '../protocol/call.ts';
import type { Logger } from '../telemetry/log.ts';
import type { ClientIdentity, LinkListener } from './link.ts';
import type { Wire } from './wire.ts';

export interface LinkOptions {
  readonly upstream: string;
  readonly wire: Wire;
  readonly log: Logger;
  readonly listener: LinkListener;
  /** The limits of a call that brings none. */
  deadline(call: Call): Deadline;
  /** What the upstream is told of the client. */
  readonly client: ClientIdentity;
  /** How long the handshake may take, milliseconds. */
  readonly openTimeout: number;
  readonly control?: OpenControl;
}

export interface OpenControl {
  /** Gives up the opening. */
  readonly signal?: AbortSignal;
  /** Told of the clean-up after an opening that failed, which nobody else waits for. */
  leaving?(closing: Promise<void>): void;
}
