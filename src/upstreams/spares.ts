/**
 * Processes of a stdio upstream that are started and not yet spoken to, so that a new link does not have to wait for one
 * to load.
 */
import type { Logger } from '../telemetry/log.ts';
import { exitText } from './child.ts';
import type { Running } from './launcher.ts';

/** Between two starts, so that a machine is not kept busy with what nobody waits for, milliseconds. */
const STAGGER = 200;
/** The first and the longest wait after a spare that ended by itself; in between it doubles. Milliseconds. */
const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 60_000;
/** One that lived for less than this has probably not even come up, milliseconds. */
const EARLY = 10_000;
/** Early ends in a row after which no more are started. */
const ENOUGH = 3;

export class Spares {
  #wanted: number;
  readonly #launch: () => Promise<Running>;
  readonly #log: Logger;
  /** The one that has had the most time to load is first. */
  readonly #ready: Running[] = [];
  #timer: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  /** Spares that ended by themselves, in a row, and how many of them did so early. */
  #ends = 0;
  #early = 0;
  /** When the next one may be started. */
  #notBefore = 0;
  /** Nothing is started: no link has opened yet, or not since spares ended early too often. */
  #resting = true;
  #closed = false;

  /** @param wanted how many are kept @param launch starts one */
  constructor(wanted: number, launch: () => Promise<Running>, log: Logger) {
    this.#wanted = wanted;
    this.#launch = launch;
    this.#log = log;
  }

  /** A process that nobody has spoken to yet, if there is one; it is the caller's from now on. */
  take(): Running | undefined {
    const running = this.#ready.shift();
    if (running) this.#refill();
    return running;
  }

  /** A link has opened, so that the upstream is known to work: spares are started from now on. */
  opened(): void {
    if (this.#resting) this.#notBefore = 0;
    this.#resting = false;
    this.#ends = 0;
    this.#early = 0;
    this.#refill();
  }

  /** From now on another number of them is kept; what is too many ends politely. */
  resize(wanted: number): void {
    this.#wanted = wanted;
    for (const { child } of this.#ready.splice(wanted)) void child.stop();
    this.#refill();
  }

  /** Ends all of them politely. Resolves when none is left. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#starting;
    await Promise.all(this.#ready.splice(0).map(({ child }) => child.stop()));
  }

  #refill(): void {
    if (this.#closed || this.#resting || this.#timer || this.#starting || this.#ready.length >= this.#wanted) return;
    const wait = Math.max(STAGGER, this.#notBefore - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#starting = this.#start().finally(() => {
        this.#starting = undefined;
        this.#refill();
      });
    }, wait).unref();
  }

  async #start(): Promise<void> {
    const since = Date.now();
    try {
      const running = await this.#launch();
      this.#ready.push(running);
      void running.child.exited.then((ending) => {
        const at = this.#ready.indexOf(running);
        if (at < 0) return;
        this.#ready.splice(at, 1);
        this.#lost(Date.now() - since, { reason: exitText(ending), stderr: running.lastWords() });
      });
    } catch (error) {
      this.#lost(0, { reason: (error as Error).message });
    }
  }

  /** A spare ended by itself. @param lived milliseconds */
  #lost(lived: number, details: { readonly reason: string; readonly stderr?: readonly string[] }): void {
    const wait = Math.min(FIRST_RETRY * 2 ** this.#ends++, LONGEST_RETRY);
    this.#notBefore = Date.now() + wait;
    this.#early = lived < EARLY ? this.#early + 1 : 0;
    this.#resting ||= this.#early >= ENOUGH;
    if (this.#early === ENOUGH)
      this.#log.warn(details, 'spare processes end by themselves, so that none is started until a link has opened');
    else this.#log.debug({ ...details, retryInMs: wait }, 'a spare process ended by itself');
    this.#refill();
  }
}
