/** What a link does with answers that are passed on while they come: their deadlines, and what becomes of them. */
import type { Logger } from '../telemetry/log.ts';
import { Passing } from './passing.ts';
import type { Pending, PendingTable } from './pending.ts';
import type { MessageTaker, Wire } from './wire.ts';

export interface PassingLink {
  readonly wire: Wire;
  readonly pending: PendingTable;
  readonly log: Logger;
  /** An answer has begun. */
  began(): void;
  /** An answer is there. */
  answered(): void;
  /** A call is over. */
  over(): void;
}

export class Passer {
  readonly #link: PassingLink;

  constructor(link: PassingLink) {
    this.#link = link;
  }

  /** A large message has begun to come on the stream of a request. @returns who takes it, where it need not be whole */
  begin(chunks: readonly Buffer[], of: number, size: number): MessageTaker | undefined {
    const { wire, pending: table } = this.#link;
    const pending = table.get(of);
    const passage = pending?.passing ? undefined : pending?.call.sink.passage?.(size);
    if (!pending || !passage) return undefined;
    const passing = Passing.begin(of, passage, chunks, {
      touched: () => table.touch(pending),
      hold: (still) => {
        // the time does not run for what the client is slow to read
        pending.waiting += still ? 1 : -1;
        wire.hold(of, still);
        table.touch(pending);
      },
      whole: () => this.#whole(pending),
      broken: (detail) => this.breakOff(pending, detail),
    });
    if (!passing) return undefined;
    pending.passing = passing;
    // its reply says itself when it is full
    pending.call.onpressure = undefined;
    this.#link.began();
    return passing;
  }

  /** The rest of an answer that was begun does not come, or cannot be passed on: its client is to notice. */
  breakOff(pending: Pending, reason: string): void {
    const { wire, pending: table, log } = this.#link;
    const { call, id } = pending;
    table.settle(id);
    wire.abort(id);
    call.oncancel = undefined;
    const text = 'an answer broke off after its beginning was passed on; its client was cut off';
    log.warn({ method: call.method, name: call.target?.name, reason }, text);
    pending.passing?.cut();
    this.#link.over();
  }

  #whole({ id, call }: Pending): void {
    const { wire, pending: table } = this.#link;
    table.settle(id);
    call.oncancel = undefined;
    this.#link.answered();
    wire.forget(id);
    this.#link.over();
  }
}
