/**
 * How the two eras differ on the way to an upstream, behind one interface. Being in a codec's method list is being
 * supported by that era.
 */
import type { Call } from './call.ts';
import type { Message } from './message.ts';
import type { Era } from './versions.ts';

/** What an upstream said of itself in its handshake or discovery. */
export interface ServerFacts {
  readonly era: Era;
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly info: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/** A request as it goes out. `headers` are for HTTP transports. */
export interface Encoded {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Codec {
  readonly era: Era;
  /** Whether a request of this method can be sent in this era. */
  supports(method: string): boolean;
  /**
   * The upstream's spelling of a call.
   * @param id the upstream-side JSON-RPC id, which is the progress token as well
   */
  request(call: Call, id: number): Encoded;
  /** The message that withdraws a request; `undefined` where closing the stream does. */
  cancelled(id: number, reason: string | undefined): Buffer | undefined;
  /** Why a response is not acceptable as an answer to `method`; `undefined` when it is. */
  refuse(method: string, response: Message): string | undefined;
}
