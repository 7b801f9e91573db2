/** What a child process writes on stderr goes to the log, line by line, bounded in every way. */
import type { Readable } from 'node:stream';
import type { Logger } from '../telemetry/log.ts';
import { LineSplitter } from './lines.ts';
import type { Redactor } from './redact.ts';
import { Tail } from './tail.ts';

const LF = 0x0a;
const LONGEST_LINE = 64 * 1024;
const LONGEST_LOGGED = 2_000;
/** Lines logged in one {@link WINDOW}. */
const MOST_LINES = 200;
/** Bytes read in one {@link WINDOW}; who writes more has to wait, as at any pipe. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Milliseconds. */
const WINDOW = 1_000;
/** Lines, and bytes to find them in, that are kept to be shown when the process ends unexpectedly. */
const LAST_WORDS = 10;
const LAST_BYTES = 16 * 1024;

/**
 * Logs at `debug`, since many servers write a line for every request. What is too much is not even cut into lines.
 * @returns the last lines so far, for the log entry that tells that the process is gone
 */
export function logStderr(stream: Readable, log: Logger, redactor: Redactor): () => readonly string[] {
  const tail = new Tail(LAST_BYTES);
  const output = new StderrLog(stream, log, redactor);
  stream.on('data', (chunk: Buffer) => {
    tail.push(chunk);
    output.push(chunk);
  });
  return () => tail.lines(LAST_WORDS).map((line) => redactor.line(line, LONGEST_LOGGED));
}

class StderrLog {
  readonly #stream: Readable;
  readonly #log: Logger;
  readonly #redactor: Redactor;
  readonly #lines: LineSplitter;
  /** Runs while something has been written lately. */
  #window: NodeJS.Timeout | undefined;
  #count = 0;
  #bytes = 0;
  /** Too much has come: the rest of the window is left out. */
  #muted = false;
  #linesLeftOut = 0;
  #bytesLeftOut = 0;
  #midLine = false;
  #slowed = false;

  constructor(stream: Readable, log: Logger, redactor: Redactor) {
    this.#stream = stream;
    this.#log = log;
    this.#redactor = redactor;
    const overlong = (bytes: number): void => {
      if (this.#take()) log.debug({ bytes }, 'upstream stderr: dropped an overlong line');
    };
    this.#lines = new LineSplitter((line) => this.#line(line), LONGEST_LINE, overlong);
  }

  push(chunk: Buffer): void {
    this.#window ??= setTimeout(() => this.#over(), WINDOW).unref();
    this.#bytes += chunk.length;
    if (this.#muted) {
      this.#bytesLeftOut += chunk.length;
      this.#midLine = chunk.at(-1) !== LF;
    } else this.#lines.push(chunk);
    if (this.#bytes >= MOST_BYTES) this.#slow();
  }

  /** Whether one more line may be logged in this window. */
  #take(): boolean {
    if (++this.#count > MOST_LINES) this.#muted = true;
    if (this.#muted) this.#linesLeftOut++;
    return !this.#muted;
  }

  #line(line: Buffer): void {
    if (this.#take() && this.#log.isLevelEnabled('debug'))
      this.#log.debug({ stderr: this.#redactor.line(line, LONGEST_LOGGED) }, 'upstream stderr');
  }

  #slow(): void {
    this.#stream.pause();
    if (!this.#slowed)
      this.#log.warn({ bytesPerSecond: MOST_BYTES }, 'upstream stderr: too much, read slowly from now on');
    this.#slowed = true;
  }

  #over(): void {
    if (this.#muted) {
      const [lines, bytes] = [this.#linesLeftOut, this.#bytesLeftOut];
      this.#log.debug({ lines, bytes }, 'upstream stderr: too much, left out these lines, and these bytes after them');
      if (bytes > 0) this.#lines.skip(this.#midLine);
    }
    this.#window = undefined;
    this.#count = this.#bytes = this.#linesLeftOut = this.#bytesLeftOut = 0;
    this.#muted = false;
    this.#stream.resume();
  }
}
