/** The standalone GET stream of a legacy HTTP upstream: opened once the handshake is over, opened again when it breaks. */
import { canResumeFrom, isMessage, SseParser } from '../protocol/sse.ts';
import type { Logger } from '../telemetry/log.ts';
import type { HttpEndpoint } from './http-endpoint.ts';

export interface ListenOptions {
  readonly endpoint: HttpEndpoint;
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Logger;
  message(bytes: Buffer): void;
  /** The server says that the session is not there any more (404). */
  gone(): void;
  /** The stream could not be resumed where it broke: what was sent meanwhile is lost. */
  missed(): void;
}

const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 30_000;
/** A server that wants clients back at once gets them after this time, milliseconds. */
const LEAST_RETRY = 100;
/** A stream that ended sooner and brought nothing is a failure, milliseconds. */
const SHORT = 1_000;

export class HttpListen {
  readonly #options: ListenOptions;
  readonly #abort = new AbortController();
  #retry = FIRST_RETRY;
  #lastEventId: string | undefined;
  #broke = false;
  /** Attempts in a row that gave no stream. */
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
    void this.#open();
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  /** Reads one stream to its end. @returns whether there may be another */
  async #read(): Promise<boolean> {
    const { endpoint, log } = this.#options;
    const resuming = this.#lastEventId !== undefined;
    const { statusCode, headers, body } = await endpoint.pool.request({
      method: 'GET',
      path: endpoint.url.pathname + endpoint.url.search,
      headers: {
        ...this.#options.headers,
        accept: 'text/event-stream',
        ...(resuming ? { 'last-event-id': this.#lastEventId } : {}),
      },
      signal: this.#abort.signal,
      bodyTimeout: 0,
    });
    if (statusCode !== 200 || !String(headers['content-type']).startsWith('text/event-stream')) {
      await body.dump();
      if (statusCode === 404) this.#options.gone();
      // 405: the server offers no such stream, which is fine
      if (statusCode === 404 || statusCode === 405) return false;
      log.debug({ status: statusCode }, 'upstream gave no GET stream');
      this.#failures++;
      // refused to resume: a fresh stream, and whatever was said in between is taken as missed
      this.#lastEventId = undefined;
      return resuming || isPassing(statusCode);
    }
    const began = Date.now();
    let empty = true;
    // told now that the stream is there: what changes from here on is heard
    if (this.#broke && !resuming) this.#options.missed();
    const parser = new SseParser((event) => {
      if (canResumeFrom(event.id)) this.#lastEventId = event.id;
      if (event.retry !== undefined) this.#retry = Math.min(Math.max(event.retry, LEAST_RETRY), LONGEST_RETRY);
      if (!isMessage(event)) return;
      empty = false;
      this.#options.message(event.data);
    }, endpoint.maxMessageSize);
    try {
      for await (const chunk of body) parser.push(chunk as Buffer);
    } finally {
      if (!empty || Date.now() - began > SHORT) this.#failures = 0;
    }
    if (empty && Date.now() - began <= SHORT) this.#failures++;
    return true;
  }

  async #open(): Promise<void> {
    try {
      if (!(await this.#read())) return;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failures++;
      this.#options.log.debug({ err: (error as Error).message }, 'upstream GET stream broke');
    }
    if (this.#abort.signal.aborted) return;
    this.#broke = true;
    const wait = Math.min(this.#retry * 2 ** Math.max(0, this.#failures - 1), LONGEST_RETRY);
    this.#timer = setTimeout(() => void this.#open(), wait);
  }
}

/** Whether a server that refuses now may not refuse later. */
const isPassing = (status: number): boolean => status === 429 || status >= 500;
