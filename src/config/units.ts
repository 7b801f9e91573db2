/** Durations and sizes as people write them in a config file. Both become plain numbers: milliseconds and bytes. */

const DURATION = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const;

/** The longest delay a Node timer takes (2^31 - 1 ms, almost 25 days); a longer one would fire at once. */
export const LONGEST_DURATION = 2_147_483_647;

/** What `parseDuration` and `parseSize` accept as text, for the JSON Schema. */
export const DURATION_PATTERN = '^\\d+(\\.\\d+)? ?(ms|s|m|h|d)?$';
export const SIZE_PATTERN = '^\\d+(\\.\\d+)? ?(B|KiB|MiB|GiB)?$';

/** How often something may happen. */
export interface Rate {
  readonly times: number;
  /** Milliseconds. */
  readonly per: number;
}

/** What `parseRate` accepts, for the JSON Schema. */
export const RATE_PATTERN = '^[1-9]\\d{0,8}/\\d+(\\.\\d+)? ?(ms|s|m|h|d)?$';

/** @returns the rate in a text such as `10/1m`, or undefined when it is none */
export function parseRate(text: string): Rate | undefined {
  if (!new RegExp(RATE_PATTERN).test(text)) return undefined;
  const [times = '', time = ''] = text.split('/');
  const per = parseDuration(time);
  return per === undefined || per < 1 || per > LONGEST_DURATION ? undefined : { times: Number(times), per };
}

/** A rate as an admin would write it, such as `10/1m`. */
export const formatRate = ({ times, per }: Rate): string => `${times}/${formatDuration(per)}`;

/**
 * @param value seconds as a number (or text without a unit), or text such as `250ms`, `30s`, `5m`, `1h`, `2d`
 * @returns whole milliseconds, or undefined when the value is neither
 */
export function parseDuration(value: number | string): number | undefined {
  return parse(value, DURATION, DURATION_PATTERN, DURATION.s);
}

/**
 * @param value bytes as a number (or text without a unit), or text such as `512KiB`, `16MiB`, `1GiB`
 * @returns whole bytes, or undefined when the value is neither
 */
export function parseSize(value: number | string): number | undefined {
  return parse(value, SIZE, SIZE_PATTERN, SIZE.B);
}

/** Milliseconds in the largest unit that divides them, such as `5m`; `parseDuration` reads it back to the same number. */
export function formatDuration(ms: number): string {
  return format(ms, DURATION);
}

/** Bytes in the largest unit that divides them, such as `16MiB`; `parseSize` reads it back to the same number. */
export function formatSize(bytes: number): string {
  return format(bytes, SIZE);
}

function parse(value: number | string, units: Record<string, number>, pattern: string, bare: number) {
  if (typeof value === 'number') return whole(value * bare);
  if (!new RegExp(pattern).test(value)) return undefined;
  const unit = /[A-Za-z]*$/.exec(value)?.[0] ?? '';
  return whole(Number.parseFloat(value) * (units[unit] ?? bare));
}

function whole(amount: number): number | undefined {
  const rounded = Math.round(amount);
  return rounded >= 0 && Number.isSafeInteger(rounded) ? rounded : undefined;
}

function format(amount: number, units: Record<string, number>): string {
  const largest = Object.entries(units).findLast(([, factor]) => amount > 0 && amount % factor === 0);
  const [unit, factor] = largest ?? [Object.keys(units)[0] ?? '', 1];
  return `${amount / factor}${unit}`;
}
