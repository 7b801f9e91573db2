/** A benchmark whose figures are something else than CPU per call: its flags, its run, its table and its result file. */
import { type Benchmark, resultFile, writeResult } from './benchmark.ts';
import { type FlagSpec, readFlags } from './flags.ts';
import { type Figure, type FiguresResult, inCalm, toFigures } from './report.ts';
import { DEFAULT_CLI } from './targets.ts';

export interface FiguresSpec<Name extends string> {
  readonly name: string;
  /** Whole numbers that can be given, and what they are otherwise. */
  readonly flags: Readonly<Record<Name, number>>;
  /** What they are where it is only to be seen that it works. */
  readonly quick: Readonly<Partial<Record<Name, number>>>;
  measure(flags: Readonly<Record<Name, number>>, cli: string): Promise<Figure[]>;
}

/** @returns the benchmark, whose run ends with 1 when a figure is above its limit */
export function figures<Name extends string>(spec: FiguresSpec<Name>): Benchmark {
  const { name, measure } = spec;
  const run = async (argv: readonly string[]): Promise<number> => {
    const counts = Object.entries<number>(spec.flags).map(([flag, value]) => [flag, { type: 'count', default: value }]);
    const more = {
      json: { type: 'text', default: resultFile(name) },
      cli: { type: 'text', default: DEFAULT_CLI },
    } as const;
    const { json, cli, ...settings } = readFlags<Record<string, FlagSpec> & typeof more>(argv, {
      ...Object.fromEntries(counts),
      ...more,
    });
    const asked = settings as unknown as Record<Name, number>;
    const { environment, measured } = await inCalm(() => measure(asked, cli));
    const result: FiguresResult = { benchmark: name, environment, settings: asked, figures: measured };
    console.log(`\n${toFigures(result)}`);
    writeResult(json, result);
    const over = measured.filter(
      ({ value, limit = Number.POSITIVE_INFINITY, least = 0 }) => value > limit || value < least,
    );
    for (const { name: what } of over) console.error(`Not within its limit: ${what}.`);
    return over.length > 0 ? 1 : 0;
  };
  const toMarkdown = (json: string): string => toFigures(JSON.parse(json) as FiguresResult);
  const quick = Object.entries(spec.quick).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  return { name, run, resultFile: resultFile(name), toMarkdown, quick };
}
