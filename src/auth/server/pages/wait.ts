/** The page for somebody who has to wait, and how long that is in words. */
import { errorPage } from './error.ts';

const MINUTE = 60;

/** @param seconds until the next try is let in @returns the whole document */
export const waitPage = (seconds: number): string =>
  errorPage({
    title: 'Too many requests',
    text: 'A lot of requests came from your network address in a short time, so Patchbay answers none for a moment.',
    mend: `Try again ${inWords(seconds)}: reload this page, or connect again from your app.`,
  });

/** Such as `in 5 seconds` or `in 15 minutes`: never less than it takes. */
export function inWords(seconds: number): string {
  const [count, unit] =
    seconds <= 2 * MINUTE ? [Math.max(1, Math.ceil(seconds)), 'second'] : [Math.ceil(seconds / MINUTE), 'minute'];
  return `in ${count} ${unit}${count === 1 ? '' : 's'}`;
}
