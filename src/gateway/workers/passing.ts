/** A request that another worker answers: its answer goes to the client as it comes, no faster than the client reads. */
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { Fault } from '../../errors.ts';
import { composeError } from '../../protocol/message.ts';
import { sendJson } from '../../sessions/connection.ts';

/** What is written by the next connection itself. */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding']);
/** Failures before anything was sent. */
const NOT_SENT = new Set(['ENOENT', 'ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);
/** An answer of known length is sent in one piece up to this size, bytes. */
const ONE_PIECE = 16 * 1024;

export interface PassingOptions {
  /** Whether the connection of the client is to be closed afterwards. */
  readonly last: boolean;
  /** Sees each header of the answer, by its name in lower case. @returns whether it is not for the client */
  readonly told: (header: string, value: string) => boolean;
}

export class Passing implements Dispatcher.DispatchHandler {
  /** Whether there is an answer, if only that there will be none. */
  readonly answered: Promise<boolean>;
  readonly #raw: ServerResponse;
  readonly #options: PassingOptions;
  #settle: (answered: boolean) => void = () => undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #left = false;
  #held = 0;
  #corked = false;

  constructor(raw: ServerResponse, options: PassingOptions) {
    this.#raw = raw;
    this.#options = options;
    this.answered = new Promise((done) => {
      this.#settle = done;
    });
    raw.once('close', () => {
      this.#left = true;
      if (!raw.writableFinished) this.#controller?.abort(new Error('the client left'));
      this.#settle(true);
    });
  }

  begin(pool: Dispatcher, request: Dispatcher.DispatchOptions): void {
    try {
      pool.dispatch(request, this);
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#left) controller.abort(new Error('the client left'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    if (status < 200 || this.#left) return;
    const raw = this.#raw;
    raw.writeHead(status, this.#headers(controller, headers.connection === 'close'));
    if (headers['content-length'] === undefined) raw.flushHeaders();
    else {
      raw.cork();
      this.#corked = true;
    }
    this.#settle(true);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#left) return;
    this.#held += chunk.length;
    if (this.#corked && this.#held > ONE_PIECE) {
      this.#corked = false;
      this.#raw.uncork();
    }
    if (this.#raw.write(chunk) || this.#corked) return;
    controller.pause();
    this.#raw.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    if (!this.#left) this.#raw.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#failed(error);
  }

  #failed({ code = '' }: NodeJS.ErrnoException): void {
    if (this.#left) return;
    if (this.#raw.headersSent) return void this.#raw.destroy();
    if (NOT_SENT.has(code)) return this.#settle(false);
    const fault = new Fault('workerLost');
    sendJson(this.#raw, fault.status, [composeError(undefined, fault)]);
    this.#settle(true);
  }

  #headers({ rawHeaders }: Dispatcher.DispatchController, closes: boolean): string[] {
    const { last, told } = this.#options;
    const kept: string[] = [];
    const pairs = (rawHeaders ?? []) as readonly (Buffer | string)[];
    for (let i = 0; i < pairs.length; i += 2) {
      const [name, value] = [textOf(pairs[i]!), textOf(pairs[i + 1]!)];
      const lower = name.toLowerCase();
      if (!OF_CONNECTION.has(lower) && !told(lower, value)) kept.push(name, value);
    }
    if (closes || last) kept.push('Connection', 'close');
    return kept;
  }
}

const textOf = (part: Buffer | string): string => (typeof part === 'string' ? part : part.toString('latin1'));
