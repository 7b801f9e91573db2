/** A call whose answer is passed on while it comes: its client and its upstream wait for each other, chunk by chunk. */
import { AnswerFlow, isFlowFault } from '../protocol/answer-flow.ts';
import type { Drain, Passage } from '../protocol/call.ts';
import type { MessageTaker } from './wire.ts';

export interface PassingHost {
  /** The answer goes on. */
  touched(): void;
  /** Stops or goes on reading the answer. */
  hold(still: boolean): void;
  /** All of the answer is there. */
  whole(): void;
  /** The rest of it cannot be passed on. */
  broken(detail: string): void;
}

export class Passing implements MessageTaker {
  readonly #flow: AnswerFlow;
  readonly #drain: Drain;
  readonly #host: PassingHost;
  #held = false;
  #over = false;

  /** @param flow what the answer goes through @param drain where it goes @param first what can go out already */
  private constructor(flow: AnswerFlow, drain: Drain, first: readonly Buffer[], host: PassingHost) {
    this.#flow = flow;
    this.#drain = drain;
    this.#host = host;
    drain.onready = () => this.#hold(false);
    this.#write(first);
  }

  /**
   * Begins, where the first bytes of a message show that it is the answer.
   * @param of the id of the request as its upstream knows it
   */
  static begin(of: number, passage: Passage, chunks: readonly Buffer[], host: PassingHost): Passing | undefined {
    const flow = new AnswerFlow(of, passage.id, passage.result);
    const first = flow.begin(chunks);
    return first && new Passing(flow, passage.open(), first, host);
  }

  push(chunk: Buffer): void {
    if (this.#over) return;
    try {
      const pieces = this.#flow.push(chunk);
      this.#host.touched();
      this.#write(pieces, this.#flow.drained ? ownMemory(chunk) : undefined);
    } catch (error) {
      this.#broken(error);
    }
  }

  end(): void {
    if (this.#over) return;
    try {
      this.#flow.end();
    } catch (error) {
      return this.#broken(error);
    }
    this.#over = true;
    this.#host.whole();
    this.#drain.end();
  }

  /** The rest does not come, or nobody wants it. */
  stop(): void {
    this.#over = true;
  }

  /** The rest does not come, which the client is to notice. */
  cut(): void {
    this.#over = true;
    this.#drain.cut();
  }

  #write(pieces: readonly Buffer[], spent?: ArrayBuffer): void {
    if (pieces.length > 0 && !this.#drain.write(pieces, spent)) this.#hold(true);
  }

  #hold(still: boolean): void {
    if (this.#over || this.#held === still) return;
    this.#held = still;
    this.#host.hold(still);
  }

  #broken(error: unknown): void {
    if (!isFlowFault(error)) throw error;
    this.#host.broken(error.message);
  }
}

/**
 * The memory of a chunk that came from a connection, where nothing can come after it in there: what the connection read at
 * once ends with it. Small chunks may be in memory that is shared with others.
 */
function ownMemory({ buffer, byteOffset, length }: Buffer): ArrayBuffer | undefined {
  const own = length >= Buffer.poolSize / 2 && byteOffset + length === buffer.byteLength;
  return own && buffer instanceof ArrayBuffer ? buffer : undefined;
}
