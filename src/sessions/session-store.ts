/** Where legacy sessions live: found by id for their own principal only, ended by idle time, age or request. */
import { Fault } from '../errors.ts';
import type { ClientFacts, Principal } from '../protocol/call.ts';
import type { LegacyVersion } from '../protocol/versions.ts';
import { LegacySession, type StreamSettings } from './legacy-session.ts';

export interface SessionLimits {
  /** A session without traffic and without an open stream ends after this time, milliseconds. */
  readonly idleTimeout: number;
  /** A session ends after this time whatever it does, milliseconds. */
  readonly maxAge: number;
  readonly maxPerPrincipal: number;
}

const SWEEP = 1_000;

const endOf = ({ expiresAt }: Principal): number => expiresAt ?? Number.POSITIVE_INFINITY;

export class SessionStore {
  readonly #limits: SessionLimits;
  readonly #streams: StreamSettings;
  readonly #ended: (session: LegacySession, reason: string) => void;
  readonly #renewed: (session: LegacySession, before: Principal) => void;
  readonly #sessions = new Map<string, LegacySession>();
  /** Places taken, by the key of their principal. */
  readonly #counts = new Map<string, number>();
  readonly #places = new WeakMap<LegacySession, () => void>();
  readonly #sweeper: NodeJS.Timeout;

  /**
   * @param ended called once for every session that is over, to tear down what it owns
   * @param renewed called when a session has newer credentials
   */
  constructor(
    limits: SessionLimits,
    streams: StreamSettings,
    ended: (session: LegacySession, reason: string) => void,
    renewed: (session: LegacySession, before: Principal) => void = () => undefined,
  ) {
    this.#renewed = renewed;
    this.#limits = limits;
    this.#streams = streams;
    this.#ended = ended;
    this.#sweeper = setInterval(() => this.sweep(Date.now()), SWEEP).unref();
  }

  /** How long what is not used is kept, milliseconds. */
  get idleTimeout(): number {
    return this.#limits.idleTimeout;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Calls in progress of all sessions. */
  get inFlight(): number {
    let calls = 0;
    for (const session of this.#sessions.values()) calls += session.inFlight.size;
    return calls;
  }

  all(): Iterable<LegacySession> {
    return this.#sessions.values();
  }

  /**
   * Takes one of the places that a principal may have.
   * @returns gives it back; the second time without effect
   * @throws Fault `sessionLimit`
   */
  claim({ key }: Principal): () => void {
    const count = this.#counts.get(key) ?? 0;
    const limit = this.#limits.maxPerPrincipal;
    if (count >= limit) throw new Fault('sessionLimit', { limit });
    this.#counts.set(key, count + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    };
  }

  /**
   * @param resumable whether the client's transport lets it resume streams
   * @param place what its place gives back, where it has one already
   * @throws Fault `sessionLimit`
   */
  create(
    principal: Principal,
    client: ClientFacts,
    version: LegacyVersion,
    resumable: boolean,
    place: () => void = this.claim(principal),
  ): LegacySession {
    const session = new LegacySession(principal, client, version, resumable, this.#streams);
    this.#sessions.set(session.id, session);
    this.#places.set(session, place);
    return session;
  }

  /** The session with this id, whoever's it is. */
  byId(id: string): LegacySession | undefined {
    return this.#sessions.get(id);
  }

  /**
   * The session with this id, which lives by the newer credentials of its principal from now on.
   * @param profile the name of the one that it is used at
   * @throws Fault `sessionUnknown`, the same whether it never was, is over, or is another principal's or profile's
   */
  get(id: string, principal: Principal, profile: string): LegacySession {
    const session = this.#sessions.get(id);
    if (!session || session.principal.key !== principal.key || session.client.profile !== profile)
      throw new Fault('sessionUnknown');
    session.usedAt = Date.now();
    const before = session.principal;
    if (before !== principal && endOf(principal) >= endOf(before)) {
      session.principal = principal;
      this.#renewed(session, before);
    }
    return session;
  }

  /** Ends a session. */
  end(session: LegacySession, reason: string): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#places.get(session)?.();
    session.close(reason);
    this.#ended(session, reason);
  }

  /** Ends what is over at `now`. */
  sweep(now: number): void {
    for (const session of this.#sessions.values()) {
      if (now - session.createdAt >= this.#limits.maxAge) this.end(session, 'it reached sessions.maxAge');
      else if (!session.busy && now - session.usedAt >= this.#limits.idleTimeout) this.end(session, 'it was idle');
    }
  }

  /** Ends all sessions. */
  close(): void {
    clearInterval(this.#sweeper);
    for (const session of [...this.#sessions.values()]) this.end(session, 'the gateway is shutting down');
  }
}
