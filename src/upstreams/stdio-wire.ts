/** The stdio transport: one JSON message a line on the pipes of a child process. */
import type { Pieces } from '../protocol/json/pieces.ts';
import { singleLine } from '../protocol/sse.ts';
import { DRAIN, type Ending, exitText } from './child.ts';
import { idOfAnswer } from './dropped-answer.ts';
import type { Running } from './launcher.ts';
import { LineSplitter } from './lines.ts';
import { Noise } from './noise.ts';
import { tooLarge, type Wire, WireFault, type WireListener } from './wire.ts';

const NEWLINE = Buffer.from('\n');

export class StdioWire implements Wire {
  readonly separate = false;
  readonly #launch: () => Promise<Running>;
  readonly #maxMessage: number;
  #starting: Promise<Running> | undefined;
  #running: Running | undefined;
  #listener: WireListener | undefined;
  #closing = false;
  /** The process is gone, or deaf or dumb, without having been asked to. */
  lost = false;
  /** It is being asked which era it is of, and its end is one of the answers to that. */
  questioned = false;

  /** @param launch gives the process to talk to, which nobody else talks to @param maxMessage bytes */
  constructor(launch: () => Promise<Running>, maxMessage: number) {
    this.#launch = launch;
    this.#maxMessage = maxMessage;
  }

  /** Begins; when it has begun before, what comes goes to another listener from now on. */
  async start(listener: WireListener): Promise<void> {
    if (this.#running) {
      if (this.lost) throw new WireFault('it has ended');
      this.#listener = listener;
      return;
    }
    this.#starting = this.#launch();
    const running = await this.#starting;
    if (this.#closing) throw new WireFault('it is being closed', { unsent: true });
    this.#running = running;
    this.#listener = listener;
    const { child, log, redactor } = running;
    const noise = new Noise(log, redactor);
    const lines = new LineSplitter(
      (line) => {
        if (line[0] === 0x7b || line[0] === 0x5b) this.#listener?.message(line, undefined);
        else noise.line(line);
      },
      this.#maxMessage,
      (bytes) => log.error({ bytes, limit: this.#maxMessage }, 'dropped a message larger than maxMessageSize'),
      (head, tail) => {
        const id = idOfAnswer(head, tail);
        if (id !== undefined) this.#listener?.failed(id, tooLarge(this.#maxMessage));
      },
    );
    child.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
    child.stdout.once('end', () => this.#hangUp('it closed its stdout'));
    child.stdin.once('error', () => this.#hangUp('it closed its stdin'));
    // the last byte of stdout comes before this, so that an answer written just before the exit still counts
    void child.closed.then((ending) => this.#ended(ending));
  }

  send(message: Buffer | Pieces): void {
    const { stdin } = this.#running!.child;
    stdin.cork();
    for (const piece of Buffer.isBuffer(message) ? [message] : message) stdin.write(singleLine(piece));
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

  abort(): void {
    // none either
  }

  async close(): Promise<void> {
    this.#closing = true;
    const running = await this.#starting?.catch(() => undefined);
    await running?.child.stop();
  }

  #ended(ending: Ending): void {
    const { log, lastWords } = this.#running!;
    if (this.#closing) log.debug(ending, 'process ended');
    else if (this.questioned) log.debug({ ...ending, stderr: lastWords() }, 'the process ended when it was asked');
    else log.warn({ ...ending, stderr: lastWords() }, 'the process ended by itself');
    this.#tell(this.#closing ? undefined : new WireFault(exitText(ending)));
  }

  /** A process that one cannot talk to any more is of no use. Often it is about to end, and then that is what is told. */
  #hangUp(reason: string): void {
    const { child, log } = this.#running!;
    if (this.#closing || this.lost) return;
    this.lost = true;
    setTimeout(() => {
      if (child.ending || this.#closing) return;
      log.warn(
        { reason, stderr: this.#running!.lastWords() },
        'the process cannot be talked to any more, it is stopped',
      );
      this.#closing = true;
      this.#tell(new WireFault(reason));
      void child.stop();
    }, DRAIN).unref();
  }

  #tell(fault: WireFault | undefined): void {
    this.lost ||= fault !== undefined;
    this.#listener?.closed(fault);
    this.#listener = undefined;
  }
}
