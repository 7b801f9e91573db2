/** The stdio transport: one JSON message a line on the pipes of a child process. */
import { singleLine } from '../protocol/sse.ts';
import type { Logger } from '../telemetry/log.ts';
import { type Child, type ChildSpec, exitText, startChild, stopChild } from './child.ts';
import { LineSplitter } from './lines.ts';
import { logStderr } from './stderr.ts';
import { type Wire, WireFault, type WireListener } from './wire.ts';

const NEWLINE = Buffer.from('\n');

export class StdioWire implements Wire {
  readonly separate = false;
  readonly #spec: ChildSpec;
  readonly #maxMessage: number;
  readonly #log: Logger;
  #child: Child | undefined;
  #closing = false;

  constructor(spec: ChildSpec, maxMessage: number, log: Logger) {
    this.#spec = spec;
    this.#maxMessage = maxMessage;
    this.#log = log;
  }

  async start(listener: WireListener): Promise<void> {
    let child: Child;
    try {
      child = await startChild(this.#spec);
    } catch (error) {
      throw new WireFault((error as Error).message, { unsent: true });
    }
    this.#child = child;
    const log = this.#log.child({ pid: child.pid });
    log.debug('process started');
    const lines = new LineSplitter(
      (line) => {
        if (line[0] === 0x7b || line[0] === 0x5b) listener.message(line, undefined);
        else log.warn({ line: excerpt(line) }, 'ignored a line on stdout that is not JSON');
      },
      this.#maxMessage,
      (bytes) => log.error({ bytes, limit: this.#maxMessage }, 'dropped a message larger than maxMessageSize'),
    );
    child.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
    const lastWords = logStderr(child.stderr, log);
    // `close` comes after the last byte of stdout, so that an answer written just before the exit still counts
    child.once('close', (code, signal) => {
      if (this.#closing) log.debug({ code, signal }, 'process ended');
      else log.warn({ code, signal, stderr: lastWords() }, 'the process ended by itself');
      listener.closed(this.#closing ? undefined : new WireFault(exitText(code, signal)));
    });
  }

  send(message: Buffer): void {
    const { stdin } = this.#child!;
    stdin.cork();
    stdin.write(singleLine(message));
    stdin.write(NEWLINE);
    stdin.uncork();
  }

  ready(): void {
    // nothing to open: both directions share the pipes
  }

  hold(): void {
    // one pipe for all calls: a slow client must not hold the others up
  }

  forget(): void {
    // no per-request resources
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#child) await stopChild(this.#child, this.#spec.stopTimeout);
  }
}

const excerpt = (line: Buffer): string => line.toString('utf8', 0, Math.min(line.length, 200));
