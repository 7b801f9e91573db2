/**
 * The gate of the continuous integration: whether what Patchbay costs, against what the least costs beside it in the same run,
 * is still what it was. It looks at ratios of CPU time, never at time, so that it holds on other machines, too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from './benchmark.ts';
import { type Contender, compare } from './compare.ts';
import { readFlags } from './flags.ts';
import { longList, result1mb } from './payloads.ts';
import { median } from './report.ts';
import { smallCall } from './small-call.ts';
import { DEFAULT_CLI } from './targets.ts';
import type { Load } from './windows.ts';

/** A benchmark whose first ratio is looked at, and how many calls a window has, so that it means the same on a slow machine. */
export interface Headline {
  readonly spec: Comparison;
  readonly calls: number;
}

export const HEADLINES: readonly Headline[] = [
  { spec: smallCall.spec, calls: 3_000 },
  { spec: result1mb.spec, calls: 200 },
  { spec: longList.spec, calls: 120 },
];

/** What the ratios were when they were last written down, and by which factor they may be above. */
export interface Limits {
  readonly margin: number;
  readonly ratios: Readonly<Record<string, number>>;
}

export const LIMITS_FILE = join(import.meta.dirname, 'limits.json');

const WRITE = '--write';
/** At most so long, in seconds. */
const WINDOW = { seconds: 2, warmup: 0.1 };

export interface GateOptions {
  /** Windows of each of the two in a set; each set is of new processes. */
  readonly rounds: number;
  /** How many sets there are at most: another is begun while the ratio is above the limit. */
  readonly sets: number;
  /** How long processes run before they are measured, seconds. */
  readonly settle: number;
  readonly cli: string;
}

/** What came of one ratio. */
export interface Verdict {
  readonly name: string;
  /** The median of all rounds of all sets. */
  readonly ratio: number;
  readonly limit: number;
  readonly passed: boolean;
  readonly rounds: number;
}

/**
 * Measures the first ratio of a benchmark, shorter than the benchmark does. What is above the limit is measured again, with
 * new processes; all rounds count, so that trying again makes the figure better and not luckier.
 *
 * @param limit Infinity measures all sets
 * @throws {Error} when a contender does not start, or answers wrongly
 */
export async function judge(
  { spec, calls }: Headline,
  limit: number,
  { rounds, sets, settle, cli }: GateOptions,
): Promise<Verdict> {
  await using stack = new AsyncDisposableStack();
  const load: Load = { ...spec.load, ...WINDOW, calls };
  const [of, to] = spec.ratios[0]!;
  const all = await spec.contenders(stack, cli, load);
  const pair = [of, to].map((name): Contender => all.find((one) => one.name === name)!);
  const ratios: number[] = [];
  for (let set = 1; set <= sets; set += 1) {
    const [own = [], others = []] = await compare(pair, load, { sets: 1, rounds, settle, brief: true });
    ratios.push(...own.map(({ target }, i) => target.cpuUsPerCall / others[i]!.target.cpuUsPerCall));
    if (median(ratios) <= limit && limit !== Number.POSITIVE_INFINITY) break;
  }
  const ratio = median(ratios);
  return { name: spec.name, ratio, limit, passed: ratio <= limit, rounds: ratios.length };
}

/** @returns what the ratio of a benchmark may be */
export function limitOf(limits: Limits, name: string): number {
  const ratio = limits.ratios[name];
  if (ratio === undefined) throw new Error(`${LIMITS_FILE} has no ratio for ${name}: npm run bench -- gate --write`);
  return ratio * limits.margin;
}

/**
 * Measures all of them; a line for each, and `N passed, N failed` as the last.
 * @param argv `--write` writes down what the ratios are now
 * @returns 1 when one failed
 */
export async function runGate(argv: readonly string[]): Promise<number> {
  const flags = readFlags(
    argv.filter((one) => one !== WRITE),
    {
      rounds: { type: 'count', default: 6, min: 1 },
      sets: { type: 'count', default: 3, min: 1 },
      settle: { type: 'number', default: 2, min: 0.1 },
      cli: { type: 'text', default: DEFAULT_CLI },
    },
  );
  if (argv.includes(WRITE)) return writeLimits(flags);
  const limits = readLimits();
  let failed = 0;
  for (const one of HEADLINES) {
    const passed = await told(one, limits, flags).catch((error: unknown) => {
      console.error(`FAILED ${one.spec.name}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    });
    if (!passed) failed += 1;
  }
  console.log(`${HEADLINES.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

async function told(headline: Headline, limits: Limits, options: GateOptions): Promise<boolean> {
  const { name, ratio, limit, passed, rounds } = await judge(headline, limitOf(limits, headline.spec.name), options);
  const [of, to] = headline.spec.ratios[0]!;
  const was = limits.ratios[name]!;
  console.log(
    `${passed ? 'passed' : 'FAILED'} ${name}: ${of} costs ${ratio.toFixed(2)} × the CPU of ${to}, in ${rounds} rounds; it was ${was.toFixed(2)}, and may be ${limit.toFixed(2)}`,
  );
  if (ratio * limits.margin < was) console.log(`It has become better: npm run bench -- gate --write notes that.`);
  return passed;
}

/** What is committed. */
export const readLimits = (): Limits => JSON.parse(readFileSync(LIMITS_FILE, 'utf8')) as Limits;

async function writeLimits(options: GateOptions): Promise<number> {
  const ratios: Record<string, number> = {};
  for (const one of HEADLINES) {
    const { name, ratio } = await judge(one, Number.POSITIVE_INFINITY, options);
    ratios[name] = Number(ratio.toFixed(2));
    console.log(`${name}: ${ratio.toFixed(2)}`);
  }
  writeFileSync(LIMITS_FILE, `${JSON.stringify({ margin: readLimits().margin, ratios }, null, 2)}\n`);
  return 0;
}
