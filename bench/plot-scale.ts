/** From values to places on an axis. */

export interface Scale {
  readonly ticks: readonly number[];
  /** Where a value is, in px to a tenth. */
  at(value: number): number;
}

/** Steps of which every axis has three to ten. */
const STEPS = [1, 2, 5, 10];

/**
 * From zero to a round value.
 * @param from where zero is @param to where the largest is, px
 */
export function linearScale(values: readonly number[], from: number, to: number, given?: readonly number[]): Scale {
  const most = Math.max(...values, ...(given ?? []));
  if (!(Math.min(...values) >= 0 && most > 0)) throw new Error(`a linear axis begins at 0: ${values.join(', ')}`);
  const size = 10 ** Math.floor(Math.log10(most));
  const step = STEPS.map((one) => (one * size) / 10).find((one) => most / one <= 8)!;
  const end = given ? most : Math.ceil(most / step - 1e-9) * step;
  const ticks =
    given ?? Array.from({ length: Math.round(end / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { ticks, at: (value) => place(value / end, from, to) };
}

/**
 * Each decade is as long as the others. Ticks are at decades, or at 1, 2 and 5 of each where there are few.
 * @param from where the smallest is @param to where the largest is, px
 */
export function logScale(values: readonly number[], from: number, to: number, given?: readonly number[]): Scale {
  const all = [...values, ...(given ?? [])];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  if (!(least > 0 && Number.isFinite(most)))
    throw new Error(`a logarithm is of positive numbers: ${values.join(', ')}`);
  const ticks = given ?? roundTicks(least, most);
  const [low, high] = [Math.log10(Math.min(least, ticks[0]!)), Math.log10(Math.max(most, ticks.at(-1)!))];
  const span = high - low || 1;
  return { ticks, at: (value) => place((Math.log10(value) - low) / span, from, to) };
}

/** The round values from the last one below to the first one above. */
function roundTicks(least: number, most: number): number[] {
  const steps = Math.log10(most / least) > 2.5 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power += 1)
    for (const step of steps) ticks.push(Number((step * 10 ** power).toPrecision(12)));
  const first = ticks.findLastIndex((tick) => tick <= least);
  const last = ticks.findIndex((tick) => tick >= most);
  return ticks.slice(first, last + 1);
}

const place = (share: number, from: number, to: number): number => Number((from + share * (to - from)).toFixed(1));
