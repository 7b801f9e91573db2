/**
 * Number and text flags for the scripts of this folder, on top of `node:util` parseArgs.
 */
import { parseArgs } from 'node:util';

/** A `count` is a whole number, a `number` any; both have a lower bound `min` (0). Without `default` a flag is optional. */
export type FlagSpec =
  | { type: 'count' | 'number'; default?: number; min?: number }
  | { type: 'text'; default?: string };

type FlagValue<S extends FlagSpec> =
  | (S['type'] extends 'text' ? string : number)
  | (S extends { default: string | number } ? never : undefined);

/** One value per flag, typed after its spec. */
export type Flags<T extends Record<string, FlagSpec>> = { [Name in keyof T]: FlagValue<T[Name]> };

/**
 * Reads `--name value` pairs.
 *
 * @param argv arguments after the script name
 * @param specs the flags that exist
 * @returns one value per spec
 * @throws {Error} naming the flag, for an unknown flag, a stray argument or a number out of range
 */
export function readFlags<const T extends Record<string, FlagSpec>>(argv: readonly string[], specs: T): Flags<T> {
  const options = Object.fromEntries(Object.keys(specs).map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
  const read = Object.entries(specs).map(([name, spec]) => {
    const given = values[name];
    if (given === undefined) return [name, spec.default];
    return [name, spec.type === 'text' ? given : readNumber(name, spec, given)];
  });
  return Object.fromEntries(read) as Flags<T>;
}

function readNumber(name: string, spec: FlagSpec & { min?: number }, given: unknown): number {
  const value = given === '' ? Number.NaN : Number(given);
  const min = spec.min ?? 0;
  const fits = spec.type === 'count' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (fits && value >= min) return value;
  const kind = spec.type === 'count' ? 'a whole number' : 'a number';
  throw new Error(`--${name} must be ${kind} of at least ${min}, not ${JSON.stringify(given)}`);
}
