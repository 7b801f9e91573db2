/**
 * A benchmark that compares contenders under one load: its flags, its run, its table and its result file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Contender, compare } from './compare.ts';
import { readFlags } from './flags.ts';
import { environment, type Result, toAdded, toJson, toRatio, toRow, toTable } from './report.ts';
import { DEFAULT_CLI } from './targets.ts';
import type { Load } from './windows.ts';

export interface Benchmark {
  readonly name: string;
  /** Takes flags; prints a table, writes the result; gives an exit code. */
  run(argv: readonly string[]): Promise<number>;
  readonly resultFile: string;
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
  /** Names of contenders: what is compared with what. A gate looks at the first. */
  readonly ratios: readonly (readonly [of: string, to: string])[];
  /** Whose difference in µs is what it is about. */
  readonly added?: readonly [of: string, to: string];
}

const SETTLE = 3;

export const resultFile = (name: string): string => join(import.meta.dirname, 'results', `${name}.json`);

export function comparison(spec: Comparison): Benchmark {
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
    const result = await measure(spec, asked, { sets, rounds }, flags.cli);
    console.log(`\n${toTable(result)}`);
    mkdirSync(dirname(flags.json), { recursive: true });
    writeFileSync(flags.json, toJson(result));
    return (
      gate('ratio', result.ratios[0]?.median, flags['max-ratio']) |
      gate('added µs', result.added?.median, flags['max-added'])
    );
  };
  return { name, run, resultFile: resultFile(name) };
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
): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const contenders = await spec.contenders(stack, cli, load);
  const windows = await compare(contenders, load, { sets, rounds, settle: SETTLE });
  const rows = contenders.map(({ name }, i) => toRow(name, windows[i]!));
  const row = (name: string) => rows.find((one) => one.name === name)!;
  const { token: _, ...settings } = load;
  return {
    benchmark: spec.name,
    environment: environment(),
    settings: { sets, rounds, ...settings },
    rows,
    ratios: spec.ratios.map(([of, to]) => toRatio(row(of), row(to))),
    ...(spec.added && { added: toAdded(row(spec.added[0]), row(spec.added[1])) }),
  };
}
