/** Waiting for a condition, in tests. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

const STEP_MS = 5;
const WAIT_MS = 10_000;

/**
 * Waits until something is there, looking again every few milliseconds.
 * @param look returns what is waited for; `undefined` or `false` while it is not there
 * @param what names it in the error; a function is asked when the time is over
 * @throws Error when it is not there after `timeoutMs`
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => string),
  timeoutMs = WAIT_MS,
): Promise<T> {
  const late = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > late)
      throw new Error(`not in ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`);
    await delay(STEP_MS);
  }
}

/** Looks again and again until what is expected of it is so; patient enough for a busy machine. */
export const poll = <T>(look: () => T | Promise<T>, timeout = WAIT_MS) =>
  expect.poll(look, { timeout, interval: 2 * STEP_MS });
