/** Lines on an upstream's stdout that are no messages: told in the log, but not all of them when there are many. */
import type { Logger } from '../telemetry/log.ts';
import type { Redactor } from './redact.ts';

const LONGEST_LOGGED = 200;
/** Lines logged in one {@link WINDOW}. */
const MOST_LINES = 20;
/** Milliseconds. */
const WINDOW = 1_000;

export class Noise {
  readonly #log: Logger;
  readonly #redactor: Redactor;
  #count = 0;

  constructor(log: Logger, redactor: Redactor) {
    this.#log = log;
    this.#redactor = redactor;
  }

  /** A line that is no message. */
  line(line: Buffer): void {
    if (++this.#count === 1) setTimeout(() => this.#over(), WINDOW).unref();
    if (this.#count > MOST_LINES) return;
    this.#log.warn({ line: this.#redactor.line(line, LONGEST_LOGGED) }, 'ignored a line on stdout that is not JSON');
  }

  #over(): void {
    const lines = this.#count - MOST_LINES;
    this.#count = 0;
    if (lines > 0) this.#log.warn({ lines }, 'ignored more lines on stdout that are not JSON');
  }
}
