/** A sink that passes everything on; methods override what they want to see. */
import type { Outcome, Round, Sink } from '../protocol/call.ts';
import type { Message } from '../protocol/message.ts';

export class PassingSink implements Sink {
  protected readonly outer: Sink;

  constructor(outer: Sink) {
    this.outer = outer;
  }

  progress(notification: Buffer): void {
    this.outer.progress(notification);
  }

  log(notification: Message): void {
    this.outer.log(notification);
  }

  input(round: Round): void {
    this.outer.input(round);
  }

  away(retry: number): void {
    this.outer.away(retry);
  }

  done(outcome: Outcome): void {
    this.outer.done(outcome);
  }
}
