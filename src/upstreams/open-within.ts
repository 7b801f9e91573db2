/** The time limit of an opening. */
import { WireFault } from './wire.ts';

/**
 * Waits for a transport to start and shake hands.
 * @param ms how long that may take, milliseconds
 * @param signal gives it up
 * @throws WireFault when it fails, is late or is given up; the peer has not seen any request then
 */
export async function openWithin(start: Promise<void>, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const over = Promise.withResolvers<never>();
  const text = `it did not finish the handshake within ${ms} ms (timeouts.open)`;
  const timer = setTimeout(() => over.reject(new WireFault(text, { unsent: true })), ms);
  const giveUp = (): void => over.reject(new WireFault('it is being closed', { unsent: true }));
  if (signal?.aborted) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await Promise.race([start, over.promise]);
  } catch (error) {
    throw error instanceof WireFault ? error : new WireFault((error as Error).message, { unsent: true, cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}
