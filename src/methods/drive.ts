/** Asks a legacy client what a modern upstream wants to know, and makes the request again with the answers. */
import { canBeAsked } from '../bridge/declare.ts';
import { DrivenRound, type Wanted } from '../bridge/driven-round.ts';
import { Fault } from '../errors.ts';
import type { Call, Sink } from '../protocol/call.ts';
import { INPUT_METHODS } from '../upstreams/inbound.ts';

/** How often one request may be made again. */
const ROUNDS = 10;
/** Wait before a request is made again that needs nothing of the client, and its bound, milliseconds. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;

export class Driver {
  readonly #call: Call;
  readonly #outer: Sink;
  readonly #again: () => void;
  #rounds = 0;
  #waits = 0;

  /** @param again makes the request again */
  constructor(call: Call, outer: Sink, again: () => void) {
    this.#call = call;
    this.#outer = outer;
    this.#again = again;
  }

  /** Goes on from what the upstream wants. */
  drive({ requests, state }: Wanted): void {
    if (++this.#rounds > ROUNDS) return this.#fail(`it asked more than ${ROUNDS} times`);
    for (const { method, params } of requests.values()) {
      const values = params ? (JSON.parse(params.toString('utf8')) as Record<string, unknown>) : {};
      if (!INPUT_METHODS.has(method) || !canBeAsked(this.#call.client.capabilities, method, values))
        return this.#fail(`it asked for ${method}, which this client does not support`);
    }
    if (requests.size === 0) return this.#wait(state);
    const { upstream } = this.#call.target!;
    const round = new DrivenRound(upstream, requests, {
      answered: (inputResponses) => {
        this.#call.continuation = { inputResponses, requestState: state };
        this.#again();
      },
      refused: (reason) => this.#refused(reason),
    });
    this.#outer.input(round);
  }

  /** It only wants to be asked later. */
  #wait(state: string | undefined): void {
    const timer = setTimeout(
      () => {
        this.#call.continuation = { inputResponses: undefined, requestState: state };
        this.#again();
      },
      Math.min(FIRST_WAIT * 2 ** this.#waits++, LONGEST_WAIT),
    );
    this.#call.oncancel = () => clearTimeout(timer);
  }

  /** The client did not give what was asked: there is no way to say so to the upstream, which is not asked again. */
  #refused(reason: string): void {
    if (this.#call.ended) return;
    const { upstream } = this.#call.target!;
    const text = `${upstream} asked for something that was not given: ${reason}`;
    if (this.#call.method !== 'tools/call') return this.#fail(`what it asked for was not given: ${reason}`);
    this.#outer.done({ kind: 'local', result: JSON.stringify({ content: [{ type: 'text', text }], isError: true }) });
  }

  #fail(detail: string): void {
    const { upstream } = this.#call.target!;
    if (this.#call.method !== 'tools/call')
      return this.#outer.done({ kind: 'error', error: new Fault('notBridged', { upstream, detail }) });
    const text = new Fault('notBridged', { upstream, detail }).message;
    this.#outer.done({ kind: 'local', result: JSON.stringify({ content: [{ type: 'text', text }], isError: true }) });
  }
}
