/** Random choices that can be repeated: the seed is printed, and `SEED` in the environment sets it. */

export const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Whole numbers from 0 to below `limit`, the same ones for the same seed (mulberry32). */
export type Random = (limit: number) => number;

/** @param lane tells apart those who draw at the same time, so that none depends on how fast the others are */
export function random(lane: number): Random {
  let state = (SEED + Math.imul(lane, 0x9e3779b9)) | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** The same items in another order. */
export function shuffled<T>(items: readonly T[], draw: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(draw(left.length), 1)[0]!);
}
