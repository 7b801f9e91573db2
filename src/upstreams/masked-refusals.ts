/** What an HTTP upstream says in a refusal may hold what it was sent: secrets are masked before anybody reads it. */
import type { Dispatcher } from 'undici';
import type { Redactor } from './redact.ts';

/** Bytes of a refusal that are looked at as a whole; what follows is looked at as it comes. */
const WHOLE = 16 * 1024;

/**
 * Masks secrets in the bodies of answers whose status is no success; all others pass untouched.
 * @returns an interceptor of undici
 */
export const maskedRefusals =
  (redactor: Redactor): Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) =>
    dispatch(options, new MaskedRefusal(handler, redactor));

class MaskedRefusal implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #redactor: Redactor;
  /** What has not been passed on yet; `undefined` where nothing is held back. */
  #held: Buffer[] | undefined;
  #size = 0;

  constructor(handler: Dispatcher.DispatchHandler, redactor: Redactor) {
    this.#handler = handler;
    this.#redactor = redactor;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context);
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    if (args[1] >= 300) this.#held = [];
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#held) return this.#handler.onResponseData?.(controller, chunk);
    this.#held.push(chunk);
    this.#size += chunk.length;
    if (this.#size > WHOLE) this.#release(controller);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#release(args[0]);
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#handler.onResponseError?.(controller, error);
  }

  #release(controller: Dispatcher.DispatchController): void {
    if (!this.#held?.length) return;
    const text = Buffer.concat(this.#held).toString('utf8');
    this.#held = [];
    this.#handler.onResponseData?.(controller, Buffer.from(this.#redactor.mask(text)));
  }
}
