/**
 * A benchmark that compares contenders under one load: its flags, its run, its table and its result file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Contender, compare } from './compare.ts';
import { readFlags } from './flags.ts';
import { type Goal, inCalm, type Result, reached, toAdded, toJson, toRatio, toRow, toTable } from './report.ts';
import { DEFAULT_CLI } from './targets.ts';
import type { Load } from './windows.ts';

export interface Benchmark {
  readonly name: string;
  /** Takes flags; prints a table, writes the result; gives an exit code. */
  run(argv: readonly string[]): Promise<number>;
  readonly resultFile: string;
  /** What the page of the benchmarks shows. @param json the result as it is in its file */
  toMarkdown(json: string): string;
  /** Flags with which it takes seconds, which shows that it works and nothing else. */
  readonly quick: readonly string[];
}

export interface Comparison {
  readonly name: string;
  readonly load: Load;
  readonly sets?: number;
  readonly rounds?: number;
  /**
   * Who takes part. What they share is started here, and disposed of with the stack.
   * @param cli the build of Patchbay to measure
   */
  contenders(stack: AsyncDisposableStack, cli: string, load: Load): Promise<Contender[]>;
  /** Names of contenders: what is compared with what, and what is wanted. A gate looks at the first. */
  readonly ratios: readonly (readonly [of: string, to: string, goal?: Goal | undefined])[];
  /** Whose difference in µs is what it is about. */
  readonly added?: readonly [of: string, to: string];
}

const SETTLE = 3;

export const resultFile = (name: string): string => join(import.meta.dirname, 'results', `${name}.json`);

/** @returns the benchmark, with what it is made of */
export function comparison(spec: Comparison): Benchmark & { readonly spec: Comparison } {
  const { name, load } = spec;
  const run = async (argv: readonly string[]): Promise<number> => {
    const flags = readFlags(argv, {
      sets: { type: 'count', default: spec.sets ?? 2, min: 1 },
      rounds: { type: 'count', default: spec.rounds ?? 8, min: 1 },
      seconds: { type: 'number', default: load.seconds, min: 0.1 },
      warmup: { type: 'number', default: load.warmup },
      connections: { type: 'count', default: load.connections, min: 1 },
      'in-flight': { type: 'count', default: load.inFlight, min: 1 },
      bytes: { type: 'count', default: load.bytes },
      json: { type: 'text', default: resultFile(name) },
      'max-ratio': { type: 'number' },
      'max-added': { type: 'number' },
      cli: { type: 'text', default: DEFAULT_CLI },
    });
    const { sets, rounds, seconds, warmup, connections, bytes } = flags;
    const asked: Load = { ...load, seconds, warmup, connections, inFlight: flags['in-flight'], bytes };
    const { environment, measured } = await inCalm(() => measure(spec, asked, { sets, rounds }, flags.cli));
    const result: Result = { benchmark: name, environment, ...measured };
    console.log(`\n${toTable(result)}`);
    writeResult(flags.json, result);
    for (const { of, to, median, goal } of result.ratios)
      if (goal && !reached(median, goal)) console.error(`Not as it is wanted: ${of}, against ${to}.`);
    return (
      gate('ratio', result.ratios[0]?.median, flags['max-ratio']) |
      gate('added µs', result.added?.median, flags['max-added'])
    );
  };
  const toMarkdown = (json: string): string => toTable(JSON.parse(json) as Result);
  const quick = ['--sets', '1', '--rounds', '2', '--seconds', '0.5'];
  return { name, run, resultFile: resultFile(name), toMarkdown, quick, spec };
}

/** Writes a result to its file, whose folder it makes. */
export function writeResult(file: string, result: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, toJson(result));
}

/** @returns 1 when a figure is above its limit, which is told */
function gate(what: string, figure: number | undefined, limit: number | undefined): number {
  if (limit === undefined || figure === undefined || figure <= limit) return 0;
  console.error(`\nThe ${what}, ${figure.toFixed(2)}, is above the limit ${limit}.`);
  return 1;
}

async function measure(
  spec: Comparison,
  load: Load,
  { sets, rounds }: { sets: number; rounds: number },
  cli: string,
): Promise<Omit<Result, 'benchmark' | 'environment'>> {
  await using stack = new AsyncDisposableStack();
  const contenders = await spec.contenders(stack, cli, load);
  const windows = await compare(contenders, load, { sets, rounds, settle: SETTLE });
  const rows = contenders.map(({ name }, i) => toRow(name, windows[i]!));
  const row = (name: string) => rows.find((one) => one.name === name)!;
  const { token: _, ...settings } = load;
  return {
    settings: { sets, rounds, ...settings },
    rows,
    ratios: spec.ratios.map(([of, to, goal]) => toRatio(row(of), row(to), goal)),
    ...(spec.added && { added: toAdded(row(spec.added[0]), row(spec.added[1])) }),
  };
}
