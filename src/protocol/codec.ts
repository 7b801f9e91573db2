/** How the two eras differ on the way to an upstream, behind one interface. */
import type { Pieces } from './json/pieces.ts';
import { isObjectAt } from './json/scan.ts';
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
  readonly body: Pieces;
  readonly headers: Readonly<Record<string, string>>;
}

/** Who makes a request, as it says itself where every request does. */
export interface Speaker {
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly info: Readonly<Record<string, unknown>>;
}

/** Why a response is not acceptable; `undefined` when it is. */
export function refusedAnswer({ bytes, error, result }: Message): string | undefined {
  if (error) return isObjectAt(bytes, error.start) ? undefined : '"error" is no object';
  if (!result) return 'neither "result" nor "error"';
  return isObjectAt(bytes, result.start) ? undefined : '"result" is no object';
}
