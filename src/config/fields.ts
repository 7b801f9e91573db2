/** The kinds of value the config schema is built from. Each knows its JSON Schema and how to say what is wrong. */
import { z } from 'zod';
import type { Finding } from './finding.ts';
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  LONGEST_DURATION,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from './units.ts';

/** A zod issue that carries a finding; `problems.ts` reads it back. */
export function issue({ message, mend, path = [], subject = 'value' }: Finding) {
  return { code: 'custom' as const, message, path: [...path], params: { mend, subject } };
}

/** A string with one rule of its own; `pattern` is the same rule for editors, as far as a pattern can say it. */
export function text(check: (value: string) => Finding | undefined, pattern?: string) {
  const schema = z.string().superRefine((value, ctx) => {
    const found = check(value);
    if (found !== undefined) ctx.addIssue(issue(found));
  });
  return pattern === undefined ? schema : schema.meta({ pattern });
}

/**
 * A duration; parsed to milliseconds.
 *
 * @param preset the default, as an admin would write it
 * @param description what the key is for; the unit is added to it
 * @param limits the shortest and the longest one allowed, in ms
 */
export function duration(preset: string, description: string, limits: DurationLimits = {}) {
  return anyDuration(limits).prefault(preset).describe(`${description} ${DURATION_FORMS}`);
}

/** A duration that may be left out; parameters as for `duration`. */
export function optionalDuration(description: string, limits: DurationLimits = {}) {
  return anyDuration(limits).optional().describe(`${description} ${DURATION_FORMS}`);
}

interface DurationLimits {
  readonly least?: number;
  readonly most?: number;
}

const DURATION_FORMS = 'Seconds, or text such as 250ms, 30s, 5m, 1h.';

function anyDuration({ least = 1, most = LONGEST_DURATION }: DurationLimits) {
  const mend = 'write a number of seconds, or text such as 250ms, 30s, 5m, 1h';
  return z
    .union([z.number(), z.string()], { error: `is not a duration; ${mend}` })
    .transform((value, ctx) => {
      const ms = parseDuration(value);
      if (ms !== undefined && ms >= least && ms <= most) return ms;
      if (ms === undefined) ctx.addIssue(issue({ message: 'is not a duration', mend }));
      else if (ms < least) {
        ctx.addIssue(issue({ message: 'is too short', mend: `write ${formatDuration(least)} or more` }));
      } else
        ctx.addIssue(
          issue({
            message: 'is too long',
            mend: `write ${most === LONGEST_DURATION ? '24d' : formatDuration(most)} or less`,
          }),
        );
      return z.NEVER;
    })
    .meta({ pattern: DURATION_PATTERN });
}

/** A size; parsed to bytes. Parameters as for `duration`; `least` is in bytes. */
export function size(preset: string, description: string, limits: { least?: number } = {}) {
  return anySize(limits).prefault(preset).describe(`${description} ${SIZE_FORMS}`);
}

/** A size that may be left out; parameters as for `size`. */
export function optionalSize(description: string, limits: { least?: number } = {}) {
  return anySize(limits).optional().describe(`${description} ${SIZE_FORMS}`);
}

const SIZE_FORMS = 'Bytes, or text such as 512KiB, 4MiB, 1GiB.';

function anySize({ least = 1_024 }: { least?: number }) {
  return z
    .union([z.number(), z.string()], { error: `is not a size; ${sizeMend()}` })
    .transform((value, ctx) => {
      const bytes = parseSize(value);
      if (bytes !== undefined && bytes >= least) return bytes;
      ctx.addIssue(
        issue(
          bytes === undefined
            ? { message: 'is not a size', mend: sizeMend(value) }
            : { message: 'is too small', mend: `write ${formatSize(least)} or more` },
        ),
      );
      return z.NEVER;
    })
    .meta({ pattern: SIZE_PATTERN });
}

/** `4MB` is decimal to some and binary to others, so it is not guessed at. */
function sizeMend(value: number | string = ''): string {
  const [, amount, letter] = /^(\d+(?:\.\d+)?) ?([kKmMgG])[bB]?$/.exec(String(value)) ?? [];
  if (amount !== undefined && letter !== undefined) return `did you mean "${amount}${letter.toUpperCase()}iB"?`;
  return 'write a number of bytes, or text such as 512KiB, 4MiB, 1GiB';
}

/** A number of processes, or `auto`; the text of a placeholder may be a number, too. @param most the largest number */
export function processes(most: number) {
  const mend = `write a whole number from 1 to ${most}, or auto`;
  return z
    .union([z.int(), z.string()], { error: `is no number of processes; ${mend}` })
    .transform((value, ctx): number | 'auto' => {
      if (value === 'auto') return value;
      const count = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
      if (Number.isInteger(count) && count >= 1 && count <= most) return count;
      ctx.addIssue(issue({ message: 'is no number of processes', mend }));
      return z.NEVER;
    });
}

/** A section may be left out, or be empty because all its keys are commented out; both mean all defaults. */
export function section<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape, z.core.$strict>) {
  return schema
    .nullable()
    .transform((value): z.output<z.ZodObject<Shape, z.core.$strict>> => value ?? schema.parse({}))
    .prefault({} as never);
}
