/**
 * How long and with which seed the fuzz tests run:
 *
 *     FUZZ_RUNS=500      batches of cases per property; default a few, for a run of seconds
 *     FUZZ_SEED=123      the same cases again; the seed of every run is printed
 *     FUZZ_SHRINK=1      looks for the smallest failing batch, which takes long
 */
import fc from 'fast-check';

const { FUZZ_RUNS, FUZZ_SEED, FUZZ_SHRINK } = process.env;

/** The most that one batch may take, milliseconds. */
const BATCH_MS = 10_000;
const LEAST_MS = 120_000;

const seed = Number(FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
process.stdout.write(`fuzz seed ${seed}: run again with FUZZ_SEED=${seed}\n`);

/** How many batches a property runs. @param usual unless the environment says otherwise */
const batches = (usual: number): number => (FUZZ_RUNS === undefined ? usual : Number(FUZZ_RUNS));

/** The time that a test with this many batches may take, milliseconds. */
export const timeLimit = (usual: number): number => LEAST_MS + batches(usual) * BATCH_MS;

/** How much of a failing batch is shown, characters; the seed gives the rest. */
const SHOWN = 2_000;

/**
 * Runs a property on batches of cases.
 * @param usual how many batches unless the environment says otherwise
 * @throws Error with the seed and the failing batch
 */
export async function fuzz<T>(usual: number, batch: fc.Arbitrary<T>, run: (batch: T) => Promise<void>): Promise<void> {
  const settings = { seed, numRuns: batches(usual), endOnFailure: FUZZ_SHRINK === undefined };
  const { failed, numRuns, counterexample, errorInstance } = await fc.check(fc.asyncProperty(batch, run), settings);
  if (!failed) return;
  const what = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const found = `batch ${numRuns} of FUZZ_SEED=${seed}: ${fc.stringify(counterexample).slice(0, SHOWN)}`;
  throw new Error(`${what}\n${found}`, { cause: errorInstance });
}

/** Batches of so many cases. */
export const batchOf = <T>(size: number, one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(one, { minLength: FUZZ_SHRINK === undefined ? size : 1, maxLength: size, size: 'max' });
