/** How one upstream is doing: failures in a row slow openings down, and enough of them stop everything for a while. */
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  circuitBreaker,
  handleAll,
  type IBackoff,
  type IBreaker,
} from 'cockatiel';
import { Fault } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';

export interface HealthRules {
  /** Failures in a row after which the upstream is left alone for a while. */
  readonly failures: number;
  /** The first and the longest time between attempts, milliseconds; in between it doubles. */
  readonly firstRetry: number;
  readonly maxRetry: number;
}

/** `down`: left alone until the next attempt is due; `failing`: the last attempt failed, the next may follow at once. */
export type HealthState = 'unknown' | 'up' | 'failing' | 'down';

/** An upstream that was up for this long has recovered from all that was before, milliseconds. */
const STABLE = 10_000;
/** The part of a wait that is left to chance, so that many who wait do not come at once. */
const JITTER = 0.25;

export class UpstreamHealth {
  readonly #upstream: string;
  /** May be replaced at any time. */
  rules: HealthRules;
  readonly #log: Logger;
  #circuit: CircuitBreakerPolicy;
  /** Openings that failed, and links that ended young, in a row. */
  #ends = 0;
  /** Requests that got nothing of an open link, in a row. */
  #silences = 0;
  /** How often in a row the circuit has opened. */
  #trips = 0;
  #state: HealthState = 'unknown';
  #last = '';
  #failedAt = 0;
  #retryAt = 0;
  #upAt = 0;

  constructor(upstream: string, rules: HealthRules, log: Logger) {
    this.#upstream = upstream;
    this.rules = rules;
    this.#log = log;
    this.#circuit = this.#closedCircuit();
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#ends + this.#silences;
  }

  /** Milliseconds until the next attempt is due; 0 when it may be made now. */
  get retryIn(): number {
    return this.#state === 'down' ? Math.max(0, this.#retryAt - Date.now()) : 0;
  }

  /** Whether anything may be sent without asking. */
  get ok(): boolean {
    return this.#circuit.state === CircuitState.Closed;
  }

  /**
   * Makes an attempt to reach the upstream: to open a link, or to hear whether there is life in one. After a failure it
   * waits first, longer from one to the next; of those that come when the next attempt is due after a break, the first
   * makes it and the others wait for what becomes of it.
   * @throws Fault `upstreamUnavailable` at once during a break, or with the reason of `attempt` when that rejects
   */
  async attempt<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#pause(signal);
    try {
      const result = await this.#circuit.execute(async () => {
        try {
          return await attempt();
        } catch (error) {
          this.#count('end', (error as Error).message);
          throw error;
        }
      });
      this.#up();
      return result;
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw this.#fault(this.#breakText());
      throw error instanceof Fault ? error : this.#fault((error as Error).message);
    }
  }

  /** A request was answered. On the path of every call. */
  answered(): void {
    if (this.#silences === 0) return;
    this.#silences = 0;
    if (!this.ok) this.#circuit = this.#closedCircuit();
    this.#up();
  }

  /** A request over an open link got nothing, or the word of somebody in between that nobody is there. */
  silent(reason: string): void {
    this.#report('silence', reason);
  }

  /** A link ended that should not have. */
  ended(reason: string): void {
    this.#report('end', reason);
  }

  #report(kind: 'end' | 'silence', reason: string): void {
    this.#count(kind, reason);
    if (this.ok) this.#circuit.execute(() => Promise.reject(new Error(reason))).catch(() => undefined);
  }

  #count(kind: 'end' | 'silence', reason: string): void {
    if (this.#state === 'up' && Date.now() - this.#upAt >= STABLE) {
      this.#ends = 0;
      this.#trips = 0;
    }
    if (kind === 'end') this.#ends++;
    else this.#silences++;
    this.#last = reason;
    this.#failedAt = Date.now();
    if (this.#state !== 'down') this.#state = 'failing';
  }

  /** There is life in it; whether that lasts is another matter, so that failures before still count for a while. */
  #up(): void {
    if (this.#state === 'up') return;
    if (this.#state === 'down') this.#log.info({ failures: this.failures }, 'upstream is back');
    this.#state = 'up';
    this.#upAt = Date.now();
  }

  /** Lets the time go by that is due after the failures before. */
  async #pause(signal: AbortSignal | undefined): Promise<void> {
    if (!this.ok || this.failures === 0) return;
    const wait = this.#failedAt + this.#wait(this.failures - 1) - Date.now();
    if (wait <= 0) return;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, wait);
      signal?.addEventListener('abort', () => done(clearTimeout(timer)), { once: true });
    });
  }

  /** Milliseconds to wait after `before` earlier failures: doubling, bounded, with a part of chance. */
  #wait(before: number): number {
    const { firstRetry, maxRetry } = this.rules;
    const full = Math.min(firstRetry * 2 ** before, maxRetry);
    return Math.ceil(full * (1 - JITTER * Math.random()));
  }

  #closedCircuit(): CircuitBreakerPolicy {
    // failures are counted before the circuit hears of them
    const failure = () => this.failures >= this.rules.failures;
    const breaker: IBreaker = { state: undefined, success: () => undefined, failure };
    const backoff = (): IBackoff<unknown> => ({ duration: this.#break(), next: backoff });
    return circuitBreaker(handleAll, { halfOpenAfter: { next: backoff }, breaker });
  }

  /** The circuit opens. @returns for how long */
  #break(): number {
    const wait = this.#wait(this.rules.failures - 1 + this.#trips++);
    this.#retryAt = Date.now() + wait;
    const details = { failures: this.failures, retryInMs: wait, reason: this.#last };
    if (this.#state === 'down') this.#log.debug(details, 'upstream is still down');
    else this.#log.warn(details, 'upstream is down and left alone for a while');
    this.#state = 'down';
    return wait;
  }

  #breakText(): string {
    const seconds = Math.max(1, Math.ceil(this.retryIn / 1000));
    return `it failed ${this.failures} times in a row (${this.#last}); next try in ${seconds} s`;
  }

  #fault(detail: string): Fault {
    return new Fault('upstreamUnavailable', { upstream: this.#upstream, detail });
  }
}
