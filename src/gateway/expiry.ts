/** Streams do not outlive the credentials that they were opened with. */
import type { Principal } from '../protocol/call.ts';

/** Timers take no longer times, milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * Runs `end` once when the credentials of a stream's owner have ended.
 * @param owner gives the principal with the newest credentials that were used
 * @returns stops the waiting
 */
export function whenExpired(owner: () => Principal, end: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const { expiresAt } = owner();
    if (expiresAt === undefined) return;
    const left = expiresAt - Date.now();
    if (left <= 0) return end();
    timer = setTimeout(wait, Math.min(left, LONGEST)).unref();
  };
  wait();
  return () => clearTimeout(timer);
}
