/** Where an HTTP upstream is, and what it takes to talk to it. */
import type { Dispatcher } from 'undici';

export interface HttpEndpoint {
  /** The upstream's name, for messages. */
  readonly upstream: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The keep-alive pool of the upstream's origin; shared by all its links. Masks secrets in refusals. */
  readonly pool: Dispatcher;
  /** Bytes. */
  readonly maxMessageSize: number;
}
