/**
 * What is kept of the messages to a client, and what goes first where there is too much of it. The whole rule:
 *
 * - To a client that reads slowly, a report of progress takes the place of the one before it; that is no loss.
 * - What waits is bounded. Past the bound the oldest reports of progress go, then the oldest logs, then the oldest of
 *   the other notifications. What goes is counted and told in the log.
 * - Requests to the client and answers never go for the sake of those. An answer is kept until a connection has taken it
 *   whole, however large it is; its bounds are its age and the memory for all such answers together, and the newest of
 *   them stays in any case. One that is larger than all else that is kept of a session is not, where it can be passed on
 *   while it comes.
 * - What a connection has taken is kept for a client that lost the end of it, oldest out first.
 *
 * {@link Outbox} applies it to what waits for an open connection, {@link MemoryEventStore} to everything else.
 */

/** What a message to a client is, in the order in which kinds are given up; the last two are not given up for others. */
export const KINDS = ['progress', 'log', 'notice', 'request', 'answer'] as const;

/** `notice` is any notification other than progress and logs. */
export type Kind = (typeof KINDS)[number];

/** Whether messages of this kind may be left out for a client that does not keep up. */
export const isDroppable = (kind: Kind): boolean => kind === 'progress' || kind === 'log' || kind === 'notice';

const MIB = 1024 * 1024;

/** Bytes in a connection beyond which its client counts as slow: more is not written until it has read some. */
export const HIGH_WATER = 256 * 1024;
/** Bytes that wait for one slow connection before messages are left out. */
export const MOST_WAITING = 16 * MIB;
/** Messages held for a session whose client has no standalone stream open. */
export const MOST_HELD = 256;
/** Bytes of answers of one session that no connection has taken yet. */
export const MOST_OWED = 64 * MIB;

/** What a bound is brought down to once it is passed, so that not every further message is work. */
export const slack = (bound: number): number => bound - Math.floor(bound / 8);

/**
 * Takes the oldest of the least important away until it is enough.
 * @param items oldest first
 * @param rankOf 0 for what goes first; `undefined` for what stays
 * @param enough asked before each item that could go
 * @param drop called with each item that goes
 * @returns what is left, in its order
 */
export function thin<T>(
  items: readonly T[],
  rankOf: (item: T) => number | undefined,
  enough: () => boolean,
  drop: (item: T) => void,
): T[] {
  let left = [...items];
  for (let rank = 0; rank < KINDS.length && !enough(); rank++) {
    left = left.filter((item) => {
      if (rankOf(item) !== rank || enough()) return true;
      drop(item);
      return false;
    });
  }
  return left;
}
