/** A JSON-RPC response that is passed on while it still comes: under another id, with its result changed on the way. */
import { JsonFlow, type ObjectPlan, type Treatment } from './json/flow.ts';
import { JsonSyntaxError } from './json/scan.ts';
import { numberAt, type RawId } from './message.ts';

/** Messages that are larger may be passed on while they come, bytes. */
export const LARGE_MESSAGE = 65_536;

/** What has come of an answer rules out that it is passed on as it was begun. */
export class FlowFault extends Error {}

/** What becomes of a result on its way. */
export interface ResultPlan extends ObjectPlan {
  /** Whether what has come of it shows what kind of result it is. */
  readonly certain: boolean;
}

export class AnswerFlow {
  readonly #of: number;
  readonly #id: RawId;
  readonly #result: ResultPlan;
  readonly #json: JsonFlow;
  /** Members of the response that have come. */
  readonly #seen = new Set<string>();

  /**
   * @param of the id of the request as its upstream knows it
   * @param id the same as its client knows it
   */
  constructor(of: number, id: RawId, result: ResultPlan) {
    this.#of = of;
    this.#id = id;
    this.#result = result;
    this.#json = new JsonFlow({ member: (key) => this.#member(key), end: () => this.#missing() });
  }

  /**
   * Looks at the beginning of a message.
   * @returns what can go out of it; `undefined` when it is not plain from it that the message is the answer, with an ordinary
   *   result
   */
  begin(chunks: readonly Buffer[]): Buffer[] | undefined {
    try {
      for (const chunk of chunks) this.#json.push(chunk);
    } catch (error) {
      if (isFlowFault(error)) return undefined;
      throw error;
    }
    return this.#result.certain ? this.#json.ready() : undefined;
  }

  /** @returns what can go out by these bytes @throws what {@link isFlowFault} tells */
  push(chunk: Buffer): Buffer[] {
    this.#json.push(chunk);
    return this.#json.ready();
  }

  /** Whether nothing of what has come is held back. */
  get drained(): boolean {
    return this.#json.drained;
  }

  /** Nothing follows. @throws what {@link isFlowFault} tells, when something is missing */
  end(): void {
    this.#json.end();
  }

  #member(key: string): Treatment {
    switch (key) {
      case 'jsonrpc':
        this.#once(key);
        return { take: (value) => (value.equals(VERSION) ? undefined : fault('"jsonrpc" must be "2.0"')) };
      case 'id':
        this.#once(key);
        return { take: (value) => this.#renamed(value) };
      case 'result':
        this.#once(key);
        return { object: this.#result, other: () => fault('"result" is no object') };
      case 'error':
      case 'method':
        return fault(`it has a "${key}"`);
      case 'params':
        this.#once(key);
    }
    return 'pass';
  }

  #once(key: string): void {
    if (this.#seen.has(key)) fault(`"${key}" occurs twice`);
    this.#seen.add(key);
  }

  #renamed(id: Buffer): RawId {
    if (numberAt(id, { start: 0, end: id.length }) !== this.#of) fault('it has the id of another request');
    return this.#id;
  }

  #missing(): undefined {
    for (const key of ['jsonrpc', 'id', 'result']) if (!this.#seen.has(key)) fault(`it has no "${key}"`);
  }
}

/** Whether an error says that an answer cannot be passed on, or not any further. */
export const isFlowFault = (error: unknown): error is Error =>
  error instanceof FlowFault || error instanceof JsonSyntaxError;

const VERSION = Buffer.from('"2.0"');

function fault(detail: string): never {
  throw new FlowFault(detail);
}
