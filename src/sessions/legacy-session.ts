/** A legacy client's session: what was negotiated, what is in flight, and its standalone stream. */
import type { Call, ClientFacts, Principal } from '../protocol/call.ts';
import type { LegacyVersion } from '../protocol/versions.ts';

/** The standalone GET stream, as far as sessions need it. */
export interface StandaloneStream {
  send(message: Buffer): void;
  close(): void;
}

export class LegacySession {
  readonly id: string;
  readonly principal: Principal;
  readonly version: LegacyVersion;
  readonly client: ClientFacts;
  readonly createdAt: number;
  /** Calls by the key of the client's id. */
  readonly inFlight = new Map<string, Call>();
  /** Whether `notifications/initialized` has come. */
  initialized = false;
  usedAt: number;
  stream: StandaloneStream | undefined;

  constructor(id: string, principal: Principal, client: ClientFacts, version: LegacyVersion, now: number) {
    this.id = id;
    this.principal = principal;
    this.client = client;
    this.version = version;
    this.createdAt = now;
    this.usedAt = now;
  }
}
